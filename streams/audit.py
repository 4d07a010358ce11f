"""Live equals replayed: what must be equal between a worker's row and the same student's row folded offline.

Statistics, repeats and offsets compare exactly, scores to 1e-9. Pending work is not compared: it depends on the clock
and on what a model's provider did.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from streams.row import Pending, Row, SkillCell, decode_row
from streams.rows import PartitionedRows

SCORE_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """A student whose rows differ, and in what."""

    partition: int
    student: str
    what: str


def compare(live: PartitionedRows, replayed: PartitionedRows) -> Iterator[Difference]:
    """Every difference between two tables; none if the worker's state is exact."""
    for partition in sorted(live.partitions() | replayed.partitions()):
        ours, theirs = dict(live.items(partition)), dict(replayed.items(partition))
        for key in sorted(ours.keys() | theirs.keys()):
            what = _differs(ours.get(key), theirs.get(key))
            if what is not None:
                yield Difference(partition, key.decode("utf-8", "replace"), what)


def _differs(live: bytes | None, replayed: bytes | None) -> str | None:
    if live is None:
        return "missing in the table"
    if replayed is None:
        return "in the table, but no event of the topic made it"
    ours, theirs = decode_row(live), decode_row(replayed)
    for name in ours.__struct_fields__:
        if name == "pending" or getattr(_comparable(ours), name) == getattr(_comparable(theirs), name):
            continue
        return f"{name} differs"
    return _scores_differ(ours, theirs)


def _comparable(row: Row) -> Row:
    """The row without scores, which are compared apart, and without what belongs to reasoning."""
    cells = {name: _without_scores(cell) for name, cell in row.skills.items()}
    return msgspec.structs.replace(row, pending=Pending(), skills=cells)


def _without_scores(cell: SkillCell) -> SkillCell:
    return msgspec.structs.replace(cell, score=-1.0, confidence=0.0, explained=-1.0)


def _scores_differ(ours: Row, theirs: Row) -> str | None:
    for name, cell in ours.skills.items():
        other = theirs.skills[name]
        apart = max(abs(cell.score - other.score), abs(cell.confidence - other.confidence))
        if apart > SCORE_TOLERANCE:
            return f"the score of {name} differs by {apart:.3g}"
    return None
