"""One batch of records, decoded and folded by student. Pure: rows come from `load`, nothing is written.

    records ──decode──► events ──home?──► fold into the student's row
                 │                 └─ no ─► forward, as a native event, to its home
                 └─ invalid ──► dead letter

A record at or below its row's offset was folded before a crash: it is skipped, and its student's update said again.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.dead_letter import DeadLetter
from schemas.dialects import Decoded, Invalid, Record
from schemas.errors import Fatal
from schemas.event import EARLIEST_TIME, NativeEvent
from streams.accounting import Counts
from streams.folding import Folding, Outcome
from streams.row import Row

ORIGIN_HEADER: Final = "skillstream-origin"
MAX_ORIGINS: Final = 8
_ORIGIN: Final = re.compile(rb".+/([0-9]{1,9})/([0-9]{1,18})/([0-9]{1,9})")
_EARLIEST_US: Final = int(EARLIEST_TIME.timestamp()) * 1_000_000
_LATEST_US: Final = 4_102_444_800_000_000  # 2100: seconds still fit in four bytes

Load = Callable[[str], Row | None]
Home = Callable[[str], int | None]
Decode = Callable[[Record], Decoded]


@dataclass(frozen=True, slots=True)
class Forward:
    """An event for another partition; `origin` tells its home that it came twice."""

    partition: int
    event: NativeEvent
    origin: str


@dataclass(slots=True)
class FoldedBatch:
    """What a batch came to: `changed` rows, students to `say_again`, dead letters, forwards, and the counts."""

    changed: dict[str, Row] = field(default_factory=dict)
    say_again: dict[str, Row] = field(default_factory=dict)
    dead_letters: list[tuple[Record, DeadLetter]] = field(default_factory=list)
    forwards: list[Forward] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)


@dataclass(slots=True)
class _Student:
    """A row at work in this batch. `folded_to` is the offset it came with: records up to there are in it."""

    row: Row
    folded_to: int
    home: int | None


class BatchFolder:
    """Folds the records of one partition, in offset order."""

    def __init__(self, folding: Folding, decode: Decode, *, home: Home, load: Load, epoch: int = 0) -> None:
        self._folding = folding
        self._decode = decode
        self._home = home
        self._load = load
        self._epoch = epoch
        self._students: dict[str, _Student] = {}
        self.batch = FoldedBatch()

    def fold(self, records: Sequence[Record]) -> FoldedBatch:
        """Fold all `records`; the same rows come out however the records are cut into batches."""
        for record in records:
            self.batch.counts.records_in += 1
            decoded = self._decode(record)
            for invalid in decoded.invalid:
                self._dead_letter(record, invalid)
            for index, event in enumerate(decoded.events):
                self._route(record, index, event)
        return self.batch

    def _route(self, record: Record, index: int, event: NativeEvent) -> None:
        student = self._students.get(event.student_id) or self._take(event.student_id)
        origin = _origin(record) if record.headers else None
        if student.home is not None and student.home != record.partition and origin is None:
            came_from = f"{record.topic}/{record.partition}/{record.offset}/{index}"
            self.batch.forwards.append(Forward(student.home, event, came_from))
            self.batch.counts.rerouted += 1
        elif record.offset <= student.folded_to:
            self.batch.counts.replayed += 1
            if student.row.erased_us == 0:
                self.batch.say_again[event.student_id] = student.row
        else:
            self._fold(record, event, student, origin)

    def _fold(self, record: Record, event: NativeEvent, student: _Student, origin: "_Origin | None") -> None:
        now_us = min(record.timestamp * 1000, _LATEST_US)
        if now_us < _EARLIEST_US:
            self._dead_letter(record, Invalid("absurd_timestamp", f"the record's is before {EARLIEST_TIME.year}"))
            return
        if student.row.erased_us and now_us <= student.row.erased_us:
            self.batch.counts.count(Outcome.IGNORED)
            return
        if origin is not None and not _is_new(student.row, origin):
            self.batch.counts.count(Outcome.DUPLICATE)
            return
        outcome = self._folding.fold(student.row, event, now_us)
        self.batch.counts.count(outcome)
        if outcome in (Outcome.APPLIED, Outcome.LATE):
            if origin is not None:
                _note_origin(student.row, origin)
            student.row.offset, student.row.epoch = record.offset, self._epoch
            student.row.erased_us = 0
            self.batch.changed[event.student_id] = student.row
            self.batch.counts.clamped += event.time.timestamp() * 1e6 > now_us

    def _take(self, student_id: str) -> _Student:
        row = self._load(student_id)
        folded_to = -1
        if row is not None and row.epoch > self._epoch:
            raise Fatal(
                f"a row is of epoch {row.epoch}, this worker folds epoch {self._epoch}: raise SKILLSTREAM_EPOCH"
            )
        if row is not None and row.epoch == self._epoch:
            folded_to = row.offset
        elif row is not None:
            row.origins.clear()  # they are offsets of the topic that was
        student = _Student(row or Row(), folded_to, self._home(student_id))
        self._students[student_id] = student
        return student

    def _dead_letter(self, record: Record, invalid: Invalid) -> None:
        letter = DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            index=invalid.index,
            reason=invalid.reason,
            error=invalid.error,
            schema_guess=invalid.schema_guess,
        )
        self.batch.dead_letters.append((record, letter))
        self.batch.counts.dead_letter(invalid.reason)


_Origin = tuple[int, int, int]


def _origin(record: Record) -> _Origin | None:
    """(partition, offset, index) that a forwarded event came from; None if the header is absent or not ours."""
    for name, value in record.headers:
        if name == ORIGIN_HEADER:
            place = _ORIGIN.fullmatch(value or b"")
            return (int(place[1]), int(place[2]), int(place[3])) if place else None
    return None


def _is_new(row: Row, origin: _Origin) -> bool:
    """Whether the row has not yet been moved past `origin`. A partition's forwards arrive in its offset order."""
    partition, offset, index = origin
    return (offset, index) > row.origins.get(partition, (-1, -1))


def _note_origin(row: Row, origin: _Origin) -> None:
    partition, offset, index = origin
    row.origins.pop(partition, None)
    row.origins[partition] = (offset, index)
    while len(row.origins) > MAX_ORIGINS:
        del row.origins[next(iter(row.origins))]
