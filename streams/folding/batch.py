"""One batch of records, decoded and folded by student. Pure: rows come from `load`, nothing is written.

    records ──decode──► events ──home?──► fold into the student's row
                 │                 └─ no ─► forward, as a native event, to its owning partition
                 └─ invalid ──► dead letter

A record at or below its row's offset was folded before a crash: it is skipped, and its student's update re-emitted.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from schemas.bounds import EARLIEST_US, LATEST_US
from schemas.dead_letter import DeadLetter
from schemas.dialects import Decode, Invalid, Record
from schemas.dialects.native import decode_short
from schemas.errors import Fatal
from schemas.event import EARLIEST_TIME, NativeEvent, Rubric
from streams.folding.counts import Counts
from streams.folding.dead_letters import DeadLetters
from streams.folding.deduplication import FoldOutcome
from streams.folding.fold import Folding
from streams.input.origin import CameFrom, Origin, origin_in
from streams.input.signature import Authentic, has_own_headers, nobody
from streams.rows.layout import Array, Indices
from streams.rows.row_batch import Integers, RowBatch
from streams.rows.segments import LoadSegments, Segments, none_stored

Load = Callable[[Sequence[str]], Sequence[bytes | None]]
"""The stored rows of students, in their order; None for who has none."""
OwningPartition = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Repartitioned:
    """An event for another partition; `origin` tells its owning partition that it came twice.

    It keeps its record's time, in ms: sent as of now, it would outlive its student's erasure.
    """

    partition: int
    event: NativeEvent
    origin: CameFrom
    timestamp_ms: int


@dataclass(slots=True)
class FoldedBatch:
    """What a batch came to. `row_batch` has a row for each of `students`, in their order: first those that were
    changed, then those that are re-emitted though nothing new was folded.
    """

    students: list[str]
    changed: int
    row_batch: RowBatch
    segments: Segments
    dead_letters: list[tuple[Record, DeadLetter]]
    repartitioned: list[Repartitioned]
    counts: Counts
    taken: int
    """How many of the records it was given, from the first on, it holds."""

    def records(self) -> dict[bytes, bytes | None]:
        """What is to be stored, by the changelog's keys: new segments, then rows, then segments given up (None).

        In this order a row never says of a segment that it is there when it is not, wherever a crash cuts them.
        """
        rows = {student.encode(): row for student, row in self.rows().items()}
        return {**self.segments.written, **rows, **self.segments.deleted}

    def rows(self) -> dict[str, bytes]:
        """The changed students' rows, as they are to be stored."""
        changed = self.row_batch if self.changed == len(self.students) else self.row_batch.take(range(self.changed))
        return dict(zip(self.students[: self.changed], changed.encode(), strict=True))


@dataclass(slots=True)
class _Decoded:
    """A batch's events in the order of their records, parallel lists; `record` is an index among the records,
    `row_index` one among the students. By the events' indices: `origins` of forwarded ones, `index` within the record
    if not 0, and the part of a record of several.
    """

    events: list[NativeEvent] = field(default_factory=list)
    record: list[int] = field(default_factory=list)
    row_index: list[int] = field(default_factory=list)
    origins: dict[int, Origin] = field(default_factory=dict)
    index: dict[int, int] = field(default_factory=dict)
    parts: dict[int, int] = field(default_factory=dict)


class BatchFolder:
    """Folds the records of one partition, in offset order.

    It takes no more of them once those taken hold events of `most_students`: the work and the memory that a batch asks
    for go by its students.
    """

    def __init__(
        self,
        folding: Folding,
        decode: Decode,
        *,
        owning_partition: OwningPartition,
        load: Load,
        load_segments: LoadSegments = none_stored,
        epoch: int = 0,
        most_students: int | None = None,
        authentic: Authentic = nobody,
    ) -> None:
        self._folding = folding
        self._decode = decode
        self._owning_partition = owning_partition
        self._load = load
        self._load_segments = load_segments
        self._epoch = epoch
        self._most_students = sys.maxsize if most_students is None else most_students
        self._authentic = authentic
        self._counts = Counts()
        self._dead_letters = DeadLetters(self._counts)
        self._repartitioned: list[Repartitioned] = []

    def fold(self, records: Sequence[Record]) -> FoldedBatch:
        """Fold all `records`; the same rows come out however the records are cut into batches."""
        decoded, row_index_of, taken = self._read(records)
        records = records[:taken]
        self._counts.records_in += taken
        students = list(row_index_of)
        row_batch = self._row_batch(students)
        changed, again = self._route(records, decoded, students, row_batch)
        return self._folded(students, row_batch, changed, again - set(changed), taken)

    def _read(self, records: Sequence[Record]) -> tuple[_Decoded, dict[str, int], int]:
        """Decode all, most of it without asking which dialect it is, and number the students; how many were taken."""
        decoded, row_index_of = _Decoded(), dict[str, int]()
        events, of_record, row_indices = decoded.events, decoded.record, decoded.row_index
        for record_index, record in enumerate(records):
            if len(row_index_of) >= self._most_students:
                return decoded, row_index_of, record_index
            plain = None if record.headers else decode_short(record.value)
            if plain is not None:
                events.append(plain)
                of_record.append(record_index)
                row_indices.append(row_index_of.setdefault(plain.student_id, len(row_index_of)))
                continue
            said = self._decode(record)
            if said.invalid:
                self._dead_letters.add(record, said.invalid, several=said.has_several_parts)
            for unknown in said.ignored:
                self._counts.ignore(unknown.dialect, unknown.name)
            for broken in said.tolerated:
                self._counts.tolerated[broken.dialect, broken.rule] += 1
            origin = self._origin(record) if record.headers else None
            for index, event in enumerate(said.events):
                if origin is not None:
                    decoded.origins[len(events)] = origin.position
                if index:
                    decoded.index[len(events)] = index
                if said.parts:
                    decoded.parts[len(events)] = said.parts[index]
                events.append(event)
                of_record.append(record_index)
                row_indices.append(row_index_of.setdefault(event.student_id, len(row_index_of)))
        return decoded, row_index_of, len(records)

    def _origin(self, record: Record) -> CameFrom | None:
        """Where a forwarded record came from; None where nobody of ours says so."""
        if not has_own_headers(record):
            return None
        if not self._authentic(record):
            self._counts.forged_headers += 1
            return None
        return origin_in(record.headers)

    def _row_batch(self, students: Sequence[str]) -> RowBatch:
        segments = Segments([student.encode() for student in students], self._load_segments)
        row_batch = RowBatch.of(self._load(students), self._folding.names, segments)
        epochs = row_batch.headers["epoch"]
        if np.any(epochs > self._epoch):
            raise Fatal(
                f"a row is of epoch {epochs.max()}, its partition's mark of {self._epoch}: see docs/recovering.md"
            )
        for row_index in np.flatnonzero(epochs < self._epoch).tolist():
            row_batch.headers["offset"][row_index] = -1  # of the topic that was
            row_batch.sections["origins"][row_index] = b""
        return row_batch

    def _route(
        self, records: Sequence[Record], decoded: _Decoded, students: Sequence[str], row_batch: RowBatch
    ) -> tuple[list[int], set[int]]:
        """Sort events by what is to be done with them, and fold what is on its owning partition and new.

        Return the rows that were changed, and those whose row already held an event.
        """
        of_record, row_index = np.array(decoded.record, np.intp), np.array(decoded.row_index, np.intp)
        offset = np.array([record.offset for record in records], np.int64)[of_record]
        now_us = _clipped_us([record.timestamp for record in records])[of_record]
        misplaced = self._repartition_misplaced(records, decoded, students, row_index)
        replayed = ~misplaced & (offset <= row_batch.headers["offset"][row_index])
        absurd = ~misplaced & ~replayed & (now_us < EARLIEST_US)
        erased = ~misplaced & ~replayed & ~absurd & (now_us <= row_batch.headers["erased_us"][row_index])
        why = Invalid("absurd_timestamp", f"the record's is before {EARLIEST_TIME.year}")
        for number, event_indices in groupby(np.flatnonzero(absurd).tolist(), decoded.record.__getitem__):
            parts = sorted(
                {decoded.parts[event_index] for event_index in event_indices if event_index in decoded.parts}
            )
            bad = [replace(why, index=part) for part in parts]
            self._dead_letters.add(records[number], bad or [why], several=bool(parts))
        self._counts.replayed += int(replayed.sum())
        again = {one for one in np.unique(row_index[replayed]).tolist() if row_batch.headers["events"][one]}
        self._counts.count([FoldOutcome.IGNORED] * int(erased.sum()))
        here = np.flatnonzero(~(misplaced | replayed | absurd | erased))
        return self._fold(row_batch, decoded, here, row_index[here], offset[here], now_us[here]), again

    def _repartition_misplaced(
        self, records: Sequence[Record], decoded: _Decoded, students: Sequence[str], row_index: Indices
    ) -> NDArray[np.bool_]:
        """Which events are not on its owning partition, and were not forwarded to here; those are forwarded."""
        elsewhere = {
            number: owning_partition
            for number, student in enumerate(students)
            if (owning_partition := self._owning_partition(student)) is not None
            and owning_partition != records[0].partition
        }
        misplaced = np.isin(row_index, list(elsewhere))
        misplaced[list(decoded.origins)] = False
        for event_index in np.flatnonzero(misplaced).tolist():
            record = records[decoded.record[event_index]]
            self._repartition(
                elsewhere[decoded.row_index[event_index]],
                record,
                decoded.index.get(event_index, 0),
                decoded.events[event_index],
            )
        return misplaced

    def _fold(
        self, row_batch: RowBatch, decoded: _Decoded, here: Indices, row_index: Indices, offset: Array, now_us: Array
    ) -> list[int]:
        """Fold the events `here`; return the rows that this changed."""
        events, row_indices, origins = decoded.events, decoded.row_index, decoded.origins
        if len(here) < len(events):
            event_indices = here.tolist()
            events, row_indices = (
                [events[event_index] for event_index in event_indices],
                [row_indices[event_index] for event_index in event_indices],
            )
            origins = {
                number: origins[event_index]
                for number, event_index in enumerate(event_indices)
                if event_index in origins
            }
        folded = self._folding.fold(row_batch, row_indices, events, now_us, origins)
        self._counts.count(folded.outcomes)
        self._counts.clamped += folded.clamped
        self._counts.beyond_horizon += folded.beyond
        for event, outcome in zip(events, folded.outcomes, strict=True):
            if outcome is FoldOutcome.IGNORED and type(event) is Rubric and event.skill not in self._folding.names:
                self._counts.rate_unknown(event.skill)
        if folded.not_held:
            self._counts.unknown["native", "voided_not_held"] += folded.not_held
        stored = np.append(folded.new, np.array(folded.joined, np.intp))
        np.maximum.at(row_batch.headers["offset"], row_index[stored], offset[stored])
        changed: list[int] = np.unique(row_index[stored]).tolist()
        row_batch.headers["epoch"][changed] = self._epoch
        return changed

    def _folded(
        self, students: Sequence[str], row_batch: RowBatch, changed: Sequence[int], again: Iterable[int], taken: int
    ) -> FoldedBatch:
        order = [*changed, *sorted(again)]
        return FoldedBatch(
            students=[students[row_index] for row_index in order],
            changed=len(changed),
            row_batch=row_batch if order == list(range(len(students))) else row_batch.take(order),
            segments=row_batch.segments,
            dead_letters=self._dead_letters.in_order(),
            repartitioned=self._repartitioned,
            counts=self._counts,
            taken=taken,
        )

    def _repartition(self, owning_partition: int, record: Record, index: int, event: NativeEvent) -> None:
        self._repartitioned.append(
            Repartitioned(
                owning_partition,
                event,
                CameFrom(record.topic, (record.partition, record.offset, index)),
                record.timestamp,
            )
        )
        self._counts.rerouted += 1


def _clipped_us(timestamps_ms: Sequence[int]) -> Integers:
    """In µs; times that no clock tells are as far off as can be told."""
    return np.clip(np.array(timestamps_ms, np.int64), EARLIEST_US // 1000 - 1, LATEST_US // 1000) * 1000
