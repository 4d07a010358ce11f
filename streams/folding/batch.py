"""One batch of records, decoded and folded by student. Pure: rows come from `load`, nothing is written.

    records ──decode──► events ──home?──► fold into the student's row
                 │                 └─ no ─► forward, as a native event, to its home
                 └─ invalid ──► dead letter

A record at or below its row's offset was folded before a crash: it is skipped, and its student's update said again.
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
from streams.folding.dead_letters import Letters
from streams.folding.deduplication import Outcome
from streams.folding.fold import Folding
from streams.input.origin import CameFrom, Origin, origin_in
from streams.input.signature import Authentic, has_own_headers, nobody
from streams.rows.layout import Array, Indices
from streams.rows.row_batch import Block, Integers
from streams.rows.segments import LoadSegments, Segments, none_stored

Load = Callable[[Sequence[str]], Sequence[bytes | None]]
"""The stored rows of students, in their order; None for who has none."""
Home = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Forward:
    """An event for another partition; `origin` tells its home that it came twice.

    It keeps its record's time, in ms: sent as of now, it would outlive its student's being forgotten.
    """

    partition: int
    event: NativeEvent
    origin: CameFrom
    timestamp_ms: int


@dataclass(slots=True)
class FoldedBatch:
    """What a batch came to. `block` has a line for each of `students`, in their order: first those that were changed,
    then those that are said again though nothing new was folded.
    """

    students: list[str]
    changed: int
    block: Block
    segments: Segments
    dead_letters: list[tuple[Record, DeadLetter]]
    forwards: list[Forward]
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
        changed = self.block if self.changed == len(self.students) else self.block.take(range(self.changed))
        return dict(zip(self.students[: self.changed], changed.encode(), strict=True))


@dataclass(slots=True)
class _Told:
    """A batch's events in the order of their records, parallel lists; `record` is a place among the records, `line`
    one among the students. By the events' places: `origins` of forwarded ones, `index` within the record if not 0,
    and the part of a record of several.
    """

    events: list[NativeEvent] = field(default_factory=list)
    record: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
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
        home: Home,
        load: Load,
        load_segments: LoadSegments = none_stored,
        epoch: int = 0,
        most_students: int | None = None,
        authentic: Authentic = nobody,
    ) -> None:
        self._folding = folding
        self._decode = decode
        self._home = home
        self._load = load
        self._load_segments = load_segments
        self._epoch = epoch
        self._most_students = sys.maxsize if most_students is None else most_students
        self._authentic = authentic
        self._counts = Counts()
        self._letters = Letters(self._counts)
        self._forwards: list[Forward] = []

    def fold(self, records: Sequence[Record]) -> FoldedBatch:
        """Fold all `records`; the same rows come out however the records are cut into batches."""
        told, line_of, taken = self._read(records)
        records = records[:taken]
        self._counts.records_in += taken
        students = list(line_of)
        block = self._block(students)
        changed, again = self._route(records, told, students, block)
        return self._folded(students, block, changed, again - set(changed), taken)

    def _read(self, records: Sequence[Record]) -> tuple[_Told, dict[str, int], int]:
        """Decode all, most of it without asking which dialect it is, and number the students; how many were taken."""
        told, line_of = _Told(), dict[str, int]()
        events, of_record, lines = told.events, told.record, told.line
        for place, record in enumerate(records):
            if len(line_of) >= self._most_students:
                return told, line_of, place
            plain = None if record.headers else decode_short(record.value)
            if plain is not None:
                events.append(plain)
                of_record.append(place)
                lines.append(line_of.setdefault(plain.student_id, len(line_of)))
                continue
            said = self._decode(record)
            if said.invalid:
                self._letters.add(record, said.invalid, several=said.has_several_parts)
            for unknown in said.ignored:
                self._counts.ignore(unknown.dialect, unknown.name)
            for broken in said.tolerated:
                self._counts.tolerated[broken.dialect, broken.rule] += 1
            origin = self._origin(record) if record.headers else None
            for index, event in enumerate(said.events):
                if origin is not None:
                    told.origins[len(events)] = origin.place
                if index:
                    told.index[len(events)] = index
                if said.parts:
                    told.parts[len(events)] = said.parts[index]
                events.append(event)
                of_record.append(place)
                lines.append(line_of.setdefault(event.student_id, len(line_of)))
        return told, line_of, len(records)

    def _origin(self, record: Record) -> CameFrom | None:
        """Where a forwarded record came from; None where nobody of ours says so."""
        if not has_own_headers(record):
            return None
        if not self._authentic(record):
            self._counts.forged_headers += 1
            return None
        return origin_in(record.headers)

    def _block(self, students: Sequence[str]) -> Block:
        segments = Segments([student.encode() for student in students], self._load_segments)
        block = Block.of(self._load(students), self._folding.names, segments)
        epochs = block.head["epoch"]
        if np.any(epochs > self._epoch):
            raise Fatal(
                f"a row is of epoch {epochs.max()}, its partition's mark of {self._epoch}: see docs/recovering.md"
            )
        for line in np.flatnonzero(epochs < self._epoch).tolist():
            block.head["offset"][line], block.small["origins"][line] = -1, b""  # of the topic that was
        return block

    def _route(
        self, records: Sequence[Record], told: _Told, students: Sequence[str], block: Block
    ) -> tuple[list[int], set[int]]:
        """Sort events by what is to be done with them, and fold what is at home and new.

        Return the lines that were changed, and those whose row already held an event.
        """
        of_record, line = np.array(told.record, np.intp), np.array(told.line, np.intp)
        offset = np.array([record.offset for record in records], np.int64)[of_record]
        now_us = _clipped_us([record.timestamp for record in records])[of_record]
        away = self._away(records, told, students, line)
        replayed = ~away & (offset <= block.head["offset"][line])
        absurd = ~away & ~replayed & (now_us < EARLIEST_US)
        forgotten = ~away & ~replayed & ~absurd & (now_us <= block.head["erased_us"][line])
        why = Invalid("absurd_timestamp", f"the record's is before {EARLIEST_TIME.year}")
        for number, places in groupby(np.flatnonzero(absurd).tolist(), told.record.__getitem__):
            parts = sorted({told.parts[place] for place in places if place in told.parts})
            bad = [replace(why, index=part) for part in parts]
            self._letters.add(records[number], bad or [why], several=bool(parts))
        self._counts.replayed += int(replayed.sum())
        again = {one for one in np.unique(line[replayed]).tolist() if block.head["events"][one]}
        self._counts.count([Outcome.IGNORED] * int(forgotten.sum()))
        here = np.flatnonzero(~(away | replayed | absurd | forgotten))
        return self._fold(block, told, here, line[here], offset[here], now_us[here]), again

    def _away(
        self, records: Sequence[Record], told: _Told, students: Sequence[str], line: Indices
    ) -> NDArray[np.bool_]:
        """Which events are not at home, and were not forwarded to here; those are forwarded."""
        elsewhere = {
            number: home
            for number, student in enumerate(students)
            if (home := self._home(student)) is not None and home != records[0].partition
        }
        away = np.isin(line, list(elsewhere))
        away[list(told.origins)] = False
        for place in np.flatnonzero(away).tolist():
            record = records[told.record[place]]
            self._forward(elsewhere[told.line[place]], record, told.index.get(place, 0), told.events[place])
        return away

    def _fold(self, block: Block, told: _Told, here: Indices, line: Indices, offset: Array, now_us: Array) -> list[int]:
        """Fold the events `here`; return the lines that this changed."""
        events, lines, origins = told.events, told.line, told.origins
        if len(here) < len(events):
            places = here.tolist()
            events, lines = [events[place] for place in places], [lines[place] for place in places]
            origins = {number: origins[place] for number, place in enumerate(places) if place in origins}
        folded = self._folding.fold(block, lines, events, now_us, origins)
        self._counts.count(folded.outcomes)
        self._counts.clamped += folded.clamped
        self._counts.beyond_horizon += folded.beyond
        for event, outcome in zip(events, folded.outcomes, strict=True):
            if outcome is Outcome.IGNORED and type(event) is Rubric and event.skill not in self._folding.names:
                self._counts.rate_unknown(event.skill)
        if folded.not_held:
            self._counts.unknown["native", "voided_not_held"] += folded.not_held
        stored = np.append(folded.new, np.array(folded.joined, np.intp))
        np.maximum.at(block.head["offset"], line[stored], offset[stored])
        changed: list[int] = np.unique(line[stored]).tolist()
        block.head["epoch"][changed] = self._epoch
        return changed

    def _folded(
        self, students: Sequence[str], block: Block, changed: Sequence[int], again: Iterable[int], taken: int
    ) -> FoldedBatch:
        order = [*changed, *sorted(again)]
        return FoldedBatch(
            students=[students[line] for line in order],
            changed=len(changed),
            block=block if order == list(range(len(students))) else block.take(order),
            segments=block.segments,
            dead_letters=self._letters.in_order(),
            forwards=self._forwards,
            counts=self._counts,
            taken=taken,
        )

    def _forward(self, home: int, record: Record, index: int, event: NativeEvent) -> None:
        self._forwards.append(
            Forward(home, event, CameFrom(record.topic, (record.partition, record.offset, index)), record.timestamp)
        )
        self._counts.rerouted += 1


def _clipped_us(timestamps_ms: Sequence[int]) -> Integers:
    """In µs; times that no clock tells are as far off as can be told."""
    return np.clip(np.array(timestamps_ms, np.int64), EARLIEST_US // 1000 - 1, LATEST_US // 1000) * 1000
