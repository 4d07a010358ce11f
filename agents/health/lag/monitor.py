"""Consumer lag by the broker's own figures, measured again and again by a task of its own.

The worker's consumer is not asked: its own idea of lag freezes with it. What the broker doesn't tell is unknown:
never 0, and never the last figure that was known.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from agents.health.lag.broker import OffsetReader
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.offsets import Offsets, SourcePartition
from agents.metrics import Metrics

_LOOKED_INTO_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """What waits for an open transaction: how many records, and for how long by now the same one has held them."""

    records: int
    for_s: float


@dataclass(frozen=True, slots=True)
class Lag:
    """What is known now; partitions of which nothing is known are not in `offsets` and `records`.

    `age_s` is the age of the last figures (None: there never were any), even if they no longer count. `held` are the
    partitions with an open transaction.
    """

    offsets: Mapping[SourcePartition, Offsets]
    records: Mapping[SourcePartition, int]
    age_s: float | None
    problem: str | None
    held: Mapping[SourcePartition, OpenTransaction] = field(default_factory=dict)


class LagMonitor:
    """Measures every `interval_s`. Figures older than three intervals (and `timeout_s`) are unknown again."""

    def __init__(
        self,
        reader: OffsetReader,
        *,
        interval_s: float = 5.0,
        timeout_s: float = 15.0,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._reader = reader
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._clock_s = clock_s
        self._offsets: Mapping[SourcePartition, Offsets] = {}
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
                await self._look_into(offsets)
        except (BrokerUnavailable, TimeoutError) as error:
            self._offsets, self._problem = {}, str(error) or f"no answer within {self._timeout_s:g} s"
            return
        self._offsets, self._problem, self._measured_at_s = offsets, None, self._clock_s()
        self._note_held(offsets, self._measured_at_s)

    def current(self) -> Lag:
        """What is known now."""
        age_s = None if self._measured_at_s is None else self._clock_s() - self._measured_at_s
        problem = self._problem
        if problem is None and age_s is not None and age_s > 3 * self._interval_s + self._timeout_s:
            problem = f"not measured for {age_s:.0f} s"
        if problem is not None:
            return Lag({}, {}, age_s, problem)
        records = {
            part: 0 if self._empty.get(part) == offsets else offsets.lag_records
            for part, offsets in self._offsets.items()
            if offsets.lag_records >= 0
        }
        return Lag(self._offsets, records, age_s, None, self._held())

    def publish(self, metrics: Metrics) -> None:
        """Set the gauges, for `Metrics.before_render`."""
        lag = self.current()
        metrics.lag_records.replace({(topic, str(partition)): lag for (topic, partition), lag in lag.records.items()})
        metrics.lag_age_s.set(lag.age_s)
        held = {(topic, str(partition)): held for (topic, partition), held in lag.held.items()}
        metrics.held_records.replace({labels: each.records for labels, each in held.items()})
        metrics.held_s.replace({labels: each.for_s for labels, each in held.items()})

    def _note_held(self, offsets: Mapping[SourcePartition, Offsets], now_s: float) -> None:
        """A last stable offset that moves on is held by another transaction: its time begins anew."""
        former = self._held_since
        self._held_since = {
            part: former[part] if part in former and former[part][0] == at.end else (at.end, now_s)
            for part, at in offsets.items()
            if at.held_records
        }

    def _held(self) -> dict[SourcePartition, OpenTransaction]:
        now_s = self._clock_s()
        return {
            part: OpenTransaction(self._offsets[part].held_records, now_s - since_s)
            for part, (_, since_s) in self._held_since.items()
            if part in self._offsets
        }

    async def _look_into(self, offsets: Mapping[SourcePartition, Offsets]) -> None:
        """Find out which partitions are behind by what can't be read; only where nothing moved since last time."""
        self._empty = {part: at for part, at in self._empty.items() if offsets.get(part) == at}
        still = [
            part
            for part, at in offsets.items()
            if at.lag_records > 0 and self._offsets.get(part) == at and part not in self._empty
        ]
        still.sort(key=self._looks.__getitem__)
        looked_into = {part: offsets[part].next_offset for part in still[:_LOOKED_INTO_AT_ONCE]}
        if looked_into:
            self._looks.update(looked_into.keys())
            self._empty |= {part: offsets[part] for part in await self._reader.unreadable(looked_into)}
