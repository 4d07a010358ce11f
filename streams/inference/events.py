"""Events of one request: folded as they come, scored at the end, stored nowhere. Pure.

items ──decode──► events ──Pipeline.process──► rows in memory ──┐ all have come
              └─ bad parts ──► errors ──────────────────────────┴──► updates and errors, in the items' order
"""

from collections import deque
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from schemas.bounds import MAX_UINT32
from schemas.dead_letter import DeadLetter
from schemas.dialects import Decode, Decoded, Invalid, Record
from schemas.inference import NOTHING_APPLIED, InferenceCounts, ItemError
from streams.context import ProcessingContext
from streams.folding.counts import Counts
from streams.inference.overlay import ONE_PARTITION, LookUp, RowOverlay, Unavailable, nothing_stored
from streams.inference.scoring import StudentRow, error_text, score_students
from streams.pipeline import Pipeline
from streams.scoring.scorer import Scorer

_NOTHING: Final = Unavailable(NOTHING_APPLIED, "none of the student's events says anything that is scored")
_OUR_EPOCH: Final = MAX_UINT32
"""Beyond that of every stored row, so that items fold onto it, whatever its offset on the topic."""


class TooManyEvents(Exception):
    """More events, good or bad, than one request may hold."""


class ItemRecord(NamedTuple):
    """An item, decoded, as a record: `offset` is its number, `timestamp` (ms) when it came."""

    offset: int
    timestamp: int
    value: bytes | None
    decoded: Decoded = Decoded()
    topic: str = "inference"
    partition: int = ONE_PARTITION
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def decoded_item(record: Record) -> Decoded:
    """The Decode of a pipeline that takes ItemRecords. Raises TypeError for a record of bytes."""
    if not isinstance(record, ItemRecord):
        raise TypeError(f"{type(record).__name__} at offset {record.offset}: only ItemRecords are taken here")
    return record.decoded


class InferredEvents:
    """One request. `pipeline` takes ItemRecords; `decode` reads their values. Raises TooManyEvents, and what the
    pipeline and `look_up` raise.

    The updates are those that a stream of these events alone would end with, the `look_up` finding nothing.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        scorer: Scorer,
        decode: Decode,
        now_ms: int,
        most_events: int,
        look_up: LookUp = nothing_stored,
    ) -> None:
        """At most `most_events` are taken; events later than `now_ms` are as of then."""
        self._pipeline, self._scorer, self._decode = pipeline, scorer, decode
        self._now_ms, self._most_events = now_ms, most_events
        self._rows = RowOverlay(pipeline.skill_set.names, look_up)
        epoch = 0 if look_up is nothing_stored else _OUR_EPOCH
        self._context = ProcessingContext(rows=self._rows, epoch_of=lambda _partition: epoch)
        self._first_item: dict[bytes, int] = {}
        self._errors: list[tuple[ItemError, int]] = []
        self._due: deque[tuple[bytes | ItemError, int]] | None = None
        self._counts = Counts()
        self._events = 0
        self._updates = self._refused = 0

    async def fold(self, values: Sequence[bytes | int]) -> None:
        """Fold the next items; one that was too large to be held is there as its size."""
        first = self._counts.records_in
        records = [self._record(item, value) for item, value in enumerate(values, first)]
        for record in records:
            for event in record.decoded.events:
                self._first_item.setdefault(event.student_id.encode(), record.offset)
        if self._events > self._most_events:
            raise TooManyEvents
        if not records:
            return
        self._pipeline.scorer = self._scorer  # of the scores with which weeks end
        outcome = await self._pipeline.process({ONE_PARTITION: records}, self._context)
        result = outcome.partitions[ONE_PARTITION]
        self._rows.put(result.rows)
        self._counts += outcome.counts
        self._errors += [(_error_of(dead_letter), dead_letter.offset) for _, dead_letter in result.dead_letters]

    async def answer(self, most: int) -> bytes:
        """The next of the answer, of at most so many students and errors; nothing when all was said.

        To be called when all items were folded.
        """
        if self._due is None:
            self._due = deque(sorted([*self._first_item.items(), *self._errors], key=itemgetter(1)))
        due = [self._due.popleft() for _ in range(min(most, len(self._due)))]
        students = self._rows_of([(about, item) for about, item in due if isinstance(about, bytes)])
        answered = await score_students(self._scorer, students, _NOTHING)
        self._updates += answered.updates
        self._refused += len(due) - answered.updates
        of_students = iter(answered.text)
        return b"".join(next(of_students) if isinstance(about, bytes) else error_text(about) for about, _ in due)

    @property
    def config_version(self) -> str:
        """That of its updates."""
        return self._scorer.config_version

    @property
    def counts(self) -> InferenceCounts:
        """Of what was folded and answered until now."""
        counts = self._counts
        return InferenceCounts(
            items=counts.records_in,
            updates=self._updates,
            errors=self._refused,
            applied=counts.applied,
            duplicates=counts.duplicates,
            ignored=counts.ignored,
            dead_lettered=counts.dead_lettered,
        )

    def _record(self, item: int, value: bytes | int) -> ItemRecord:
        if isinstance(value, int):
            invalid = Invalid("too_large", f"{value} bytes are more than one event may have")
            self._events += 1
            return ItemRecord(item, self._now_ms, None, Decoded(invalid=(invalid,)))
        record = ItemRecord(item, self._now_ms, value)
        decoded = self._decode(record)
        self._events += max(1, len(decoded.events) + len(decoded.invalid) + len(decoded.ignored))
        return record._replace(decoded=decoded)

    def _rows_of(self, students: Sequence[tuple[bytes, int]]) -> list[StudentRow]:
        keys = [student for student, _ in students]
        rows, ours = self._rows.get_many(ONE_PARTITION, keys), self._rows.changed(keys)
        return [
            StudentRow(item, student, self._rows.unavailable.get(student, row), is_ours)
            for (student, item), row, is_ours in zip(students, rows, ours, strict=True)
        ]


def _error_of(dead_letter: DeadLetter) -> ItemError:
    return ItemError(
        item=dead_letter.offset,
        reason=dead_letter.reason,
        error=dead_letter.error,
        schema_guess=dead_letter.schema_guess,
        index=dead_letter.index,
        parts=dead_letter.parts,
    )
