"""When a batch's events happened: each student's clock, which events are late, and what an event at its time weighs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.block import Block, Floats, Integers
from streams.layout import Indices
from streams.row import HALF_LIFE_US
from streams.sums import rebase

LATENESS_US: Final = 3_600 * 1_000_000
_MAX_EXPONENT: Final = 256.0


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


def weighed(block: Block, arrival: Arrival) -> Iterator[tuple[int, int, Floats]]:
    """Stretches of the events, from one place to another, with the weight of each event in it.

    Mostly one stretch. A new one begins where weights would overflow: there the line's sums are carried to a new
    reference time, so what is weighed must have been added before the next stretch is asked for.
    """
    start, end = 0, len(arrival)
    while start < end:
        exponent = (arrival.time_us[start:] - block.head["reference_us"][arrival.line[start:]]) / HALF_LIFE_US
        beyond = np.flatnonzero(exponent > _MAX_EXPONENT)
        stop = start + int(beyond[0]) if len(beyond) else end
        yield start, stop, np.array([math.exp2(x) for x in exponent[: stop - start].tolist()], np.float64)
        if stop < end:
            rebase(block, int(arrival.line[stop]), int(arrival.time_us[stop]))
        start = stop


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
