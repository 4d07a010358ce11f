"""When a worker sends the sums of its partitions, and what they are of."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents.delivery.step import BatchResult
from agents.kafka.errors import BrokerUnavailable
from agents.metrics import Metrics
from agents.norms.owner import ShardSender
from streams.context import INLINE
from streams.input.checkpoint import CHECKPOINT_VERSION, InputCheckpoint
from streams.norms.journal import NormJournal
from streams.norms.shard import NormShard

DAY_S = 86_400
CHECKPOINT = InputCheckpoint(CHECKPOINT_VERSION, "", 1, 3, 41, 0, 0)


@dataclass
class Held:
    """A worker of one partition whose steps set the clock; `sent` are its shards, or the broker is `away`."""

    clock: int | None = 10 * DAY_S
    published: int | None = 10 * DAY_S
    now_s: float = 0.0
    is_ours: bool = True
    stored: InputCheckpoint | None = CHECKPOINT
    away: bool = False
    sent: list[NormShard] = field(default_factory=list)

    def clock_s(self, partition: int) -> int | None:
        return self.clock

    def journal(self, partition: int) -> NormJournal:
        journal = NormJournal(3, -1, 1_000)
        journal.since_s = 10 * DAY_S
        return journal

    def rows(self, partition: int) -> Iterator[bytes]:
        return iter(())

    def checkpoint(self, partition: int) -> InputCheckpoint | None:
        return self.stored

    async def apply(self, partition: int, step: Callable[[], Awaitable[BatchResult]]) -> bool:
        if self.is_ours:
            assert await step() == BatchResult({}, []), "nothing is changed by it"
        return self.is_ours

    def send(self, shard: NormShard) -> None:
        if self.away:
            raise BrokerUnavailable("away")
        self.sent.append(shard)

    def sender(self) -> ShardSender:
        held: Any = self
        return ShardSender(
            held,
            self,
            self.send,
            lambda: frozenset({0}),
            lambda: self.published,
            INLINE,
            DAY_S,
            Metrics(),
            monotonic_s=lambda: self.now_s,
        )


def look(held: Held, sender: ShardSender, clock: int | None) -> None:
    """The records' time is `clock`, and much time has passed: what is due is sent."""
    held.clock, held.now_s = clock, held.now_s + DAY_S
    if sender.is_due(0):
        asyncio.run(sender.send_shard(0))


def days(held: Held) -> list[int]:
    return [shard.clock_us // 1_000_000 // DAY_S for shard in held.sent]


def test_sums_are_sent_once_a_period_of_the_records_time() -> None:
    held = Held()
    sender = held.sender()

    for clock in (None, 10 * DAY_S + 5, 11 * DAY_S, 11 * DAY_S + 5, 14 * DAY_S):
        look(held, sender, clock)

    assert days(held) == [11, 14]
    assert (held.sent[0].partition, held.sent[0].epoch, held.sent[0].offset) == (0, 3, 41)


def test_one_record_of_2099_does_not_stop_it() -> None:
    held = Held()
    sender = held.sender()

    for day in (11, 47_000, 12, 12, 13):
        look(held, sender, day * DAY_S)

    assert days(held) == [11, 47_000, 12, 13]


def test_before_the_first_snapshot_the_first_period_is_that_of_the_journal_s_begin() -> None:
    held = Held(published=None)
    sender = held.sender()

    look(held, sender, 10 * DAY_S + 9)
    look(held, sender, 11 * DAY_S)

    assert days(held) == [11]


def test_clocks_that_go_to_and_fro_send_no_more_than_a_hundred_a_period() -> None:
    held = Held()
    sender = held.sender()
    look(held, sender, 11 * DAY_S)

    held.clock, held.now_s = 12 * DAY_S, held.now_s + DAY_S / 100 - 1
    assert not sender.is_due(0)
    held.now_s += 2
    assert sender.is_due(0)


@pytest.mark.parametrize("trouble", [{"away": True}, {"is_ours": False}, {"stored": None}])
def test_what_could_not_be_sent_is_sent_the_next_time(trouble: dict[str, Any]) -> None:
    held = Held(**trouble)
    sender = held.sender()
    look(held, sender, 11 * DAY_S)
    assert held.sent == []

    held.away, held.is_ours, held.stored = False, True, CHECKPOINT
    look(held, sender, 11 * DAY_S)
    assert days(held) == [11]


def test_a_partition_that_moved_away_and_came_back_begins_from_the_snapshot_in_force() -> None:
    held = Held()
    sender = held.sender()
    look(held, sender, 11 * DAY_S)
    sender.drop([0])
    held.published = 11 * DAY_S

    look(held, sender, 11 * DAY_S + 1)
    look(held, sender, 12 * DAY_S)

    assert days(held) == [11, 12]
