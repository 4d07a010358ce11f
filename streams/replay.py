"""Offline replay: the pipeline over records that are at hand, whether read from files or from a topic.

The rows are kept encoded, by partition, just as a worker's table keeps them, so the two can be compared.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from schemas.dead_letter import DeadLetter
from schemas.dialects import Record
from schemas.update import SkillUpdate
from streams.folding.batch import OwningPartition
from streams.folding.counts import Counts
from streams.pipeline import Pipeline
from streams.rows.table import PartitionedRows

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
    """Folds and scores batch after batch, keeping rows and counts."""

    def __init__(
        self, pipeline: Pipeline, *, owning_partition: OwningPartition = lambda _student: None, epoch: int = 0
    ) -> None:
        self._pipeline = pipeline
        self._owning_partition = owning_partition
        self._epoch = epoch
        self.rows = PartitionedRows()
        self.counts = Counts()
        self.updates = 0

    async def feed(self, records: Sequence[Record]) -> tuple[list[SkillUpdate], list[tuple[Record, DeadLetter]]]:
        """Take the next records of one partition, in offset order; return what a worker would have published."""
        partition = records[0].partition
        batch = self._pipeline.fold(
            records,
            load=lambda students: self.rows.get_many(partition, [student.encode() for student in students]),
            load_segments=lambda keys: self.rows.get_many(partition, keys),
            owning_partition=self._owning_partition,
            epoch=self._epoch,
        )
        updates = await self._pipeline.score(batch.students, batch.row_batch)
        self.rows.put_many(partition, batch.records())
        self.counts += batch.counts
        self.updates += len(updates)
        return updates, batch.dead_letters


def batches(records: Iterable[Record], size: int = BATCH_RECORDS) -> Iterator[list[Record]]:
    """Cut a stream of records into lists of at most `size`."""
    remaining = iter(records)
    while batch := list(islice(remaining, size)):
        yield batch
