"""When a batch's events happened: each student's clock, which events are late, and what an event at its time weighs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.folding.sums import rebase
from streams.rows.layout import Indices
from streams.rows.row import HALF_LIFE_US
from streams.rows.row_batch import Floats, Integers, RowBatch

ALLOWED_LATENESS_US: Final = 3_600 * 1_000_000
MAX_EXPONENT: Final = 256.0


@dataclass(frozen=True, slots=True)
class EventTimes:
    """New events in their order; `late` are those more than ALLOWED_LATENESS_US older than the newest before them."""

    row_index: Indices
    time_us: Integers
    late: NDArray[np.bool_]

    @property
    def time_s(self) -> Integers:
        """Whole seconds."""
        return self.time_us // 1_000_000

    def of(self, chosen: NDArray[np.bool_]) -> "EventTimes":
        """Those that are `chosen` (a truth value each)."""
        return EventTimes(self.row_index[chosen], self.time_us[chosen], self.late[chosen])

    def __len__(self) -> int:
        """Events."""
        return len(self.row_index)


def advance_event_time(row_batch: RowBatch, row_index: Indices, time_us: Integers) -> EventTimes:
    """Move the rows' clocks and counts over new events. A row's first event sets its reference time."""
    headers = row_batch.headers
    new = np.flatnonzero(headers["events"][row_index] == 0)
    if len(new):
        rows, at = np.unique(row_index[new], return_index=True)
        for name in ("reference_us", "first_us", "as_of_us"):
            headers[name][rows] = time_us[new[at]]
    late = time_us < newest_before(row_index, time_us, headers["as_of_us"][row_index]) - ALLOWED_LATENESS_US
    headers["events"] += np.bincount(row_index, minlength=len(row_batch)).astype(np.uint32)
    np.minimum.at(headers["first_us"], row_index, time_us)
    np.maximum.at(headers["as_of_us"], row_index, time_us)
    return EventTimes(row_index, time_us, late)


def decay_weights(row_batch: RowBatch, event_times: EventTimes) -> Iterator[tuple[NDArray[np.bool_] | None, Floats]]:
    """Which events, as a truth value each (None: all), and the weights of those.

    Mostly all at once. What a row has from the first event on whose weight would overflow comes after the rest: there
    the row's sums are carried to a new reference time, so what is weighed must be added before more is asked for.
    """
    left: NDArray[np.bool_] | None = None
    while True:
        row_index, time_us = (
            (event_times.row_index, event_times.time_us)
            if left is None
            else (event_times.row_index[left], event_times.time_us[left])
        )
        exponent = (time_us - row_batch.headers["reference_us"][row_index]) / HALF_LIFE_US
        beyond = np.flatnonzero(exponent > MAX_EXPONENT)
        if not len(beyond):
            yield left, _exp2(exponent)
            return
        row_indices, first = np.unique(row_index[beyond], return_index=True)
        first_beyond = np.full(len(row_batch), len(row_index))
        first_beyond[row_indices] = beyond[first]
        now = np.arange(len(row_index)) < first_beyond[row_index]
        chosen = np.ones(len(event_times), np.bool_) if left is None else left.copy()
        later = chosen.copy()
        chosen[chosen], later[later] = now, ~now
        yield chosen, _exp2(exponent[now])
        for one, at in zip(row_indices.tolist(), beyond[first].tolist(), strict=True):
            rebase(row_batch, one, int(time_us[at]))
        left = later


def _exp2(exponent: Floats) -> Floats:
    return np.array([math.exp2(x) for x in exponent.tolist()], np.float64)


def newest_before(row_index: Indices, time_us: Integers, as_of_us: Integers) -> Integers:
    """The newest time that each event's row had seen when it came: a running maximum within the row.

    `as_of_us` is, for each event, the newest of its row before the batch.
    """
    order = np.argsort(row_index, kind="stable")
    row_indices, newest = row_index[order], np.maximum(time_us, as_of_us)[order]
    step = 1
    while step < len(row_indices) and np.any(same := row_indices[step:] == row_indices[:-step]):
        newest[step:] = np.where(same, np.maximum(newest[step:], newest[:-step]), newest[step:])
        step *= 2
    before = as_of_us[order]
    again = row_indices[1:] == row_indices[:-1]
    before[1:][again] = newest[:-1][again]
    unsorted = np.empty_like(before)
    unsorted[order] = before
    return unsorted
