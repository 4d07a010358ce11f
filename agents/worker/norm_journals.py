"""The journal of norms of each partition that a worker owns: restored with its rows, grown by each of its steps."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from agents.delivery.faust.table import RowTable
from schemas.bounds import MAX_UINT32
from streams.input.checkpoint import InputCheckpoint, decode_checkpoint
from streams.norms.journal import Journaled, NormJournal
from streams.pipeline import PartitionResult
from streams.rows.row_batch import Integers

_MS: Final = 1_000


class NormJournals:
    """Of one worker. Implements OwnedRows. `epoch_of` tells the epoch of a partition that was checked; a journal has at
    most `most_items`; `appended` hears how many bytes a step adds to one.
    """

    def __init__(
        self,
        table: RowTable,
        epoch_of: Callable[[int], int],
        most_items: int,
        appended: Callable[[int], None] = lambda _size_bytes: None,
    ) -> None:
        self._table = table
        self._epoch_of = epoch_of
        self._most_items = most_items
        self._appended = appended
        self._journals: dict[int, NormJournal] = {}
        self._clocks_s: dict[int, int] = {}

    def restore(self, partitions: Iterable[int]) -> None:
        """Begin with what the table holds, once it is whole and its checkpoints are checked. Raises JournalDamaged.

        A journal that is here stays: a check that came late must not set back one that steps have grown since.
        """
        for partition in set(partitions) - self._journals.keys():
            self._journals[partition] = NormJournal.restore(
                self._table.norm_records.get(partition, {}),
                self.checkpoint(partition),
                self._epoch_of(partition),
                self._most_items,
            )

    def drop(self, partitions: Iterable[int]) -> None:
        """Forget those that move on."""
        for partition in partitions:
            self._journals.pop(partition, None)
            self._clocks_s.pop(partition, None)

    def journaled(self, partition: int, result: PartitionResult) -> Journaled:
        """Count what a step's rows came from; say how they are appended. To be called once a step, in their order."""
        self._clocks_s[partition] = time_s = median_time_s(result.timestamps_ms)
        journaled = self._journals[partition].group(result.rows, result.first_answers, time_s)
        self._appended(journaled.size_bytes)
        return journaled

    # -- OwnedRows

    def clock_s(self, partition: int) -> int | None:
        """See OwnedRows."""
        return self._clocks_s.get(partition)

    def journal(self, partition: int) -> NormJournal:
        """See OwnedRows."""
        return self._journals[partition]

    def rows(self, partition: int) -> Iterator[bytes]:
        """See OwnedRows."""
        return self._table.rows.frozen(partition)

    def checkpoint(self, partition: int) -> InputCheckpoint | None:
        """See OwnedRows."""
        stored = self._table.checkpoints.get(partition)
        return None if stored is None else decode_checkpoint(stored)


def median_time_s(timestamps_ms: Integers) -> int:
    """The time of a step's records, in seconds: their median, so that one with a foreign clock does not decide it."""
    # numpy's median of a few takes as long as the rest of the journal's work
    in_order: list[int] = sorted(timestamps_ms.tolist())
    return min(max(0, in_order[len(in_order) // 2] // _MS), MAX_UINT32)
