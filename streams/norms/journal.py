"""What a partition's step appends to the changelog: rows in groups, each closed over the first answers of its own rows,
so that at any cut of the log the sums are those of the rows before it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class RowGroup(NamedTuple):
    """One record batch: the next `rows` of a step's, in order, and the journal's `records` that close them."""

    rows: int
    records: Mapping[bytes, bytes]


class Journaled(NamedTuple):
    """A step's rows in groups, and the number of the last entry as of it. No groups: nothing was answered."""

    groups: Sequence[RowGroup]
    number: int
