"""A worker's step over the default skills, with its rows in memory: what every record comes to, without Kafka."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.step import BatchResult, Output
from agents.metrics.internal_topics import InternalOutcome
from agents.worker.student_step import StepCounts, StudentStep
from schemas.dialects import Record
from streams.folding.counts import Counts
from streams.input.partitioner import Murmur2
from streams.input.signature import HeaderKeys, Sign
from streams.pipeline import Pipeline
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.table import PartitionedRows
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

    def __post_init__(self) -> None:
        self.queue = ReasoningQueue(PendingPolicy(), calls_per_s=1.0)
        self.step = StudentStep(
            self.pipeline,
            self.rows,
            CHANNELS,
            owning_partition,
            queue=self.queue,
            policy=PendingPolicy(),
            now_us=lambda: NOW_US,
            epoch=lambda _partition: 0,
            check=_passed,
            sign=self.sign,
            observe=self._observe,
            tally=lambda outcome: self.internal.update([outcome]),
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
            result = await self.step(topic, partition, cast(Any, left))
            self.rows.put_many(partition, result.rows)
            rows.update(result.rows)
            outputs += result.outputs
            self.parts += 1
            left = left[len(left) if result.records is None else result.records :]
        return BatchResult(rows, outputs)

    def _observe(self, folded: StepCounts) -> None:
        self.counts += folded.counts


async def _passed(*_batch: object) -> None:
    """No dead letter is too many."""
