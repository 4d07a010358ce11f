"""A worker's step over the default skills, with its rows in memory: what every record comes to, without Kafka."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.step import BatchResult, Output
from agents.metrics.declared.events import InternalOutcome
from agents.worker.erasing import Erasing, FoldedMeanwhile, acceptance_record
from agents.worker.internal_steps import InternalStep, QueuedRows, ResultReading
from agents.worker.outputs import Outputs
from agents.worker.student_step import MOST_STUDENTS, StudentStep, TopicSteps
from schemas.dialects import Record
from schemas.erasure import Acceptance
from streams.context import ProcessingContext, first_epoch
from streams.folding.counts import Counts
from streams.folding.dead_letter_writing import PLAIN_WRITER, DeadLetterWriter
from streams.input.partitioner import Murmur2
from streams.input.signature import HeaderKeys, Sign
from streams.pipeline import BatchOutcome, Pipeline
from streams.reasoning.policy.marking import PendingMarker
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.replay import FileRecord
from streams.rows.table import PartitionedRows
from streams.scoring.kinds import fitted_skills
from tests.events import NOW_MS, NOW_US, default_pipeline

PARTITIONS: Final = 4
CHANNELS: Final = Channels.of(Settings())
_KEYS: Final = HeaderKeys((b"of the steps",))


def owning_partition(key: bytes) -> int:
    """Where a student's records belong."""
    return Murmur2().owning_partition(key, PARTITIONS)


@dataclass
class Stepped:
    """See the module. `counts` and `internal` are what it told, summed. The input ends behind all that it was given,
    and requests to be erased are accepted at once, and their acceptances read.
    """

    pipeline: Pipeline = field(default_factory=default_pipeline)
    sign: Sign = field(default=HeaderKeys().sign)
    rows: PartitionedRows = field(default_factory=PartitionedRows)
    counts: Counts = field(default_factory=Counts)
    internal: Counter[InternalOutcome] = field(default_factory=Counter)
    ends: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    accepted: list[FileRecord] = field(default_factory=list)
    parts: int = 0
    most_students: int = MOST_STUDENTS
    dead_letter_writer: DeadLetterWriter = PLAIN_WRITER

    def __post_init__(self) -> None:
        policy, levels = PendingPolicy(), self.pipeline.skill_set.levels
        self.queue = ReasoningQueue(policy, calls_per_s=1.0)
        outputs = Outputs(CHANNELS, self.sign, first_epoch, lambda: NOW_US, dead_letter_writer=self.dead_letter_writer)
        marker = PendingMarker(self.queue, policy, lambda: levels, lambda: NOW_US)
        context = ProcessingContext(
            rows=self.rows,
            owning_partition=owning_partition,
            most_students=self.most_students,
            note_pending=marker,
        )
        queued, meanwhile = QueuedRows(self.rows, self.queue), FoldedMeanwhile(_KEYS.authentic)
        reading, erasing = (
            ResultReading(
                queued,
                lambda: self.pipeline.skill_set,
                policy,
                fitted_skills(self.pipeline.skill_set, self.pipeline.artifact),
            ),
            Erasing(
                rows=queued,
                owning_partition=owning_partition,
                channels=CHANNELS,
                sign=_KEYS.sign,
                authentic=_KEYS.authentic,
                epoch_of=first_epoch,
                topic_id=lambda: "",
                accept=self._accept,
                meanwhile=meanwhile,
            ),
        )
        self.step = TopicSteps(
            {
                CHANNELS.activity: StudentStep(self.pipeline, context, outputs, self._observe, marker.offer),
                CHANNELS.results: InternalStep(reading, "results_dead_lettered", outputs, self._tally),
                CHANNELS.erasures: InternalStep(erasing, "erasures_dead_lettered", outputs, self._tally),
            }
        )

    def take(self, topic: str, partition: int, records: Sequence[Record]) -> BatchResult:
        """Give the step a batch, in as many parts as it takes, and keep its rows as a table does."""
        return asyncio.run(self.take_on(topic, partition, records))

    async def take_on(self, topic: str, partition: int, records: Sequence[Record]) -> BatchResult:
        """As `take`, in a loop that runs."""
        rows: dict[bytes, bytes | None] = {}
        outputs: list[Output] = []
        left = records
        if topic == CHANNELS.activity:
            self.ends[partition] = max(self.ends[partition], *(record.offset + 1 for record in records), 0)
        while left:
            result = (await self.step(topic, {partition: cast(Any, left)}))[partition]
            self.rows.put_many(partition, result.rows)
            result.stored()
            rows.update(result.rows)
            outputs += result.outputs
            self.parts += 1
            left = left[len(left) if result.records is None else result.records :]
            left = [*left, *self.accepted]
            self.accepted.clear()
        return BatchResult(rows, outputs)

    def _accept(self, partition: int, key: bytes, wanted: Acceptance) -> "asyncio.Future[None]":
        accepted = msgspec.structs.replace(wanted, ends=tuple(self.ends))
        sent = acceptance_record(CHANNELS.erasures, partition, key, accepted, _KEYS.sign)
        headers = cast(Any, sent.headers)
        self.accepted.append(FileRecord(0, NOW_MS, sent.value, sent.topic, partition, key, headers))
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def _observe(self, outcome: BatchOutcome, _duration_s: float) -> None:
        self.counts += outcome.counts

    def _tally(self, outcome: InternalOutcome) -> None:
        if outcome != "erasures_accepted":  # what comes of it is told when its acceptance is read
            self.internal[outcome] += 1
