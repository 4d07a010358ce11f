"""Rows of one request: changed in memory, above the stored ones, which stay as they are. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from streams.rows.segments import is_segment, student_of
from streams.rows.table import PartitionedRows

ONE_PARTITION = 0
"""That of all rows of a request: whose they are on the topic, the look-up knows."""


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


@dataclass(slots=True)
class RowOverlay:
    """Implements StoredRows. `unavailable` are the students of whom something could not be had: they seem new."""

    look_up: LookUp = nothing_stored
    unavailable: dict[bytes, Unavailable] = field(default_factory=dict)
    _changed: PartitionedRows = field(default_factory=PartitionedRows)

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """See StoredRows."""
        rows = self._changed.get_many(ONE_PARTITION, keys)
        if self.look_up is nothing_stored or None not in rows:
            return rows
        missing = [index for index, row in enumerate(rows) if row is None]
        for index, found in zip(missing, self.look_up([keys[index] for index in missing]), strict=True):
            if isinstance(found, Unavailable):
                key = keys[index]
                self.unavailable[student_of(key) if is_segment(key) else key] = found
            else:
                rows[index] = found
        return rows

    def put(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Replace rows, or segments. One that was given up is never asked for again."""
        self._changed.put_many(ONE_PARTITION, rows)

    def changed(self, keys: Sequence[bytes]) -> Sequence[bool]:
        """Of which of these students a row was put."""
        return [row is not None for row in self._changed.get_many(ONE_PARTITION, keys)]
