"""Whether a group keeps up, by Burrow's rules over a sliding window of what it had committed.

https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules; the first rule that fits:

    OK      nothing waits, or nothing waited at some time within the window
    REWIND  the offset went back
    STOP    the offset does not move, and nobody owns the partition
    STALL   the offset does not move, though somebody owns it
    WARN    the offset moves, and the lag never falls
    OK      the lag falls

Burrow reads when commits were made, and so tells a consumer that commits the same offset again (STALL) from one that
commits nothing (STOP). A broker that is asked does not tell when: here it is the partition's owner that makes the
difference. ERR is a partition of which more is committed than there is, and a group of which a partition is ERR, STOP,
STALL or REWIND.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

LagStatus = Literal["OK", "WARN", "ERR", "STOP", "STALL", "REWIND"]


class LagSample(NamedTuple):
    """What the group had committed at a time, and how many records waited."""

    at_s: float
    offset: int
    records: int


def status_of(samples: Sequence[LagSample], *, is_owned: bool | None, is_whole: bool) -> LagStatus | None:
    """The status that a window's samples come to, the oldest first. `is_owned` None: nobody told, so nobody STOPs.

    Before the window `is_whole`, only OK by its first rule and REWIND are certain; all else is None.
    """
    if not samples:
        return None
    if any(sample.records == 0 for sample in samples):
        return "OK"
    if any(later.offset < earlier.offset for earlier, later in pairwise(samples)):
        return "REWIND"
    if not is_whole or len(samples) < 2:
        return None
    if samples[0].offset == samples[-1].offset:
        return "STOP" if is_owned is False else "STALL"
    return "OK" if any(later.records < earlier.records for earlier, later in pairwise(samples)) else "WARN"


def group_status(statuses: Iterable[LagStatus | None]) -> LagStatus | None:
    """The status of a group whose partitions have these: ERR, WARN or OK; None where that of a partition is missing."""
    found = set(statuses)
    if found & {"ERR", "STOP", "STALL", "REWIND"}:
        return "ERR"
    return "WARN" if "WARN" in found else None if None in found else "OK"


class LagWindow:
    """The samples of one partition's last `span_s`."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._samples: deque[LagSample] = deque()

    def note(self, sample: LagSample) -> None:
        """To be called in the order of time."""
        self._samples.append(sample)
        while len(self._samples) > 1 and self._samples[1].at_s <= sample.at_s - self._span_s:
            self._samples.popleft()

    def status(self, *, is_owned: bool | None) -> LagStatus | None:
        """See status_of."""
        samples = tuple(self._samples)
        is_whole = bool(samples) and samples[-1].at_s - samples[0].at_s >= self._span_s
        return status_of(samples, is_owned=is_owned, is_whole=is_whole)

    def growth_per_s(self) -> float | None:
        """By how many records a second the lag grows over the window, below 0 where it falls; None in a moment."""
        if not self._samples or self._samples[-1].at_s == self._samples[0].at_s:
            return None
        first, last = self._samples[0], self._samples[-1]
        return (last.records - first.records) / (last.at_s - first.at_s)
