"""Offline replay: the pipeline over records that are at hand, whether read from files or from a topic.

The rows are kept encoded, by partition, just as a worker's table keeps them, so the two can be compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from schemas.dialects import Record
from streams.context import ProcessingContext
from streams.folding.counts import Counts
from streams.folding.routing import any_partition
from streams.input.partitioner import OwningPartitionOfKey
from streams.pipeline import PartitionResult, Pipeline
from streams.rows.table import PartitionedRows

_T = TypeVar("_T")
BATCH_RECORDS: Final = 2_000


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A line of a file, as a record. `timestamp` (ms) is when it was read: events later than that are clamped."""

    offset: int
    timestamp: int
    value: bytes | None
    topic: str = "file"
    partition: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Replay:
    """Processes batch after batch, keeping rows and counts."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        owning_partition: OwningPartitionOfKey = any_partition,
        epoch: int = 0,
        scores: bool = True,
    ) -> None:
        self.rows = PartitionedRows()
        self.counts = Counts()
        self.updates = 0
        self._pipeline = pipeline
        self._context = ProcessingContext(
            rows=self.rows, owning_partition=owning_partition, epoch_of=lambda _partition: epoch, scores=scores
        )

    async def feed(self, records: Sequence[Record]) -> PartitionResult:
        """Take the next records of one partition, in offset order; return what a worker would have published."""
        partition = records[0].partition
        outcome = await self._pipeline.process({partition: records}, self._context)
        result = outcome.partitions[partition]
        self.rows.put_many(partition, result.rows)
        self.counts += outcome.counts
        self.updates += len(result.updates)
        return result


def batches(records: Iterable[_T], size: int = BATCH_RECORDS) -> Iterator[list[_T]]:
    """Cut a stream of records, or of anything, into lists of at most `size`."""
    remaining = iter(records)
    while batch := list(islice(remaining, size)):
        yield batch
