"""A consumer group's offsets, for whoever measures its lag again and again.

A transaction's markers, and what it aborted, take offsets that nobody will ever read: `ages_s` finds out whether a
partition is behind by such offsets alone, and else since when.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from time import time
from typing import Protocol

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from agents.kafka.clients import SMALL_FETCHES, open_admin, open_reader
from agents.kafka.errors import BrokerUnavailable, TopicForbidden
from agents.kafka.group_members import GroupDescription, describe_group
from agents.kafka.offsets import Offsets, SourcePartition, offsets_of
from agents.kafka.reading import Reading, second_reader
from agents.kafka.record import age_s
from agents.kafka.renewed import Renewed


class OffsetReader(Protocol):
    """Where offsets come from."""

    async def read(self) -> Mapping[SourcePartition, Offsets]:
        """The offsets of all partitions of the group for which the broker answers. Raises BrokerUnavailable where none
        can.
        """
        ...

    async def ages_s(self, positions: Mapping[SourcePartition, int]) -> Mapping[SourcePartition, float | None]:
        """How old the first record from there on says it is, 0 where it does not say.

        None: there is nothing to read from there to the end. In doubt, a partition is missing.
        """
        ...

    async def group(self) -> GroupDescription | None:
        """Who owns what; None where the broker does not tell. Raises nothing of the broker's making."""
        ...


class BrokerOffsets:
    """Offsets of `topics`, 0 to `partitions` each, and what `group` has committed. A mock cluster will do."""

    def __init__(
        self,
        broker: str,
        group: str,
        topics: Collection[str],
        partitions: int,
        timeout_s: float = 5.0,
        wall_s: Callable[[], float] = time,
    ) -> None:
        self._parts = [(topic, partition) for topic in topics for partition in range(partitions)]
        self._timeout_s = timeout_s
        self._clients: Renewed[tuple[AdminClient, Consumer]] = Renewed(
            lambda: (open_admin(broker), open_reader(broker, group))
        )
        self._broker = broker
        self._group = group
        self._second = second_reader(broker)
        self._wall_s = wall_s
        self._open = lambda: open_reader(broker, group, SMALL_FETCHES)

    async def read(self) -> Mapping[SourcePartition, Offsets]:
        """See OffsetReader."""
        return await asyncio.to_thread(self._read)

    async def ages_s(self, positions: Mapping[SourcePartition, int]) -> Mapping[SourcePartition, float | None]:
        """Reads on from `positions`, outside of the group; takes `timeout_s` at most, or some seconds more."""
        return await asyncio.to_thread(self._look_into, positions)

    async def group(self) -> GroupDescription | None:
        """See OffsetReader."""
        return await describe_group(self._broker, self._group, self._timeout_s)

    def _read(self) -> Mapping[SourcePartition, Offsets]:
        try:
            with self._clients.round() as (admin, consumer):
                answered_for = offsets_of(admin, consumer, self._parts, self._timeout_s)
                if len(answered_for) < len(self._parts):
                    self._clients.doubt()
        except KafkaException as error:
            raise BrokerUnavailable(error.args[0].str()) from error
        except TimeoutError as error:
            raise BrokerUnavailable(f"no answer within {self._timeout_s:g} s") from error
        return answered_for

    def _look_into(self, positions: Mapping[SourcePartition, int]) -> Mapping[SourcePartition, float | None]:
        clients, ages_s = Renewed(self._open), dict[SourcePartition, float | None]()
        spans = {part: (offset, None) for part, offset in positions.items()}
        reading = Reading(clients, spans, self._timeout_s, self._second, firsts=True)
        with suppress(BrokerUnavailable, TopicForbidden):
            for records in reading:
                for record in records:
                    ages_s[record.topic() or "", record.partition() or 0] = age_s(record, self._wall_s())
        clients.end(lambda client: client.close())
        return dict.fromkeys(positions.keys() - reading.left.keys()) | ages_s
