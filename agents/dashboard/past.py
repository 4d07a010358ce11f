"""A worker's last minutes in memory: a bounded ring of steps, so that charts have a past when the page is opened."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agents.dashboard.figures import LEVELLED, PAST_STEP_S, SUMMED, PastFigure

PAST_STEPS: Final = 180
"""A quarter of an hour."""


@dataclass(frozen=True, slots=True)
class CounterReading:
    """Sums since the start, values of now, and the latency's histogram since the start, bucket by bucket."""

    sums: Mapping[str, float]
    values: Mapping[str, float | None]
    latency: Sequence[float] = ()


class PastSteps:
    """Turns readings into steps. `at_s` is the wall clock's, so that the steps of several workers lie side by side.

    A step that nobody read (the process was paused) is unknown, not 0: what was counted meanwhile is in the next one.
    """

    def __init__(self, latency_bounds_s: Sequence[float] = ()) -> None:
        self._bounds_s = list(latency_bounds_s)
        self._steps: deque[tuple[int, dict[str, float | None], list[int]]] = deque(maxlen=PAST_STEPS)
        self._former: CounterReading | None = None

    def add(self, at_s: float, reading: CounterReading) -> None:
        """Note a reading; the first one is what the second is compared with. One a step: a second replaces nothing."""
        step = int(at_s // PAST_STEP_S)
        former, self._former = self._former, reading
        if former is None:
            return
        if self._steps and step <= self._steps[-1][0]:
            self._former = former
            return
        added: dict[str, float | None] = {name: reading.sums[name] - former.sums[name] for name in reading.sums}
        latency = [int(now - then) for now, then in zip(reading.latency, former.latency, strict=True)]
        self._steps.append((step, added | dict(reading.values), latency))

    def past(self) -> PastFigure:
        """All steps, gaps filled with None."""
        if not self._steps:
            return PastFigure(latency_bounds_s=self._bounds_s)
        last = self._steps[-1][0]
        by_step = {step: (values, latency) for step, values, latency in self._steps}
        span = range(max(self._steps[0][0], last - PAST_STEPS + 1), last + 1)
        values = [by_step[step][0] if step in by_step else {} for step in span]
        return PastFigure(
            ends_s=(last + 1) * PAST_STEP_S,
            series={name: [each.get(name) for each in values] for name in (*SUMMED, *LEVELLED)},
            latency_bounds_s=self._bounds_s,
            latency=[by_step[step][1] if step in by_step else [] for step in span],
        )


def quantile(share: float, bounds_s: Sequence[float], counts: Sequence[int]) -> float | None:
    """The `share` quantile of a histogram, by interpolation within its bucket, as Prometheus's histogram_quantile;
    None without any. In the last bucket, which has no end, it is that bucket's beginning.
    """
    rank, below, lower = share * sum(counts), 0, 0.0
    if not any(counts):
        return None
    for upper, count in zip(bounds_s, counts, strict=False):
        if count and below + count >= rank:
            return lower + (upper - lower) * (rank - below) / count
        below, lower = below + count, upper
    return lower
