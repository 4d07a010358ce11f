"""The input topic folded again, for the students of one slice of one partition. Nothing is scored on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.dialects import Record
from streams.context import ProcessingContext
from streams.folding.counts import Counts
from streams.input.partitioner import OwningPartitionOfKey
from streams.pipeline import BatchOutcome, PartitionResult, Pipeline
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import Row
from streams.rows.segments import is_segment
from streams.verification.audit import RowPosition, position
from streams.verification.slices import FEWEST_STUDENTS, Slice

_BEYOND: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class _Rows:
    """Implements StoredRows, of one partition: `row_of` tells a student's row."""

    row_of: Callable[[bytes], bytes | None]
    segments: Mapping[bytes, bytes]

    def get_many(self, _partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """See StoredRows."""
        return [self.segments.get(key) if is_segment(key) else self.row_of(key) for key in keys]


class Refold:
    """Rows and segments of `students`, by key, encoded; `counts` are of their events alone, except for `rerouted` and

    `records_in`.

    Once the rows are larger than `memory_bytes` they are given up, `spoiled` is set, and nothing is folded any more:
    dead letters and repartitioned events are still counted.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        owning_partition: OwningPartitionOfKey,
        epoch: int,
        students: Slice,
        memory_bytes: int,
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

    async def fold(self, records: Sequence[Record]) -> PartitionResult:
        """Fold the next records, in offset order."""
        outcome = await self._process(records, lambda key: self._row_of(key, self.rows, self._students.contains(key)))
        [result] = outcome.partitions.values()
        if not self.spoiled:
            for key, stored in result.rows.items():
                self._put(self.segments if is_segment(key) else self.rows, key, stored)
            self._keep_within_memory()
        self.counts += outcome.counts
        return result

    async def follow(
        self, records: Sequence[Record], ahead: Mapping[bytes, RowPosition], reached: dict[bytes, bytes]
    ) -> None:
        """Fold on, for students `ahead` alone, each until it is where `ahead` says; its row there goes to `reached`.

        Records are folded one by one, so that no place is passed over. `rows` stay as they are: those of a student
        ahead are to be copied to `reached` before.
        """
        for record in records:
            outcome = await self._process(
                [record], lambda key: self._row_of(key, reached, self._waits(key, ahead, reached))
            )
            [result] = outcome.partitions.values()
            for key, stored in result.rows.items():
                _store(self.segments if is_segment(key) else reached, key, stored)

    async def refold(
        self, student: bytes, row: Row, records: Sequence[Record], segments: dict[bytes, bytes] | None = None
    ) -> Row:
        """Fold `records` into `row`, as if there were no other student; return the row that comes of it.

        `segments`, changed in place, are those of the row; None for one that has none and won't be folded into again.
        """
        rows, own_segments = {student: encode_row(row)}, {} if segments is None else segments
        outcome = await self._process(records, lambda key: rows.get(key, self._others), own_segments)
        [result] = outcome.partitions.values()
        for key, stored in result.rows.items():
            _store(own_segments if is_segment(key) else rows, key, stored)
        return decode_row(rows[student])

    async def _process(
        self,
        records: Sequence[Record],
        row_of: Callable[[bytes], bytes | None],
        segments: Mapping[bytes, bytes] | None = None,
    ) -> BatchOutcome:
        context = ProcessingContext(
            rows=_Rows(row_of, self.segments if segments is None else segments),
            owning_partition=self._owning_partition,
            epoch_of=lambda _partition: self._epoch,
            scores=False,
        )
        partition = records[0].partition if records else 0
        return await self._pipeline.process({partition: records}, context)

    def _row_of(self, key: bytes, rows: Mapping[bytes, bytes], is_wanted: bool) -> bytes | None:
        return rows.get(key) if is_wanted and not self.spoiled else self._others

    def _put(self, table: dict[bytes, bytes], key: bytes, stored: bytes | None) -> None:
        self._size_bytes += len(stored or b"") - len(table.get(key, b""))
        _store(table, key, stored)

    def _keep_within_memory(self) -> None:
        if self._size_bytes > self._memory_bytes and len(self.rows) > FEWEST_STUDENTS:
            self.spoiled = True
            self.rows.clear()
            self.segments.clear()

    @staticmethod
    def _waits(key: bytes, ahead: Mapping[bytes, RowPosition], reached: Mapping[bytes, bytes]) -> bool:
        stored = reached.get(key)
        return key in ahead and (stored is None or position(decode_row(stored)) < ahead[key])


def _store(table: dict[bytes, bytes], key: bytes, stored: bytes | None) -> None:
    if stored is None:
        table.pop(key, None)
    else:
        table[key] = stored
