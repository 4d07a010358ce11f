"""The table's rows: what every store of them promises, and the store in memory.

Rows stay bytes, as they are on the changelog: recovery is a copy. The partition is part of the address: the same
key seen on two partitions is two rows, so an offset kept in a row is always an offset of that row's own partition.

Segments of ids are kept beside the rows (`streams.rows.segments`): got and put by their keys as rows are, but no rows.
"""

from collections.abc import ItemsView, Iterable, Mapping, Sequence
from typing import Final, Protocol, cast

from streams.rows.segments import is_segment, student_of


class StoredRows(Protocol):
    """Rows, and segments, as far as folding asks for them."""

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """The rows, or segments, of several keys of one partition, in their order; None where there is none."""
        ...


class Rows(Protocol):
    """Rows by (partition, key). Not thread-safe. Every answer includes what was put last, confirmed or not."""

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The row, or segment, of `key` in `partition`, or None."""
        ...

    def get_many(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """The rows, or segments, of several keys of one partition, in their order; None where there is none."""
        ...

    def put(self, partition: int, key: bytes, row: bytes | None) -> None:
        """Replace one row; None deletes it."""
        ...

    def put_many(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """Replace several rows, or segments, of one partition; None deletes. Idempotent."""
        ...

    def segments(self, partition: int, student: bytes) -> list[bytes]:
        """The keys of all segments that are there of a student, whatever its row says; in no order."""
        ...

    def drop_partition(self, partition: int) -> None:
        """Forget all of a partition, at a cost that doesn't grow with it; nothing happens if there is nothing."""
        ...

    def items(self, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """The live (key, row) pairs of a partition, in no order; don't write to it while iterating."""
        ...

    def count(self, partition: int) -> int:
        """How many rows a partition has, exactly; known at once."""
        ...

    def partitions(self) -> frozenset[int]:
        """The partitions that hold at least one row."""
        ...

    def __len__(self) -> int:
        """Rows in all partitions, exactly; known at once."""
        ...


_NOTHING: Final[Mapping[bytes, bytes]] = {}
_NONE: Final[Mapping[bytes, Mapping[bytes, bytes]]] = {}


class PartitionedRows:
    """Rows in memory: one costs its size and a dict entry. Nothing here blocks or waits."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[bytes, bytes]] = {}
        self._segments: dict[int, dict[bytes, dict[bytes, bytes]]] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        """See Rows."""
        if is_segment(key):
            return self._segments.get(partition, _NONE).get(student_of(key), _NOTHING).get(key)
        rows = self._rows.get(partition)
        return None if rows is None else rows.get(key)

    def get_many(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """See Rows."""
        if not any(map(is_segment, keys)):
            return list(map(self._rows.get(partition, _NOTHING).get, keys))
        return [self.get(partition, key) for key in keys]

    def put(self, partition: int, key: bytes, row: bytes | None) -> None:
        """See Rows."""
        self.put_many(partition, {key: row})

    def put_many(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """See Rows."""
        own = self._rows.setdefault(partition, {})
        if None not in rows.values() and not any(map(is_segment, rows)):
            own.update(cast(Mapping[bytes, bytes], rows))
            return
        for key, row in rows.items():
            if is_segment(key):
                self._put_segment(partition, key, row)
            elif row is None:
                own.pop(key, None)
            else:
                own[key] = row

    def segments(self, partition: int, student: bytes) -> list[bytes]:
        """See Rows."""
        return list(self._segments.get(partition, _NONE).get(student, ()))

    def drop_partition(self, partition: int) -> None:
        """See Rows."""
        self._rows.pop(partition, None)
        self._segments.pop(partition, None)

    def items(self, partition: int) -> ItemsView[bytes, bytes]:
        """See Rows."""
        return self._rows.get(partition, {}).items()

    def count(self, partition: int) -> int:
        """See Rows."""
        return len(self._rows.get(partition, {}))

    def partitions(self) -> frozenset[int]:
        """See Rows."""
        return frozenset(partition for partition, rows in self._rows.items() if rows)

    def __len__(self) -> int:
        """See Rows."""
        return sum(map(len, self._rows.values()))

    def _put_segment(self, partition: int, key: bytes, segment: bytes | None) -> None:
        students = self._segments.setdefault(partition, {})
        student = student_of(key)
        if segment is not None:
            students.setdefault(student, {})[key] = segment
        elif (own := students.get(student)) is not None:
            own.pop(key, None)
            if not own:
                del students[student]
