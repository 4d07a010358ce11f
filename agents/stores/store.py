"""What the table asks of a store beyond rows: to keep apart what the changelog has confirmed and what it has not.

    stage ──► (held in memory) ──► confirm ──► kept over a restart
              restore ──────────────────────►

A store is a cache of the changelog, never ahead of it: a row that outlived a crash while its changelog record did not
would skip the replayed events, and they would be lost at the partition's next move.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from streams.input.checkpoint import is_reserved
from streams.rows.segments import is_segment
from streams.rows.table import PartitionedRows, Rows


class LogRecord(Protocol):
    """A record of the changelog, written or read."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class ReadRecord(LogRecord, Protocol):
    """A record as it was read."""

    @property
    def offset(self) -> int: ...


class Store(Rows, Protocol):
    """Rows, and up to which record of the changelog they are kept. What it raises is Fatal."""

    def stage(self, partition: int, rows: Mapping[bytes, bytes | None]) -> int:
        """`put_many` for rows that are on their way to the changelog; the ticket to confirm them with."""
        ...

    def confirm(
        self, partition: int, ticket: int, records: Sequence[LogRecord], first: int, reached: int | None
    ) -> None:
        """The changelog has these records, from offset `first` on; `ticket` is of their rows.

        `reached` is the offset up to which all of the log is held now, less than theirs where others wrote in between.
        Called in the order of the offsets. Does nothing for a partition that was dropped since.
        """
        ...

    def restore(self, partition: int, records: Sequence[ReadRecord]) -> None:
        """Apply records read from the changelog, in their order, deletions as nulls; every key is set."""
        ...

    def frozen(self, partition: int) -> Iterator[bytes]:
        """A partition's rows as they are now, segments not among them, in no order.

        Another thread may iterate while rows change, and while the partition is dropped. It costs this thread no more
        than a list of them.
        """
        ...

    def remove_former_rows(self) -> int:
        """Remove from the disk what was stored of students before they were erased; of how many. Blocks, may be called
        in a thread of its own, and leaves those of whom something is still to be confirmed for the next time.
        """
        ...

    def former_rows(self) -> int:
        """Of how many students that remains to be done."""
        ...

    def checkpoints(self) -> Mapping[int, int]:
        """By partition, the offset of the changelog up to which a restart needs to read nothing."""
        ...

    def close(self) -> None:
        """Let go of everything, keeping what was confirmed. Idempotent."""
        ...


class MemoryStore(PartitionedRows):
    """Keeps nothing over a restart."""

    def stage(self, partition: int, rows: Mapping[bytes, bytes | None]) -> int:
        """See Store."""
        self.put_many(partition, rows)
        return 0

    def confirm(
        self, partition: int, ticket: int, records: Sequence[LogRecord], first: int, reached: int | None
    ) -> None:
        """Nothing."""

    def restore(self, partition: int, records: Sequence[ReadRecord]) -> None:
        """See Store."""
        self.put_many(partition, rows_of(records))

    def frozen(self, partition: int) -> Iterator[bytes]:
        """See Store."""
        return iter([row for _, row in self.items(partition)])

    def remove_former_rows(self) -> int:
        """Nothing."""
        return 0

    def former_rows(self) -> int:
        """None."""
        return 0

    def checkpoints(self) -> Mapping[int, int]:
        """Nothing."""
        return {}

    def close(self) -> None:
        """Nothing."""


def rows_of(records: Sequence[LogRecord]) -> dict[bytes, bytes | None]:
    """The last row or segment of each key; what is neither (a checkpoint) is left out."""
    return {record.key: record.value for record in records if record.key is not None and is_row(record.key)}


def is_row(key: bytes) -> bool:
    """Whether a store keeps what the changelog has under a key."""
    return not is_reserved(key) or is_segment(key)
