"""A worker's step over the default skills, with its rows in memory: what every record comes to, without Kafka."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.step import BatchResult, Output
from agents.metrics.declared.events import InternalOutcome
from agents.worker.internal_steps import Erasing, InternalStep, QueuedRows, ResultReading
from agents.worker.outputs import Outputs
from agents.worker.student_step import MOST_STUDENTS, StudentStep, TopicSteps
from schemas.dialects import Record
from streams.context import ProcessingContext, first_epoch
from streams.folding.counts import Counts
from streams.input.partitioner import Murmur2
from streams.input.signature import HeaderKeys, Sign
from streams.pipeline import BatchOutcome, Pipeline
from streams.reasoning.policy.marking import PendingMarker
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.table import PartitionedRows
from streams.scoring.kinds import fitted_skills
from tests.events import NOW_US, default_pipeline

PARTITIONS: Final = 4
CHANNELS: Final = Channels.of(Settings())


def owning_partition(key: bytes) -> int:
    """Where a student's records belong."""
    return Murmur2().owning_partition(key, PARTITIONS)


@dataclass
class Stepped:
    """See the module. `counts` and `internal` are what it told, summed."""

    pipeline: Pipeline = field(default_factory=default_pipeline)
    sign: Sign = field(default=HeaderKeys().sign)
    rows: PartitionedRows = field(default_factory=PartitionedRows)
    counts: Counts = field(default_factory=Counts)
    internal: Counter[InternalOutcome] = field(default_factory=Counter)
    parts: int = 0
    most_students: int = MOST_STUDENTS

    def __post_init__(self) -> None:
        policy, levels = PendingPolicy(), self.pipeline.skill_set.levels
        self.queue = ReasoningQueue(policy, calls_per_s=1.0)
        outputs = Outputs(CHANNELS, self.sign, first_epoch, lambda: NOW_US)
        marker = PendingMarker(self.queue, policy, lambda: levels, lambda: NOW_US)
        context = ProcessingContext(
            rows=self.rows,
            owning_partition=owning_partition,
            most_students=self.most_students,
            note_pending=marker,
        )
        queued = QueuedRows(self.rows, self.queue)
        reading, erasing = (
            ResultReading(
                queued,
                lambda: self.pipeline.skill_set,
                policy,
                fitted_skills(self.pipeline.skill_set, self.pipeline.artifact),
            ),
            Erasing(queued, owning_partition, CHANNELS),
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
        while left:
            result = (await self.step(topic, {partition: cast(Any, left)}))[partition]
            self.rows.put_many(partition, result.rows)
            result.stored()
            rows.update(result.rows)
            outputs += result.outputs
            self.parts += 1
            left = left[len(left) if result.records is None else result.records :]
        return BatchResult(rows, outputs)

    def _observe(self, outcome: BatchOutcome, _duration_s: float) -> None:
        self.counts += outcome.counts

    def _tally(self, outcome: InternalOutcome) -> None:
        self.internal[outcome] += 1
