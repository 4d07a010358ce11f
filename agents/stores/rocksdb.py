"""Rows on disk, for tables larger than memory: RocksDB, one column family a partition, within one memory budget.

A cache of the changelog: after a restart only the changelog's tail is read. Whatever is doubtful about it (a damaged
file, a full disk, another changelog) ends in the same way: the rows are not used again, and the changelog restores
them.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from rocksdict import Rdict

from agents.stores.budget import Budget
from agents.stores.errors import LogRewound, StoreFailed
from agents.stores.folder import StoreFolder
from agents.stores.partition import DiskPartition, StoreCheckpoint
from agents.stores.store import LogRecord, ReadRecord

_FAMILY: Final = "partition-"
_DEFAULT: Final = "default"
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class RocksRows:
    """Implements Store. Blocks while it reads from the disk.

    Raises StoreInUse, StoreFailed and LogRewound; after one of these the next start restores all from the changelog.
    """

    def __init__(self, folder: Path, memory_mb: int) -> None:
        self._folder = StoreFolder(folder)
        self.budget = Budget(memory_mb)
        self._tickets = 0
        self._partitions: dict[int, DiskPartition] = {}
        self._closed = False
        try:
            self._folder.make_private()
            self._db = self._open_trusted() if self._folder.log is not None else self._open_empty()
        except StoreFailed:
            self._folder.close()
            raise

    def _open_trusted(self) -> Rdict:
        rows = str(self._folder.rows)
        db: Rdict | None = None
        try:
            names = [name for name in Rdict.list_cf(rows) if name != _DEFAULT]
            db = Rdict(rows, self.budget.options(), {name: self.budget.options() for name in names})
            for name in names:
                self._take(db, int(name.removeprefix(_FAMILY)))
        except Exception as error:  # RocksDB's own is bare
            _log.warning("The local store %s is damaged, the changelog restores its rows: %s", rows, error)
            self._let_go(db)
            return self._open_empty()
        return db

    def _open_empty(self) -> Rdict:
        self._folder.clear()
        try:
            return Rdict(str(self._folder.rows), self.budget.options())
        except Exception as error:
            self._fail(error)

    def _take(self, db: Rdict, partition: int) -> DiskPartition:
        name = f"{_FAMILY}{partition}"
        family = db.get_column_family(name)
        try:
            rows = DiskPartition(family, db.get_column_family_handle(name), self._tickets + 1)
        except Exception:
            family.close()
            raise
        self._partitions[partition] = rows
        return rows

    def _let_go(self, db: Rdict | None) -> None:
        for rows in self._partitions.values():
            rows.close()
        self._partitions.clear()
        if db is not None:
            db.close()

    # -- whose rows these are

    @property
    def log(self) -> str | None:
        """The changelog that the rows are of; None where that isn't known."""
        return self._folder.log

    def adopt(self, log: str) -> None:
        """The rows are of `log` from now on; what is there of another is dropped."""
        if self.log != log:
            for partition in list(self._partitions):
                self.drop_partition(partition)
        self._folder.trust(log)

    def notes(self) -> dict[int, StoreCheckpoint]:
        """What is on disk, by partition."""
        return {partition: rows.checkpoint for partition, rows in self._partitions.items()}

    # -- Rows

    def get(self, partition: int, key: bytes) -> bytes | None:
        """See Rows."""
        rows = self._partitions.get(partition)
        try:
            return None if rows is None else rows.get(key)
        except Exception as error:
            self._fail(error)

    def get_many(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """See Rows."""
        rows = self._partitions.get(partition)
        try:
            return [None] * len(keys) if rows is None else rows.get_many(keys)
        except Exception as error:
            self._fail(error)

    def put(self, partition: int, key: bytes, row: bytes | None) -> None:
        """See Rows."""
        self.stage(partition, {key: row})

    def put_many(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """See Rows."""
        self.stage(partition, rows)

    def segments(self, partition: int, student: bytes) -> list[bytes]:
        """See Rows."""
        rows = self._partitions.get(partition)
        try:
            return [] if rows is None else rows.segments(student)
        except Exception as error:
            self._fail(error)

    def drop_partition(self, partition: int) -> None:
        """See Rows."""
        rows = self._partitions.pop(partition, None)
        if rows is None:
            return
        try:
            if rows.former.stop():
                rows.close()
                self._db.drop_column_family(f"{_FAMILY}{partition}")
            else:  # to wait may take seconds: the drop ends what is being compacted, and then there is nothing to flush
                self._db.drop_column_family(f"{_FAMILY}{partition}")
                with suppress(Exception):
                    rows.close()
        except Exception as error:
            self._fail(error)

    def items(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """See Rows."""
        rows = self._partitions.get(partition)
        try:
            if rows is not None:
                yield from rows.items()
        except Exception as error:
            self._fail(error)

    def count(self, partition: int) -> int:
        """See Rows."""
        rows = self._partitions.get(partition)
        return 0 if rows is None else rows.count

    def partitions(self) -> frozenset[int]:
        """See Rows."""
        return frozenset(partition for partition, rows in self._partitions.items() if rows.count)

    def __len__(self) -> int:
        """See Rows."""
        return sum(rows.count for rows in self._partitions.values())

    # -- Store

    def stage(self, partition: int, rows: Mapping[bytes, bytes | None]) -> int:
        """See Store."""
        try:
            changed = self._of(partition)
            self._tickets += 1
            changed.stage(rows, self._tickets)
        except Exception as error:
            self._fail(error)
        return self._tickets

    def confirm(
        self, partition: int, ticket: int, records: Sequence[LogRecord], first: int, reached: int | None
    ) -> None:
        """See Store."""
        rows = self._partitions.get(partition)
        try:
            if rows is not None:
                rows.confirm(ticket, records, first, reached)
        except Exception as error:
            self._fail(error)

    def restore(self, partition: int, records: Sequence[ReadRecord]) -> None:
        """See Store."""
        try:
            self._of(partition).restore(records)
        except Exception as error:
            self._fail(error)

    def frozen(self, partition: int) -> Iterator[bytes]:
        """See Store."""
        rows = self._partitions.get(partition)
        try:
            return iter(()) if rows is None else self._rows_of(rows.items())
        except Exception as error:
            self._fail(error)

    def _rows_of(self, items: Iterator[tuple[bytes, bytes]]) -> Iterator[bytes]:
        try:
            for _, row in items:
                yield row
        except Exception as error:
            self._fail(error)

    def remove_former_rows(self) -> int:
        """See Store."""
        try:
            return sum(rows.former.remove() for rows in list(self._partitions.values()))
        except Exception as error:
            self._fail(error)

    def former_rows(self) -> int:
        """See Store."""
        return sum(len(rows.former) for rows in list(self._partitions.values()))

    def checkpoints(self) -> Mapping[int, int]:
        """See Store."""
        return {partition: note.applied for partition, note in self.notes().items() if note.applied >= 0}

    def close(self) -> None:
        """See Store. A disk that is full now is no reason to fail: the changelog has it all."""
        if self._closed:
            return
        self._closed = True
        try:
            for rows in self._partitions.values():
                rows.flush()
            self._let_go(self._db)
        except Exception as error:
            _log.warning("The local store %s could not be written out: %s", self._folder.path, error)
            self._folder.distrust()
        finally:
            self._folder.close()

    def _of(self, partition: int) -> DiskPartition:
        rows = self._partitions.get(partition)
        if rows is None:
            self._db.create_column_family(f"{_FAMILY}{partition}", self.budget.options()).close()
            rows = self._take(self._db, partition)
        return rows

    def _fail(self, error: Exception) -> NoReturn:
        # Every error of RocksDB's is a bare Exception, whether the disk is full or a block is damaged.
        self._folder.distrust()
        if isinstance(error, LogRewound):
            raise error
        raise StoreFailed(
            f"the local store {self._folder.path} failed: {error}. The next start restores it from the changelog"
        ) from error
