"""A consumer group's offsets, as the broker tells them to a client of its own.

The worker reads committed transactions only. So a partition's end here is its last stable offset. What follows it, up
to the high watermark, waits for an open transaction: it can't be read yet, whoever wrote it. A transaction's markers,
and what it aborted, take offsets that nobody will ever read: `unreadable` finds out whether a partition is behind by
such offsets alone.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, Protocol

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from agents.kafka.connection import client_config
from agents.kafka.renewed import Renewed
from schemas.errors import Retryable

Part = tuple[str, int]
"""Topic and partition."""

_START: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_END: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_FETCH_BYTES: Final = 64 * 1024
_Clients = tuple[AdminClient, Consumer]


class LagUnknown(Retryable):
    """The broker doesn't tell the offsets."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """A partition, as the broker has it; `committed` is None where the group never committed.

    `high` is the high watermark, None where it is not told. It moves by itself: comparisons leave it out.
    """

    start: int
    end: int
    committed: int | None
    high: int | None = field(default=None, compare=False)

    @property
    def next_offset(self) -> int:
        """Where the group reads on: what retention took away cannot be read any more."""
        return self.start if self.committed is None else max(self.committed, self.start)

    @property
    def lag_records(self) -> int:
        """Below 0 when more was committed than there is: the topic is not the one that was read."""
        return self.end - self.next_offset

    @property
    def held_records(self) -> int:
        """Records that wait for an open transaction: from the last stable offset to the high watermark."""
        return 0 if self.high is None else max(0, self.high - self.end)


class OffsetReader(Protocol):
    """Where offsets come from."""

    async def read(self) -> Mapping[Part, Offsets]:
        """All partitions of the group that can be told. Raises LagUnknown where none can."""
        ...

    async def unreadable(self, positions: Mapping[Part, int]) -> Collection[Part]:
        """Those of `positions` with nothing to read from there to the end; in doubt, a partition is not among them."""
        ...


class BrokerOffsets:
    """Offsets of `topics`, 0 to `partitions` each, and what `group` has committed. A mock cluster will do."""

    def __init__(
        self, broker: str, group: str, topics: Collection[str], partitions: int, timeout_s: float = 5.0
    ) -> None:
        self._client = client_config(broker)
        self._group = group
        self._parts = [(topic, partition) for topic in topics for partition in range(partitions)]
        self._timeout_s = timeout_s
        self._clients = Renewed(self._open)

    def _open(self) -> _Clients:
        consumer = Consumer(self._client | {"group.id": self._group, "enable.auto.commit": False})  # never joins
        return AdminClient(self._client), consumer

    async def read(self) -> Mapping[Part, Offsets]:
        """What is committed first, ends after it: so a lag is never less than it was."""
        try:
            async with asyncio.timeout(2 * self._timeout_s):
                with self._clients.round() as (admin, consumer):
                    committed = await self._committed(consumer)
                    starts, ends = await asyncio.gather(self._list(admin, _START), self._list(admin, _END))
                    highs = await self._list(admin, _END, IsolationLevel.READ_UNCOMMITTED)
        except KafkaException as error:
            raise LagUnknown(error.args[0].str()) from error
        except TimeoutError as error:
            raise LagUnknown(f"no answer within {self._timeout_s:g} s") from error
        told = starts.keys() & ends.keys() & committed.keys()
        if len(told) < len(self._parts):
            self._clients.doubt()
        return {part: Offsets(starts[part], ends[part], committed[part], highs.get(part)) for part in told}

    async def unreadable(self, positions: Mapping[Part, int]) -> Collection[Part]:
        """Reads on from `positions`, outside of the group; takes `timeout_s` at most."""
        return await asyncio.to_thread(self._look_into, positions)

    async def _list(
        self, admin: AdminClient, spec: OffsetSpec, isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
    ) -> dict[Part, int]:
        asked = admin.list_offsets(
            {TopicPartition(*part): spec for part in self._parts},
            isolation_level=isolation,
            request_timeout=self._timeout_s,
        )
        answers = await asyncio.gather(*map(asyncio.wrap_future, asked.values()), return_exceptions=True)
        offsets = {}
        for place, answer in zip(asked, answers, strict=True):
            if not isinstance(answer, BaseException):
                offsets[place.topic, place.partition] = answer.offset
        errors = [answer for answer in answers if isinstance(answer, BaseException)]
        if errors and not offsets:
            raise errors[0]
        return offsets

    async def _committed(self, consumer: Consumer) -> dict[Part, int | None]:
        # Not the admin client's list_consumer_group_offsets: on a broker that has just started, whose group coordinator
        # is still loading, it ends the process with a segmentation fault (confluent-kafka 2.16.1).
        asked = [TopicPartition(*part) for part in self._parts]
        answered = await asyncio.to_thread(consumer.committed, asked, self._timeout_s)
        told = [place for place in answered if place.error is None]
        if not told:
            raise LagUnknown(f"no committed offsets are told of group {self._group}")
        return {(place.topic, place.partition): place.offset if place.offset >= 0 else None for place in told}

    def _look_into(self, positions: Mapping[Part, int]) -> Collection[Part]:
        consumer = Consumer(
            self._client
            | {
                "group.id": self._group,  # never joined: partitions are assigned by hand, and nothing is committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "fetch.message.max.bytes": _FETCH_BYTES,
            }
        )
        empty: set[Part] = set()
        undecided = set(positions)
        deadline_s = monotonic() + self._timeout_s
        try:
            consumer.assign([TopicPartition(*part, offset) for part, offset in positions.items()])
            while undecided and monotonic() < deadline_s:
                message = consumer.poll(0.1)
                if message is None:
                    continue
                part, error = (message.topic() or "", message.partition() or 0), message.error()
                if error is None:
                    undecided.discard(part)
                elif error.code() == KafkaError._PARTITION_EOF and part in undecided:
                    undecided.discard(part)
                    empty.add(part)
        finally:
            consumer.close()
        return empty
