"""Stored rows for batch inference: those of this worker."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from agents.audit.trail import AuditUnavailable
from streams.inference.overlay import FoundRow, Unavailable
from streams.input.partitioner import OwningPartitionOfKey
from streams.input.placement import owning_partitions
from streams.rows.segments import is_segment, student_of
from streams.rows.table import Rows

NoteRows = Callable[[Sequence[bytes]], Awaitable[None]]
"""Records that rows of these keys are read. Raises AuditUnavailable."""
NOT_OWNED: Final = Unavailable("owner_away", "no worker that answers has the student's partition; try again")


class OwnRows:
    """Of the partitions that this worker owns and has restored. In the event loop's thread, as who changes rows."""

    def __init__(self, rows: Rows, owning_partition: OwningPartitionOfKey, owned: Callable[[], frozenset[int]]) -> None:
        self._rows, self._owning_partition, self._owned = rows, owning_partition, owned

    def partitions_of(self, keys: Sequence[bytes]) -> Sequence[int | None]:
        """Where the keys' rows, or segments, belong; None where only their producer knows."""
        return owning_partitions(self._owning_partition, [student_of(k) if is_segment(k) else k for k in keys])

    async def read(self, keys: Sequence[bytes], note: NoteRows) -> list[FoundRow]:
        """`find`, recorded: rows that cannot be are unavailable."""
        found = self.find(keys)
        try:
            await note([key for key, row in zip(keys, found, strict=True) if isinstance(row, bytes)])
        except AuditUnavailable as error:
            unrecorded = Unavailable(NOT_OWNED.reason, str(error))
            return [unrecorded if isinstance(row, bytes) else row for row in found]
        return found

    def find(self, keys: Sequence[bytes]) -> list[FoundRow]:
        """The rows, or segments, of keys; NOT_OWNED for those of others, and where only their producer knows the
        partition, for those that no partition here has.
        """
        found: list[FoundRow] = [NOT_OWNED] * len(keys)
        owned = self._owned()
        at = defaultdict[int, list[int]](list)
        of_keys = self.partitions_of(keys)
        for index, partition in enumerate(of_keys):
            for each in owned if partition is None else owned & {partition}:
                at[each].append(index)
        for partition, indices in at.items():
            rows = self._rows.get_many(partition, [keys[index] for index in indices])
            for index, row in zip(indices, rows, strict=True):
                if row is not None or of_keys[index] is not None:
                    found[index] = row
        return found
