"""Sends the sums of each partition that a worker owns, once a period of its records' time.

    records' time turns ──► between two steps: rows as they are, a copy of items' sums ──► summed in a thread ──► sent

What is sent is a function of the input up to its offset, so it does not matter who sends it, or whether twice.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from agents.delivery.step import BatchResult, PartitionWriter
from agents.kafka.errors import BrokerUnavailable
from agents.metrics.declared.norms import NormMetrics
from streams.context import Executor
from streams.input.checkpoint import InputCheckpoint
from streams.norms.bounded_sums import BoundedSums
from streams.norms.row_sums import Periods, sum_rows
from streams.norms.sealed import NormsUnreadable
from streams.norms.shard import NormShard, items_of

_LOOK_S: Final = 0.5
_US: Final = 1_000_000
_PAUSE_EVERY_ROWS: Final = 1_000
_PAUSE_S: Final = 0.02
"""Other work's turn: a scan of a million rows takes 20 s longer for it."""
_MOST_OFTEN: Final = 100
"""Shards a period, by the wall clock, at most: records' times may go to and fro."""
_log = logging.getLogger(__name__)


class Journal(Protocol):
    """What a shard needs of a partition's journal: NormJournal."""

    begin: int
    since_s: int

    def counted(self) -> BoundedSums: ...


class OwnedRows(Protocol):
    """What a worker holds of its partitions; asked as their only writer, but for `clock_s`."""

    def clock_s(self, partition: int) -> int | None:
        """The time of the records of its last step, in seconds; None before the first."""
        ...

    def journal(self, partition: int) -> Journal: ...
    def rows(self, partition: int) -> Iterator[bytes]: ...
    def checkpoint(self, partition: int) -> InputCheckpoint | None: ...


class _Frozen(NamedTuple):
    """A partition at one offset."""

    checkpoint: InputCheckpoint
    clock_us: int
    begin: int
    counted: BoundedSums
    rows: Iterator[bytes]

    @property
    def given_up(self) -> int:
        return int(self.counted.given_up.sum())


@dataclass(slots=True)
class ShardSender:
    """Of one worker. `send` appends a shard, and blocks; `published_s` tells the clock of the snapshot in force."""

    held: OwnedRows
    writer: PartitionWriter
    send: Callable[[NormShard], None]
    owned: Callable[[], frozenset[int]]
    published_s: Callable[[], int | None]
    executor: Executor
    every_s: float
    metrics: NormMetrics
    monotonic_s: Callable[[], float] = time.monotonic
    _last_s: dict[int, int] = field(default_factory=dict)
    _tried_s: dict[int, float] = field(default_factory=dict)
    _given_up: dict[int, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Look which partitions' time has turned, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            for partition in sorted(self.owned()):
                if self.is_due(partition):
                    await self.send_shard(partition)

    def drop(self, partitions: Iterable[int]) -> None:
        """Forget those that move on."""
        for partition in partitions:
            for known in (self._last_s, self._tried_s, self._given_up):
                known.pop(partition, None)

    def is_due(self, partition: int) -> bool:
        """Whether its records' time is in another period than its last shard: a clock that went back counts as well."""
        now_s = self.held.clock_s(partition)
        if now_s is None:
            return False
        tried_s = self._tried_s.get(partition)
        if tried_s is not None and self.monotonic_s() - tried_s < self.every_s / _MOST_OFTEN:
            return False
        last_s = self._last_s.get(partition, self.published_s())
        if last_s is None:
            last_s = self.held.journal(partition).since_s
        return now_s // self.every_s != last_s // self.every_s

    async def send_shard(self, partition: int) -> None:
        """Take a partition's sums as they are between two steps, and send them. What is not taken is tried again."""
        self._tried_s[partition] = self.monotonic_s()
        found: list[_Frozen] = []

        async def freeze() -> BatchResult:
            if (checkpoint := self.held.checkpoint(partition)) is not None:
                journal = self.held.journal(partition)
                clock_us = (self.held.clock_s(partition) or 0) * _US
                counted = await self.executor.run(journal.counted)
                rows = self.held.rows(partition)
                found.append(_Frozen(checkpoint, clock_us, journal.begin, counted, rows))
            return BatchResult({}, [])

        if not await self.writer.apply(partition, freeze) or not found:
            return
        [frozen] = found
        try:
            await self.executor.run(lambda: self.send(self._summed(partition, frozen)))
        except BrokerUnavailable as error:
            _log.warning("The sums of partition %d are not sent, and will be: %s", partition, error)
            return
        except NormsUnreadable as error:
            self.metrics.norms_refused.add(error.reason)
            _log.warning("The sums of partition %d are not sent: %s", partition, error)
        else:
            self.metrics.norm_shards.add()
        self._last_s[partition] = frozen.clock_us // _US
        self._given_up[partition] = frozen.given_up
        self.metrics.norm_items_given_up.replace({(str(at),): count for at, count in self._given_up.items()})

    def _summed(self, partition: int, frozen: _Frozen) -> NormShard:
        began_s = time.thread_time()
        every_us = int(self.every_s * _US)
        sums = sum_rows(_with_pauses(frozen.rows), Periods(frozen.clock_us, every_us))
        self.metrics.norm_scan_s.add(time.thread_time() - began_s)
        return NormShard(
            partition,
            frozen.checkpoint.epoch,
            frozen.checkpoint.offset,
            frozen.clock_us,
            every_us,
            frozen.begin,
            frozen.given_up,
            sums.left_out,
            items_of(frozen.counted.sums),
            sums.components,
            sums.cohorts,
        )


def _with_pauses(rows: Iterator[bytes]) -> Iterator[bytes]:
    for count, row in enumerate(rows, 1):
        yield row
        if count % _PAUSE_EVERY_ROWS == 0:
            time.sleep(_PAUSE_S)
