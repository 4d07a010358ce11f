"""90 % intervals of a continuous outcome, as an artifact holds them: a table that is looked up when serving.

Groups are by set of present sources, by evidence, and by what the sources say. Each has how far outcomes lie below and
above the score there. A group with less evidence, or of fewer sources, is never narrower: confidence cannot rise when
a source fails, ages or loses evidence.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct

from streams.rows.row_batch import Floats

_SLACK: Final = 1e-9

Grid = tuple[tuple[float, ...], ...]
"""By bin of evidence, and then by bin of what the sources say."""


class IntervalEnds(Struct, frozen=True, kw_only=True):
    """Of one set of sources: what to add to the score for the interval's ends; `low` at most 0, `high` at least."""

    low: Grid
    high: Grid

    @property
    def widths(self) -> Floats:
        """Shape (bins of evidence, bins of what is said)."""
        return np.asarray(np.array(self.high) - np.array(self.low), np.float64)


class OutcomeIntervals(Struct, frozen=True, kw_only=True):
    """`evidence_edges` split the evidence of all present sources, `said_edges` the score that they would give if none
    of them were tempered. `prior_width` is the width of knowing nothing. `ends` are by mask ("model+behaviour").

    Raises ValueError for a table that is not a grid, or in which less evidence is surer.
    """

    prior_width: float
    evidence_edges: tuple[float, ...]
    said_edges: tuple[float, ...]
    ends: dict[str, IntervalEnds]

    def __post_init__(self) -> None:
        shape = (len(self.evidence_edges) + 1, len(self.said_edges) + 1)
        if not 0 < self.prior_width <= 1:
            raise ValueError("prior_width must be within 0 to 1")
        for edges in (self.evidence_edges, self.said_edges):
            if any(low >= high for low, high in pairwise(edges)):
                raise ValueError("edges must rise")
        for mask, ends in self.ends.items():
            for grid, sign in ((ends.low, -1), (ends.high, 1)):
                if {len(row) for row in grid} != {shape[1]} or len(grid) != shape[0]:
                    raise ValueError(f"ends of {mask} must be {shape[0]} by {shape[1]}")
                if not np.all((np.array(grid) * sign >= 0) & (np.array(grid) * sign <= 1)):
                    raise ValueError(f"ends of {mask} must be within 0 to {sign}")
            if np.any(np.diff(ends.widths, axis=0) > _SLACK):
                raise ValueError(f"ends of {mask}: more evidence would be less sure")
        for mask, ends in self.ends.items():
            for other, more in self.ends.items():
                fewer = set(mask.split("+")) < set(other.split("+"))
                if fewer and np.any(ends.widths < more.widths.max(axis=1, keepdims=True) - _SLACK):
                    raise ValueError(f"ends of {mask} are surer than those of {other}")

    @property
    def sources(self) -> frozenset[str]:
        """Those that any mask names: what others say changes nothing here."""
        return frozenset(name for mask in self.ends for name in mask.split("+"))

    def look_up(self, mask: str, evidence: Floats, said: Floats) -> tuple[Floats, Floats]:
        """What to add to scores for the ends of their intervals; arrays have shape (students,)."""
        at = (
            np.searchsorted(self.evidence_edges, evidence, side="right"),
            np.searchsorted(self.said_edges, said, side="right"),
        )
        ends = self.ends[mask]
        return np.array(ends.low)[at], np.array(ends.high)[at]
