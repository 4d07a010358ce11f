"""Offline replay: the pipeline over records that are at hand, whether read from files or from a topic.

The rows are kept encoded, by partition, just as a worker's table keeps them, so the two can be compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final, NamedTuple, TypeVar

from schemas.dialects import Record
from streams.context import ProcessingContext
from streams.folding.counts import Counts
from streams.folding.routing import any_partition
from streams.input.partitioner import OwningPartitionOfKey
from streams.norms.offline import OfflineNorms
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


class TimedRecord(NamedTuple):
    """A record that counts as of `time_us`."""

    time_us: int
    record: Record


class NormedReplay(Replay):
    """Also makes norms of what it processes, and scores under them, as workers do."""

    def __init__(self, pipeline: Pipeline, norms: OfflineNorms, every_us: int) -> None:
        """`every_us` is the period of `norms`."""
        super().__init__(pipeline)
        self._norms, self._every_us = norms, every_us

    async def feed(self, records: Sequence[Record]) -> PartitionResult:
        """As Replay's; what it changes is in the norms from the end of the period on."""
        result = await super().feed(records)
        self._norms.note(result.rows, result.first_answers)
        return result

    def in_periods(self, timed: Iterable[TimedRecord]) -> Iterator[list[Record]]:
        """Records in the order of time, as batches to be fed each before the next is taken. Between two periods norms
        are put in force.
        """
        for period, of_period in groupby(timed, lambda each: each.time_us // self._every_us):
            yield from batches(each.record for each in of_period)
            self._pipeline.put_norms(self._norms.turn((period + 1) * self._every_us))


def batches(records: Iterable[_T], size: int = BATCH_RECORDS) -> Iterator[list[_T]]:
    """Cut a stream of records, or of anything, into lists of at most `size`."""
    remaining = iter(records)
    while batch := list(islice(remaining, size)):
        yield batch
