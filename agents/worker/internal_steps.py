"""The steps of the internal topics, `reasoning-results` and `erasures` (`erasing`): they change rows and score nothing.

Both are idempotent: a record that the row already knows changes nothing. One that cannot be read is a dead letter.
"""

from asyncio import Future
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agents.delivery.step import Batches, BatchResult, Output
from agents.metrics.declared.events import InternalOutcome
from agents.worker.outputs import Outputs
from schemas import reasoning_result
from schemas.dialects import Invalid, Record
from schemas.errors import InvalidInput
from streams.folding.dead_letters import dead_letter_of
from streams.reasoning.policy.explained import note_result
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import Row
from streams.rows.table import Rows
from streams.skills.skill_set import SkillSet

MOST_RECORDS: Final = 1_000
"""Of results or erasures at once: some 0.2 s."""

Changes = dict[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class QueuedRows:
    """The table's rows as objects, and the queue of those owed an explanation, which hears of every change."""

    rows: Rows
    queue: ReasoningQueue | None

    def load(self, partition: int, key: bytes) -> Row | None:
        """A student's row."""
        stored = self.rows.get(partition, key)
        return None if stored is None else decode_row(stored)

    def store(self, partition: int, key: bytes, row: Row, *, without_segments: bool = False) -> Changes:
        """Replace a student's row; return what that changes, by the changelog's keys."""
        # Segments are deleted behind the row that has none: wherever a crash cuts them, no row lacks a segment.
        segments = self.rows.segments(partition, key) if without_segments else ()
        changes = {key: encode_row(row), **dict.fromkeys(segments)}
        self.rows.put_many(partition, changes)
        self.settle(partition, key, row)
        return changes

    def settle(self, partition: int, key: bytes, row: Row) -> None:
        """Tell the queue how a student's row is."""
        if self.queue is not None:
            self.queue.settle(partition, key, (row.epoch, row.offset), row.pending)


@dataclass(frozen=True, slots=True)
class Applied:
    """What one record changes, and what its outcome is called; `awaited` is done before it is acknowledged."""

    outcome: InternalOutcome
    rows: Changes = field(default_factory=dict)
    outputs: Sequence[Output] = ()
    awaited: Sequence["Future[None]"] = ()


@dataclass(frozen=True, slots=True)
class InternalStep:
    """Applies records one by one. `apply` raises InvalidInput for one that cannot be read, before it changes anything.

    `tally` hears of each record's outcome; that of one that cannot be read is `dead_lettered`.
    """

    apply: Callable[[int, Record], Applied]
    dead_lettered: InternalOutcome
    outputs: Outputs
    tally: Callable[[InternalOutcome], None]

    async def __call__(self, batches: Batches) -> Mapping[int, BatchResult]:
        """Apply the first MOST_RECORDS of each partition."""
        return {partition: self._apply(partition, records) for partition, records in batches.items()}

    def _apply(self, partition: int, records: Sequence[Record]) -> BatchResult:
        rows: Changes = {}
        outputs: list[Output] = []
        awaited: list[Future[None]] = []
        some = records[:MOST_RECORDS]
        for record in some:
            try:
                applied = self.apply(partition, record)
            except InvalidInput as error:
                # Somebody else wrote to our topic: no reason to stop, each time it is read.
                dead_letter = dead_letter_of(record, Invalid(error.reason, str(error)))
                outputs.append(self.outputs.dead_letter(record, dead_letter))
                self.tally(self.dead_lettered)
                continue
            rows |= applied.rows
            outputs += applied.outputs
            awaited += applied.awaited
            self.tally(applied.outcome)
        return BatchResult(rows, outputs, records=len(some), awaited=awaited)


@dataclass(frozen=True, slots=True)
class ResultReading:
    """Notes in the row how a call to the reasoning model ended. `skill_set` tells the one in force, `fitted` are the
    skills that may have a level.
    """

    rows: QueuedRows
    skill_set: Callable[[], SkillSet]
    policy: PendingPolicy
    fitted: Collection[str]

    def __call__(self, partition: int, record: Record) -> Applied:
        """See InternalStep."""
        result = reasoning_result.read_result(record.value)
        key = result.student_id.encode()
        row = self.rows.load(partition, key)
        if row is None:
            self.rows.settle(partition, key, Row())
            return Applied("results_ignored")
        note_result(row, result, self.skill_set(), self.policy, self.fitted)
        return Applied("results_applied", self.rows.store(partition, key, row))
