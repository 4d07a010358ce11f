"""Which output covers which event. All contestants are matched in one form: events and outputs are of series, numbered.

    position   one output an event, in order: series are partitions, numbers are offsets of both topics
    seq        our updates: series are students, numbers are offsets of the input, as the update's `seq` has them
    count      counters: series are students, numbers say how many of the student's events were counted

An output covers all events of its series up to its number.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal, NamedTuple

Matched = Literal["position", "seq", "count"]
_GROWN_S: Final = 0.25
_SEQ: Final = re.compile(rb'"seq": ?\[(\d+), ?(\d+)\]')


class Covered(NamedTuple):
    """All events of `series` up to `number`."""

    series: str
    number: int


class Arrival(NamedTuple):
    """An output, and when it was there (Unix time)."""

    at_s: float
    series: str
    number: int


@dataclass(slots=True)
class Numbering:
    """Numbers events in the order in which they are sent; nobody else writes to the topic."""

    matched: Matched
    _sent: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def number(self, partition: int, student: str) -> Covered:
        """The event's series and its number in it."""
        series = student if self.matched == "count" else str(partition)
        number = self._sent[series]
        self._sent[series] += 1
        if self.matched == "count":
            return Covered(student, number + 1)
        return Covered(student if self.matched == "seq" else series, number)


def covered_by(matched: Matched, partition: int, offset: int, key: bytes, value: bytes) -> Covered:
    """What an output covers. Raises ValueError for one that does not say."""
    if matched == "position":
        return Covered(str(partition), offset)
    if matched == "count":
        return Covered(key.decode(), int.from_bytes(value, "big") if value[:1] == b"\0" else int(value))
    seq = _SEQ.search(value)
    if seq is None:
        raise ValueError(f"an update without a seq: {value[:400]!r}")
    return Covered(key.decode(), int(seq[2]))


def latencies_s(due: Iterable[tuple[float, Covered]], arrivals: Iterable[Arrival]) -> list[float] | None:
    """Seconds from each moment at which an event was due to the first arrival that covers it, both in their order; None
    where one is not covered.
    """
    waiting: defaultdict[str, deque[Arrival]] = defaultdict(deque)
    for arrival in arrivals:
        waiting[arrival.series].append(arrival)
    found: list[float] = []
    for due_s, (series, number) in due:
        outputs = waiting[series]
        while outputs and outputs[0].number < number:
            outputs.popleft()
        if not outputs:
            return None
        found.append(outputs[0].at_s - due_s)
    return found


def grows(latencies: Sequence[float]) -> bool:
    """Whether the last third (in seconds) waits longer than the first by 0.25 s, and by half as long again."""
    third = len(latencies) // 3
    if not third:
        return False
    first_s, last_s = median(latencies[:third]), median(latencies[-third:])
    return last_s - first_s > max(_GROWN_S, first_s / 2)


class Missing:
    """What is still to arrive of some events."""

    def __init__(self, events: Iterable[Covered]) -> None:
        self._last = dict(events)  # numbers rise, so the last one of each series stays

    def __bool__(self) -> bool:
        return bool(self._last)

    def take(self, arrivals: Sequence[Arrival]) -> None:
        """Forget what these cover."""
        for _at_s, series, number in arrivals:
            if number >= self._last.get(series, number + 1):
                del self._last[series]
