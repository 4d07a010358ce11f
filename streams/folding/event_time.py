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
from streams.rows.row_batch import Block, Floats, Integers

LATENESS_US: Final = 3_600 * 1_000_000
MAX_EXPONENT: Final = 256.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """New events in their order; `late` are those more than LATENESS_US older than the newest before them."""

    line: Indices
    time_us: Integers
    late: NDArray[np.bool_]

    @property
    def time_s(self) -> Integers:
        """Whole seconds."""
        return self.time_us // 1_000_000

    def of(self, chosen: NDArray[np.bool_]) -> "Arrival":
        """Those that are `chosen` (a truth value each)."""
        return Arrival(self.line[chosen], self.time_us[chosen], self.late[chosen])

    def __len__(self) -> int:
        """Events."""
        return len(self.line)


def arrive(block: Block, line: Indices, time_us: Integers) -> Arrival:
    """Move the lines' clocks and counts over new events. A line's first event sets its reference time."""
    head = block.head
    first_of_line, at = np.unique(line, return_index=True)
    new = head["events"][first_of_line] == 0
    for name in ("reference_us", "first_us", "as_of_us"):
        head[name][first_of_line[new]] = time_us[at[new]]
    late = time_us < newest_before(line, time_us, head["as_of_us"][line]) - LATENESS_US
    head["events"] += np.bincount(line, minlength=len(block)).astype(np.uint32)
    np.minimum.at(head["first_us"], line, time_us)
    np.maximum.at(head["as_of_us"], line, time_us)
    return Arrival(line, time_us, late)


def weighed(block: Block, arrival: Arrival) -> Iterator[tuple[NDArray[np.bool_] | None, Floats]]:
    """Which events, as a truth value each (None: all), and the weights of those.

    Mostly all at once. What a line has from the first event on whose weight would overflow comes after the rest: there
    the line's sums are carried to a new reference time, so what is weighed must be added before more is asked for.
    """
    left: NDArray[np.bool_] | None = None
    while True:
        line, time_us = (arrival.line, arrival.time_us) if left is None else (arrival.line[left], arrival.time_us[left])
        exponent = (time_us - block.head["reference_us"][line]) / HALF_LIFE_US
        beyond = np.flatnonzero(exponent > MAX_EXPONENT)
        if not len(beyond):
            yield left, _exp2(exponent)
            return
        lines, first = np.unique(line[beyond], return_index=True)
        first_beyond = np.full(len(block), len(line))
        first_beyond[lines] = beyond[first]
        now = np.arange(len(line)) < first_beyond[line]
        chosen = np.ones(len(arrival), np.bool_) if left is None else left.copy()
        later = chosen.copy()
        chosen[chosen], later[later] = now, ~now
        yield chosen, _exp2(exponent[now])
        for one, at in zip(lines.tolist(), beyond[first].tolist(), strict=True):
            rebase(block, one, int(time_us[at]))
        left = later


def _exp2(exponent: Floats) -> Floats:
    return np.array([math.exp2(x) for x in exponent.tolist()], np.float64)


def newest_before(line: Indices, time_us: Integers, as_of_us: Integers) -> Integers:
    """The newest time that each event's line had seen when it came: a running maximum within the line.

    `as_of_us` is, for each event, the newest of its line before the batch.
    """
    order = np.argsort(line, kind="stable")
    lines, newest = line[order], np.maximum(time_us, as_of_us)[order]
    step = 1
    while step < len(lines) and np.any(same := lines[step:] == lines[:-step]):
        newest[step:] = np.where(same, np.maximum(newest[step:], newest[:-step]), newest[step:])
        step *= 2
    before = as_of_us[order]
    again = lines[1:] == lines[:-1]
    before[1:][again] = newest[:-1][again]
    unsorted = np.empty_like(before)
    unsorted[order] = before
    return unsorted
