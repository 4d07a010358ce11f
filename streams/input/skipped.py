"""Which offsets of a partition were never read: a position jumped over them, as retention had removed them. Pure."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.bounds import Offset, Size

MOST_RANGES: Final = 8

Range = tuple[Offset, Offset]
"""From the first offset to before the second."""


class Skipped(Struct, frozen=True, array_like=True):
    """How many offsets, and the newest of their ranges, at most MOST_RANGES, in ascending order."""

    offsets: Size = 0
    newest: Annotated[tuple[Range, ...], Meta(max_length=MOST_RANGES)] = ()

    def plus(self, first: int, end: int) -> "Skipped":
        """With the offsets from `first` to before `end`; those that are counted already are not counted twice."""
        first = max([first, *(known for _, known in self.newest)])
        if first >= end:
            return self
        return Skipped(self.offsets + end - first, (*self.newest, (first, end))[-MOST_RANGES:])

    def __str__(self) -> str:
        ranges = ", ".join(f"{first} to {end - 1}" for first, end in self.newest)
        more = ", and older ones" if sum(end - first for first, end in self.newest) < self.offsets else ""
        return f"{self.offsets} offsets ({ranges}{more})"


NOTHING_SKIPPED: Final = Skipped()
