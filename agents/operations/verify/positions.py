"""Where all topics begin and end, and how far the group has come: asked before anything is read."""

import asyncio
from collections.abc import Mapping
from typing import Final

from agents.health.lag.broker import BrokerOffsets
from agents.kafka.clients import open_first_admin
from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.offsets import Offsets, SourcePartition
from agents.kafka.topics import TopicMismatch, describe_cluster

_POLL_S: Final = 0.25
_PATIENCE_S: Final = 10.0


def require_topics(broker: str, topics: tuple[str, ...], partitions: int, timeout_s: float) -> None:
    """Return if all are there. Raises BrokerUnavailable, or TopicMismatch naming one that is not as it must be."""
    known = describe_cluster(open_first_admin(broker), broker, timeout_s).topics  # asking for one topic may make it
    for topic in topics:
        if topic not in known:
            raise TopicMismatch(
                f"there is no topic {topic} at {broker}: are app_id and topic_prefix those of the workers?"
            )
        if len(known[topic].partitions) != partitions:
            raise TopicMismatch(f"topic {topic} has {len(known[topic].partitions)} partitions, not {partitions}")


class Positions:
    """Offsets of `topics`; `sources` are those that `group` reads. Raises BrokerUnavailable."""

    def __init__(
        self, broker: str, group: str, topics: tuple[str, ...], sources: tuple[str, ...], partitions: int
    ) -> None:
        self._reader = BrokerOffsets(broker, group, topics, partitions)
        self._parts = [(topic, partition) for topic in topics for partition in range(partitions)]
        self._sources = sources

    async def caught_up(self, wait_s: float) -> tuple[Mapping[SourcePartition, Offsets], int]:
        """All offsets, and the records that the group had not committed then: 0 if it came to that within `wait_s`.

        Commits are asked for before ends. So with 0 all that was there had been folded, and what it gave rise to sent.
        """
        catching_up, answers = Deadline(wait_s), Deadline(wait_s + _PATIENCE_S)
        while True:
            offsets = await self._read(answers)
            lags = {part: max(0, each.lag_records) for part, each in offsets.items() if part[0] in self._sources}
            behind = {part: offsets[part].next_offset for part, lag in lags.items() if lag}
            ages_s = await self._reader.ages_s(behind) if behind else {}
            lags |= {part: 0 for part, age_s in ages_s.items() if age_s is None}  # only marks of transactions are left
            lag = sum(lags.values())
            if lag == 0 or catching_up.is_over:
                return offsets, lag
            await asyncio.sleep(_POLL_S)

    async def _read(self, deadline: Deadline) -> Mapping[SourcePartition, Offsets]:
        while True:
            try:
                return await self._read_all()
            except BrokerUnavailable:
                if deadline.is_over:
                    raise
            await asyncio.sleep(_POLL_S)

    async def _read_all(self) -> Mapping[SourcePartition, Offsets]:
        offsets = await self._reader.read()
        for topic, partition in self._parts:
            if (topic, partition) not in offsets:
                raise BrokerUnavailable(f"the broker does not tell the offsets of {topic}/{partition}")
        return offsets
