"""Rows of one request: changed in memory, above the stored ones, which stay as they are. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from schemas.errors import Fatal
from streams.rows.row_batch import RowBatch
from streams.rows.segments import is_segment, student_of
from streams.rows.table import PartitionedRows

ONE_PARTITION = 0
"""That of all rows of a request: whose they are on the topic, the look-up knows."""
UNREADABLE_ROW: Final = "unreadable_row"
_NO_IDS: Final = b""


class Unavailable(Struct, frozen=True, array_like=True):
    """Why a stored row cannot be had: `reason` is countable, `error` is for people."""

    reason: str
    error: str


FoundRow = bytes | None | Unavailable
LookUp = Callable[[Sequence[bytes]], Sequence[FoundRow]]
"""What is stored of the changelog's keys, rows' or segments', in their order; None where there is nothing."""


def nothing_stored(keys: Sequence[bytes]) -> Sequence[FoundRow]:
    """Finds nothing: every student is new."""
    return [None] * len(keys)


def readable_rows(stored: Mapping[int, bytes], names: tuple[str, ...]) -> tuple[RowBatch, dict[int, Unavailable]]:
    """The rows in their order, but for those that cannot be read: why, by their keys."""
    try:
        return RowBatch.of(list(stored.values()), names), {}
    except Fatal:
        faults = {index: why for index, row in stored.items() if (why := _fault_of(row, names)) is not None}
        return RowBatch.of([row for index, row in stored.items() if index not in faults], names), faults


def _fault_of(row: bytes, names: tuple[str, ...]) -> Unavailable | None:
    try:
        RowBatch.of([row], names)
    except Fatal as error:
        return Unavailable(UNREADABLE_ROW, str(error))
    return None


@dataclass(slots=True)
class RowOverlay:
    """Implements StoredRows. `unavailable` are the students of whom something could not be had, or read: they seem new.

    `names` are the skills of the rows.
    """

    names: tuple[str, ...]
    look_up: LookUp = nothing_stored
    unavailable: dict[bytes, Unavailable] = field(default_factory=dict)
    _changed: PartitionedRows = field(default_factory=PartitionedRows)

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """See StoredRows."""
        rows = self._changed.get_many(ONE_PARTITION, keys)
        if self.look_up is nothing_stored or None not in rows:
            return rows
        missing = [index for index, row in enumerate(rows) if row is None]
        found = dict(zip(missing, self.look_up([keys[index] for index in missing]), strict=True))
        stored = {at: row for at, row in found.items() if isinstance(row, bytes) and not is_segment(keys[at])}
        for index, row in (found | readable_rows(stored, self.names)[1]).items():
            if not isinstance(row, Unavailable):
                rows[index] = row
            elif is_segment(keys[index]):
                self.unavailable[student_of(keys[index])], rows[index] = row, _NO_IDS
            else:
                self.unavailable[keys[index]] = row
        return rows

    def put(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Replace rows, or segments. One that was given up is never asked for again."""
        self._changed.put_many(ONE_PARTITION, rows)

    def changed(self, keys: Sequence[bytes]) -> Sequence[bool]:
        """Of which of these students a row was put."""
        return [row is not None for row in self._changed.get_many(ONE_PARTITION, keys)]
