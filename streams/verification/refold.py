"""The input topic folded again, for the students of one slice of one partition. Nothing is scored on the way."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from schemas.dialects import Record
from streams.folding.batch import FoldedBatch
from streams.folding.counts import Counts
from streams.pipeline import Pipeline
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import Row
from streams.rows.segments import is_segment
from streams.verification.audit import RowPosition, position
from streams.verification.slices import FEWEST_STUDENTS, Slice

OwningPartitionOf = Callable[[str], int | None]
Contains = Callable[[bytes], bool]

_BEYOND: Final = 1 << 62


class Refold:
    """Rows and segments of `students`, by key, encoded; `counts` are of their events alone, except for `rerouted` and

    `records_in`.

    Once the rows are larger than `memory_bytes` they are given up, `spoiled` is set, and nothing is folded any more:
    what the records say of dead letters and forwards goes on.
    """

    def __init__(
        self, pipeline: Pipeline, owning_partition: OwningPartitionOf, epoch: int, students: Slice, memory_bytes: int
    ) -> None:
        self._pipeline = pipeline
        self._owning_partition = owning_partition
        self._epoch = epoch
        self._students = students
        self._memory_bytes = memory_bytes
        self._size_bytes = 0
        # To the fold, students of other slices have all their events behind them.
        self._others = encode_row(Row(epoch=epoch, offset=_BEYOND))
        self.rows: dict[bytes, bytes] = {}
        self.segments: dict[bytes, bytes] = {}
        self.counts = Counts()
        self.spoiled = False

    def fold(self, records: Sequence[Record]) -> FoldedBatch:
        """Fold the next records, in offset order."""
        batch = self._fold(records, self.rows, self._students.contains)
        if not self.spoiled:
            for key, stored in batch.records().items():
                self._put(self.segments if is_segment(key) else self.rows, key, stored)
            self._keep_within_memory()
        self.counts += batch.counts
        return batch

    def follow(
        self, records: Sequence[Record], ahead: Mapping[bytes, RowPosition], reached: dict[bytes, bytes]
    ) -> None:
        """Fold on, for students `ahead` alone, each until it is where `ahead` says; its row there goes to `reached`.

        Records are folded one by one, so that no place is passed over. `rows` stay as they are: those of a student
        ahead are to be copied to `reached` before.
        """
        for record in records:
            batch = self._fold([record], reached, lambda key: self._waits(key, ahead, reached))
            batch.segments.apply_to(self.segments)
            reached.update((student.encode(), row) for student, row in batch.rows().items())

    def refold(
        self, student: str, row: Row, records: Sequence[Record], segments: dict[bytes, bytes] | None = None
    ) -> Row:
        """Fold `records` into `row`, as if there were no other student; return the row that comes of it.

        `segments`, changed in place, are those of the row; None for one that has none and won't be folded into again.
        """
        stored, own_segments = encode_row(row), {} if segments is None else segments
        batch = self._pipeline.fold(
            records,
            load=lambda students: [stored if each == student else self._others for each in students],
            load_segments=lambda keys: [own_segments.get(key) for key in keys],
            owning_partition=self._owning_partition,
            epoch=self._epoch,
        )
        batch.segments.apply_to(own_segments)
        return decode_row(batch.rows().get(student, stored))

    def _fold(self, records: Sequence[Record], rows: Mapping[bytes, bytes], contains: Contains) -> FoldedBatch:
        return self._pipeline.fold(
            records,
            load=lambda students: [self._load(student.encode(), rows, contains) for student in students],
            load_segments=lambda keys: [self.segments.get(key) for key in keys],
            owning_partition=self._owning_partition,
            epoch=self._epoch,
        )

    def _load(self, key: bytes, rows: Mapping[bytes, bytes], contains: Contains) -> bytes | None:
        return self._others if self.spoiled or not contains(key) else rows.get(key)

    def _put(self, table: dict[bytes, bytes], key: bytes, stored: bytes | None) -> None:
        self._size_bytes += len(stored or b"") - len(table.pop(key, b""))
        if stored is not None:
            table[key] = stored

    def _keep_within_memory(self) -> None:
        if self._size_bytes > self._memory_bytes and len(self.rows) > FEWEST_STUDENTS:
            self.spoiled = True
            self.rows.clear()
            self.segments.clear()

    @staticmethod
    def _waits(key: bytes, ahead: Mapping[bytes, RowPosition], reached: Mapping[bytes, bytes]) -> bool:
        stored = reached.get(key)
        return key in ahead and (stored is None or position(decode_row(stored)) < ahead[key])
