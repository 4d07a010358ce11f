"""Consumer lag by the broker's own figures, measured again and again by a task of its own.

The worker's consumer is not asked: its own idea of lag freezes with it. What the broker doesn't tell is unknown:
never 0, and never the last figure that was known.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Final

from agents.health.lag.broker import OffsetReader
from agents.health.lag.figures import Lag, OpenTransaction
from agents.health.lag.publishing import publish_lag
from agents.health.lag.status import LagStatus
from agents.health.lag.track import PartitionTrack
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.group_members import GroupDescription
from agents.kafka.offsets import Offsets, SourcePartition
from agents.metrics import Metrics

_LOOKED_INTO_AT_ONCE: Final = 32


class LagMonitor:
    """Measures every `interval_s`. Figures older than three intervals (and `timeout_s`) are unknown again.

    The status is of the last `window_s`; of `looks` partitions at most the oldest record that waits is asked at once.
    """

    def __init__(
        self,
        reader: OffsetReader,
        *,
        interval_s: float = 5.0,
        timeout_s: float = 15.0,
        window_s: float = 60.0,
        looks: int = _LOOKED_INTO_AT_ONCE,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._reader = reader
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._window_s = window_s
        self._most_looks = looks
        self._clock_s = clock_s
        self._offsets: Mapping[SourcePartition, Offsets] = {}
        self._group: GroupDescription | None = None
        self._tracks: dict[SourcePartition, PartitionTrack] = {}
        self._empty: dict[SourcePartition, Offsets] = {}
        self._looks: Counter[SourcePartition] = Counter()
        self._held_since: dict[SourcePartition, tuple[int, float]] = {}
        self._measured_at_s: float | None = None
        self._problem: str | None = "not measured yet"

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            await self.measure()
            await asyncio.sleep(self._interval_s)

    async def measure(self) -> None:
        """Measure once; when that fails, nothing is known any more. Raises only what is not of the broker's making."""
        try:
            async with asyncio.timeout(self._timeout_s):
                offsets = await self._reader.read()
                now_s = self._clock_s()
                self._group = await self._reader.group()
                self._note(now_s, offsets)
                await self._look_into(now_s, offsets)
        except (BrokerUnavailable, TimeoutError) as error:
            self._offsets, self._problem = {}, str(error) or f"no answer within {self._timeout_s:g} s"
            return
        for part, records in self._records(offsets).items():
            self._tracks[part].settle(now_s, offsets[part], records)
        self._offsets, self._problem, self._measured_at_s = offsets, None, now_s
        self._note_held(offsets, now_s)

    def current(self) -> Lag:
        """What is known now."""
        now_s = self._clock_s()
        age_s = None if self._measured_at_s is None else now_s - self._measured_at_s
        problem = self._problem
        if problem is None and age_s is not None and age_s > 3 * self._interval_s + self._timeout_s:
            problem = f"not measured for {age_s:.0f} s"
        if problem is not None:
            return Lag({}, {}, age_s, problem)
        records = self._records(self._offsets)
        waited = {part: self._tracks[part].seconds(now_s) for part in records}
        growths = [growth for part in records if (growth := self._tracks[part].growth_per_s()) is not None]
        return Lag(
            self._offsets,
            records,
            age_s,
            None,
            self._held(now_s),
            {part: seconds for part, seconds in waited.items() if seconds is not None},
            {part: status for part in self._offsets if (status := self._status(part, records)) is not None},
            sum(growths) if growths else None,
            self._group,
        )

    def publish(self, metrics: Metrics) -> None:
        """Set the gauges that every worker has, for `Metrics.before_render`."""
        publish_lag(self.current(), metrics)

    def _records(self, offsets: Mapping[SourcePartition, Offsets]) -> dict[SourcePartition, int]:
        """How many records wait, of partitions of which no more is committed than there is."""
        return {
            part: 0 if self._empty.get(part) == at else at.lag_records
            for part, at in offsets.items()
            if at.lag_records >= 0
        }

    def _status(self, part: SourcePartition, records: Mapping[SourcePartition, int]) -> LagStatus | None:
        if part not in records:
            return "ERR"
        is_owned = None if self._group is None else part in self._group.owners
        return self._tracks[part].status(is_owned=is_owned)

    def _note(self, now_s: float, offsets: Mapping[SourcePartition, Offsets]) -> None:
        for part, at in offsets.items():
            self._tracks.setdefault(part, PartitionTrack(self._window_s)).note(now_s, at)

    def _note_held(self, offsets: Mapping[SourcePartition, Offsets], now_s: float) -> None:
        """A last stable offset that moves on is held by another transaction: its time begins anew."""
        former = self._held_since
        self._held_since = {
            part: former[part] if part in former and former[part][0] == at.end else (at.end, now_s)
            for part, at in offsets.items()
            if at.held_records
        }

    def _held(self, now_s: float) -> dict[SourcePartition, OpenTransaction]:
        return {
            part: OpenTransaction(self._offsets[part].held_records, now_s - since_s)
            for part, (_, since_s) in self._held_since.items()
            if part in self._offsets
        }

    async def _look_into(self, now_s: float, offsets: Mapping[SourcePartition, Offsets]) -> None:
        """Ask the oldest record that waits, where nothing moved since last time, or it is older than our samples.

        There may be none: what transactions left takes offsets, too.
        """
        self._empty = {part: at for part, at in self._empty.items() if offsets.get(part) == at}
        behind = [part for part, at in offsets.items() if at.lag_records > 0 and part not in self._empty]
        asked = [
            part
            for part in behind
            if self._offsets.get(part) == offsets[part] or not self._tracks[part].is_dated(offsets[part].next_offset)
        ]
        asked.sort(key=self._looks.__getitem__)
        looked_into = {part: offsets[part].next_offset for part in asked[: self._most_looks]}
        if not looked_into:
            return
        self._looks.update(looked_into.keys())
        for part, age_s in (await self._reader.ages_s(looked_into)).items():
            if age_s is None:
                self._empty[part] = offsets[part]
            else:
                self._tracks[part].date(now_s, looked_into[part], age_s)
