"""One batch of records, decoded and folded by student. Pure: rows come from `load`, nothing is written.

    records ──decode──► events ──home?──► fold into the student's row
                 │                 └─ no ─► forward, as a native event, to its home
                 └─ invalid ──► dead letter

A record at or below its row's offset was folded before a crash: it is skipped, and its student's update said again.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from schemas.dead_letter import DeadLetter
from schemas.dialects import Decoded, Invalid, Record
from schemas.errors import Fatal
from schemas.event import EARLIEST_TIME, NativeEvent
from streams.accounting import Counts
from streams.block import Block
from streams.folding import Folding
from streams.repeats import Origin, Outcome

ORIGIN_HEADER: Final = "skillstream-origin"
_ORIGIN: Final = re.compile(rb".+/([0-9]{1,9})/([0-9]{1,18})/([0-9]{1,9})")
_EARLIEST_US: Final = int(EARLIEST_TIME.timestamp()) * 1_000_000
_LATEST_US: Final = 4_102_444_800_000_000  # 2100: seconds still fit in four bytes

Load = Callable[[Sequence[str]], Sequence[bytes | None]]
"""The stored rows of students, in their order; None for who has none."""
Home = Callable[[str], int | None]
Decode = Callable[[Record], Decoded]


@dataclass(frozen=True, slots=True)
class Forward:
    """An event for another partition; `origin` tells its home that it came twice.

    It keeps its record's time, in ms: sent as of now, it would outlive its student's being forgotten.
    """

    partition: int
    event: NativeEvent
    origin: str
    timestamp_ms: int


@dataclass(slots=True)
class FoldedBatch:
    """What a batch came to. `block` has a line for each of `students`, in their order: first those that were changed,
    then those that are said again though nothing new was folded.
    """

    students: list[str]
    changed: int
    block: Block
    dead_letters: list[tuple[Record, DeadLetter]]
    forwards: list[Forward]
    counts: Counts

    def rows(self) -> dict[str, bytes]:
        """The changed students' rows, as they are to be stored."""
        changed = self.block if self.changed == len(self.students) else self.block.take(range(self.changed))
        return dict(zip(self.students[: self.changed], changed.encode(), strict=True))


@dataclass(slots=True)
class _Arrived:
    """Events at their home, in the order of their records, parallel lists; `origins` by place, of forwarded ones."""

    lines: list[int] = field(default_factory=list)
    events: list[NativeEvent] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    now_us: list[int] = field(default_factory=list)
    origins: dict[int, Origin] = field(default_factory=dict)


class BatchFolder:
    """Folds the records of one partition, in offset order."""

    def __init__(self, folding: Folding, decode: Decode, *, home: Home, load: Load, epoch: int = 0) -> None:
        self._folding = folding
        self._decode = decode
        self._home = home
        self._load = load
        self._epoch = epoch
        self._dead_letters: list[tuple[Record, DeadLetter]] = []
        self._forwards: list[Forward] = []
        self._arrived = _Arrived()
        self._counts = Counts()

    def fold(self, records: Sequence[Record]) -> FoldedBatch:
        """Fold all `records`; the same rows come out however the records are cut into batches."""
        line_of: dict[str, int] = {}
        told: list[tuple[Record, int, int, NativeEvent]] = []
        for record in records:
            decoded = self._decode(record)
            for invalid in decoded.invalid:
                self._dead_letter(record, invalid)
            for index, event in enumerate(decoded.events):
                told.append((record, index, line_of.setdefault(event.student_id, len(line_of)), event))
        self._counts.records_in += len(records)
        students = list(line_of)
        block = self._block(students)
        again = self._route(told, students, block)
        changed = self._fold(block)
        return self._folded(students, block, changed, again - set(changed))

    def _block(self, students: Sequence[str]) -> Block:
        block = Block.of(self._load(students), self._folding.names)
        epochs = block.head["epoch"]
        if np.any(epochs > self._epoch):
            raise Fatal(
                f"a row is of epoch {epochs.max()}, its partition's mark of {self._epoch}: see docs/recovering.md"
            )
        for line in np.flatnonzero(epochs < self._epoch).tolist():
            block.head["offset"][line], block.small["origins"][line] = -1, b""  # of the topic that was
        return block

    def _route(
        self, told: Sequence[tuple[Record, int, int, NativeEvent]], students: Sequence[str], block: Block
    ) -> set[int]:
        """Sort events by what is to be done with them; return the lines of those that their row already holds."""
        homes = [self._home(student) for student in students]
        folded_to, erased_us, known = (block.head[name].tolist() for name in ("offset", "erased_us", "events"))
        again: set[int] = set()
        arrived = self._arrived
        for record, index, line, event in told:
            origin = _origin(record) if record.headers else None
            home, offset = homes[line], record.offset
            now_us = min(record.timestamp * 1000, _LATEST_US)
            if home is not None and home != record.partition and origin is None:
                self._forward(home, record, index, event)
            elif offset <= folded_to[line]:
                self._counts.replayed += 1
                if known[line]:
                    again.add(line)
            elif now_us < _EARLIEST_US:
                absurd = Invalid("absurd_timestamp", f"the record's is before {EARLIEST_TIME.year}")
                self._dead_letter(record, absurd)
            elif now_us <= erased_us[line]:
                self._counts.count(Outcome.IGNORED)
            else:
                arrived.lines.append(line)
                arrived.events.append(event)
                arrived.offsets.append(offset)
                arrived.now_us.append(now_us)
                if origin is not None:
                    arrived.origins[len(arrived.lines) - 1] = origin
        return again

    def _fold(self, block: Block) -> list[int]:
        """Fold what is at home; return the lines that it changed."""
        arrived = self._arrived
        folded = self._folding.fold(block, arrived.lines, arrived.events, arrived.now_us, arrived.origins)
        self._counts.count_all(folded.outcomes)
        self._counts.clamped += folded.clamped
        line = np.array(arrived.lines, np.intp)[folded.new]
        np.maximum.at(block.head["offset"], line, np.array(arrived.offsets, np.int64)[folded.new])
        changed: list[int] = np.unique(line).tolist()
        block.head["epoch"][changed] = self._epoch
        return changed

    def _folded(
        self, students: Sequence[str], block: Block, changed: Sequence[int], again: Iterable[int]
    ) -> FoldedBatch:
        order = [*changed, *sorted(again)]
        return FoldedBatch(
            students=[students[line] for line in order],
            changed=len(changed),
            block=block if order == list(range(len(students))) else block.take(order),
            dead_letters=self._dead_letters,
            forwards=self._forwards,
            counts=self._counts,
        )

    def _forward(self, home: int, record: Record, index: int, event: NativeEvent) -> None:
        came_from = f"{record.topic}/{record.partition}/{record.offset}/{index}"
        self._forwards.append(Forward(home, event, came_from, record.timestamp))
        self._counts.rerouted += 1

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
        self._dead_letters.append((record, letter))
        self._counts.dead_letter(invalid.reason)


def _origin(record: Record) -> Origin | None:
    """Where a forwarded event came from; None if the header is absent or not ours."""
    for name, value in record.headers:
        if name == ORIGIN_HEADER:
            place = _ORIGIN.fullmatch(value or b"")
            return (int(place[1]), int(place[2]), int(place[3])) if place else None
    return None
