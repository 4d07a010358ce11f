"""The last minutes of several workers, side by side: what they count is summed, step by step."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from agents.dashboard.figures import LEVELLED, PAST_STEP_S, SUMMED, PastFigure
from agents.dashboard.past import PAST_STEPS, quantile

_SMOOTHED_STEPS: Final = 6
"""Latencies are of half a minute at each step: a step alone has few records where little is going on."""
_Series = dict[str, list[float | None]]
_T = TypeVar("_T")


def joined_past(pasts: Sequence[PastFigure]) -> tuple[list[int], _Series]:
    """The ends of the steps, in seconds, and by name a value each: rates a second, levels, `p50` and `p95` in seconds.

    Up to the last step that all have told of: one behind the newest at most, so that a worker that hangs holds up
    nobody. The lag is everybody's alike, and is taken once; the rest is summed.
    """
    heard = [past for past in pasts if past.latency]
    if not heard:
        return [], {}
    last_s = max(min(past.ends_s for past in heard), max(past.ends_s for past in heard) - PAST_STEP_S)
    steps = min(max(len(past.latency) for past in heard), PAST_STEPS)
    ends_s = [last_s - step * PAST_STEP_S for step in range(steps - 1, -1, -1)]
    series = {name: _added(heard, name, ends_s) for name in (*SUMMED, *LEVELLED)}
    return ends_s, series | _latency(heard, ends_s)


def _added(pasts: Sequence[PastFigure], name: str, ends_s: Sequence[int]) -> list[float | None]:
    known = [_by_end(past, past.series.get(name, ())) for past in pasts]
    columns = ([value for each in known if (value := each.get(at)) is not None] for at in ends_s)
    if name == "lag":
        return [max(values, default=None) for values in columns]
    seconds = PAST_STEP_S if name in SUMMED else 1
    return [sum(values) / seconds if values else None for values in columns]


def _latency(pasts: Sequence[PastFigure], ends_s: Sequence[int]) -> _Series:
    """Of the workers whose histograms have the same buckets: these are summed, quantiles could not be."""
    bounds_s = next((past.latency_bounds_s for past in pasts if past.latency_bounds_s), [])
    if not bounds_s:
        return {}
    known = [_by_end(past, past.latency) for past in pasts if past.latency_bounds_s == bounds_s]
    steps = [_summed_columns(each[at] for each in known if each.get(at)) for at in ends_s]
    wide = [_summed_columns(filter(None, steps[max(0, at - _SMOOTHED_STEPS + 1) : at + 1])) for at in range(len(steps))]
    return {
        name: [quantile(share, bounds_s, counts) for counts in wide] for name, share in (("p50", 0.5), ("p95", 0.95))
    }


def _summed_columns(counts: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*counts, strict=True)]


def _by_end(past: PastFigure, values: Sequence[_T]) -> Mapping[int, _T]:
    first_s = past.ends_s - (len(values) - 1) * PAST_STEP_S
    return {first_s + at * PAST_STEP_S: value for at, value in enumerate(values)}
