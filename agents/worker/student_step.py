"""The step of the one agent that owns the table: a batch of records in; rows, updates, dead letters, forwards out.

Everything it decides is decided in `streams`; here the topics meet the pipeline.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Final

import msgspec
from aiokafka.structs import ConsumerRecord

from agents.config.channels import Channels
from agents.delivery.step import BatchResult, Output
from agents.metrics.internal_topics import InternalOutcome, dead_letter_of
from agents.worker.work_thread import WorkThread
from schemas import dead_letter_packing, erasure, reasoning_result
from schemas.dead_letter import DeadLetter, with_own_headers
from schemas.dialects import Record, native
from schemas.errors import InvalidInput
from schemas.topics import MAX_RECORD_BYTES
from streams.folding.batch import FoldedBatch, Repartitioned
from streams.folding.counts import Counts
from streams.input.partitioner import OwningPartitionOfKey
from streams.input.signature import Sign
from streams.pipeline import Pipeline
from streams.reasoning.policy.explained import note_result
from streams.reasoning.policy.pending import PendingNoted, note_pending, values_of
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import Row
from streams.rows.table import Rows
from streams.scoring.fusion import Fused

MOST_STUDENTS: Final = 10_000
"""Of one batch. More are left for the next: some 100 MB and 0.5 s each."""
_MOST_SKILL_STATES: Final = 8 * MOST_STUDENTS
"""Students times skills: so many columns cost as much as eight skills of `MOST_STUDENTS`."""
_MOST_INTERNAL: Final = 1_000
"""Records of results or erasures at once: some 0.2 s."""
_SHORT_RECORDS: Final = 200
_SHORT_BYTES: Final = 64 * 1024

CheckDeadLetters = Callable[[int, Sequence[Record], Sequence[tuple[Record, DeadLetter]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class StepCounts:
    """What a batch came to, for counting; `degraded` of its `updates` lack a source that failed."""

    counts: Counts
    updates: int
    degraded: int
    duration_s: float
    largest_row_bytes: int


class StudentStep:
    """Implements BatchStep. Alone reads and changes its partition's rows while it runs.

    `now_us` is the worker's clock, used for pending work only; what is folded and scored depends on the records alone.
    `epoch` tells a partition's.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        rows: Rows,
        channels: Channels,
        owning_partition: OwningPartitionOfKey,
        *,
        queue: ReasoningQueue | None,
        policy: PendingPolicy,
        now_us: Callable[[], int],
        epoch: Callable[[int], int],
        check: CheckDeadLetters,
        sign: Sign,
        observe: Callable[[StepCounts], None],
        tally: Callable[[InternalOutcome], None],
        note_packed: Callable[[], None] = lambda: None,
    ) -> None:
        self._pipeline = pipeline
        self._rows = rows
        self._channels = channels
        self._owning_partition = owning_partition
        self._queue = queue
        self._policy = policy
        self._now_us = now_us
        self._epoch = epoch
        self._check = check
        self._sign = sign
        self._observe = observe
        self._tally = tally
        self._note_packed = note_packed
        self._thread = WorkThread("fold")

    async def __call__(self, topic: str, partition: int, records: Sequence[ConsumerRecord]) -> BatchResult:
        """See BatchStep."""
        if topic == self._channels.activity:
            return await self._fold(partition, records)
        some = records[:_MOST_INTERNAL]
        result = self._read_back(partition, some) if topic == self._channels.results else self._erase(partition, some)
        return replace(result, records=len(some))

    async def _fold(self, partition: int, records: Sequence[Record]) -> BatchResult:
        began_s = perf_counter()
        epoch, is_long = self._epoch(partition), _is_long(records)
        fold = partial(
            self._pipeline.fold,
            records,
            load=lambda students: self._rows.get_many(partition, [student.encode() for student in students]),
            load_segments=lambda keys: self._rows.get_many(partition, keys),
            owning_partition=lambda student: self._owning_partition(student.encode()),
            epoch=epoch,
            most_students=most_students(len(self._pipeline.skill_set.names)),
        )
        batch = await self._thread.run(fold) if is_long else fold()
        await self._check(partition, records[: batch.taken], batch.dead_letters)
        if is_long:
            scored = await self._thread.run(lambda: asyncio.run(self._pipeline.score_rows(batch.row_batch)))
        else:
            scored = await self._pipeline.score_rows(batch.row_batch)
        if self._queue is not None:
            self._note_pending(partition, batch, scored.fused, self._queue)

        def write() -> tuple[dict[bytes, bytes | None], list[Output]]:
            updates = self._pipeline.writer.write(batch.students, batch.row_batch, scored)
            return batch.records(), self._outputs(partition, batch, updates)

        rows, outputs = await self._thread.run(write) if is_long else write()
        self._observe(
            StepCounts(
                batch.counts,
                updates=len(batch.students),
                degraded=scored.degraded,
                duration_s=perf_counter() - began_s,
                largest_row_bytes=max((len(row) for row in rows.values() if row is not None), default=0),
            )
        )
        return BatchResult(rows, outputs, records=batch.taken)

    def _outputs(self, partition: int, batch: FoldedBatch, updates: Sequence[bytes]) -> list[Output]:
        return [
            *(self._repartition(repartitioned_event) for repartitioned_event in batch.repartitioned),
            *(self._dead_letter(record, dead_letter) for record, dead_letter in batch.dead_letters),
            *(
                Output(self._channels.updates, partition, student.encode(), update)
                for student, update in zip(batch.students, updates, strict=True)
            ),
        ]

    def _repartition(self, repartitioned_event: Repartitioned) -> Output:
        topic, partition, event = self._channels.activity, repartitioned_event.partition, repartitioned_event.event
        key, value = event.student_id.encode(), native.encode(event)
        headers = self._sign(topic, partition, key, value, (repartitioned_event.origin.header,))
        return Output(topic, partition, key, value, headers, repartitioned_event.timestamp_ms)

    def _dead_letter(self, record: Record, dead_letter: DeadLetter) -> Output:
        """The record as it came, packed where it is large."""
        dead_letter = msgspec.structs.replace(dead_letter, epoch=self._epoch(record.partition))
        packed = dead_letter_packing.pack(dead_letter, record.key, record.value, MAX_RECORD_BYTES)
        if packed.dead_letter.encoding:
            self._note_packed()
        headers = with_own_headers(packed.dead_letter, record.headers)
        return Output(self._channels.dead_letters, record.partition, packed.key, packed.value, headers)

    def _note_pending(self, partition: int, batch: FoldedBatch, fused: Fused, queue: ReasoningQueue) -> None:
        """Note which of the changed students are owed an explanation."""
        row_batch, now_us = batch.row_batch, self._now_us()
        values = values_of(
            fused, row_batch.skill_states["explained"], self._pipeline.skill_set.levels, self._policy
        ).tolist()
        positions = zip(row_batch.headers["epoch"].tolist(), row_batch.headers["offset"].tolist(), strict=True)
        changed = islice(zip(batch.students, values, positions, strict=True), batch.changed)
        for row_index, (student, value, position) in enumerate(changed):
            pending = row_batch.pending(row_index)
            if note_pending(pending, value, now_us, self._policy, queue.threshold) is PendingNoted.NOT_EXPLAINED:
                queue.not_explained += 1
            row_batch.set_pending(row_index, pending)
            queue.offer(partition, student.encode(), position, pending)

    def _read_back(self, partition: int, records: Sequence[Record]) -> BatchResult:
        """Note what became of calls. Idempotent: a result that the row already knows changes nothing."""
        rows: dict[bytes, bytes | None] = {}
        outputs: list[Output] = []
        for record in records:
            try:
                result = reasoning_result.read_result(record.value)
            except InvalidInput as error:
                outputs.append(self._dead_letter(record, dead_letter_of(record, error)))
                self._tally("results_dead_lettered")
                continue
            key = result.student_id.encode()
            row = self._load(partition, key)
            if row is None:
                self._settle(partition, key, Row())
                self._tally("results_ignored")
                continue
            note_result(row, result, self._pipeline.skill_set, self._policy)
            rows[key] = encode_row(row)
            self._rows.put(partition, key, rows[key])
            self._settle(partition, key, row)
            self._tally("results_applied")
        return BatchResult(rows, outputs)

    def _erase(self, partition: int, records: Sequence[Record]) -> BatchResult:
        """Replace rows by tombstone rows that keep the offset, and delete what was published. Idempotent."""
        rows: dict[bytes, bytes | None] = {}
        outputs: list[Output] = []
        for record in records:
            try:
                request = erasure.read_request(record.key, record.value, record.timestamp)
            except InvalidInput as error:
                outputs.append(self._dead_letter(record, dead_letter_of(record, error)))
                self._tally("erasures_dead_lettered")
                continue
            if request is None:
                self._tally("erasures_ignored")
                continue
            key = request.student.encode()
            owning_partition = self._owning_partition(key)
            if owning_partition is not None and owning_partition != partition:
                outputs.append(Output(self._channels.erasures, owning_partition, key, erasure.VALUE))
                self._tally("erasures_forwarded")
                continue
            row = self._load(partition, key) or Row()
            erased_us = max(row.erased_us, request.at_us)
            tombstone = Row(epoch=row.epoch, offset=row.offset, origins=row.origins, erased_us=erased_us)
            # Behind the tombstone row, which says that there are none: wherever a crash cuts them, no row lacks a
            # segment.
            changes = {key: encode_row(tombstone), **dict.fromkeys(self._rows.segments(partition, key))}
            self._rows.put_many(partition, changes)
            rows |= changes
            self._settle(partition, key, tombstone)
            said = (self._channels.updates, self._channels.reasoning)
            outputs += [Output(topic, partition, key, None) for topic in said]
            self._tally("erasures_applied")
        return BatchResult(rows, outputs)

    def _settle(self, partition: int, key: bytes, row: Row) -> None:
        if self._queue is not None:
            self._queue.settle(partition, key, (row.epoch, row.offset), row.pending)

    def _load(self, partition: int, key: bytes) -> Row | None:
        stored = self._rows.get(partition, key)
        return None if stored is None else decode_row(stored)


def most_students(skills: int) -> int:
    """Of how many students one batch may hold events, by the number of skills."""
    return min(MOST_STUDENTS, _MOST_SKILL_STATES // skills)


def _is_long(records: Sequence[Record]) -> bool:
    """Whether to work on them may take longer than the loop should stand still for."""
    if len(records) > _SHORT_RECORDS:
        return True
    return sum(len(record.value or b"") for record in records) > _SHORT_BYTES
