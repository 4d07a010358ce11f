"""One partition on disk: a column family of its own, and in memory what the changelog has not confirmed yet.

A column family is dropped in one step, with its files. It is written without RocksDB's own log: what a crash takes of
the write buffer is on the changelog, and the family's rows, count and offset are always of one moment, because each
batch is one write.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from zlib import crc32

import msgspec
from msgspec import Struct
from rocksdict import ColumnFamily, Rdict, WriteBatch, WriteOptions

from agents.stores.disk_keys import ROW_PREFIX, SEGMENT_PREFIX, disk_key
from agents.stores.errors import LogRewound, StoreFailed
from agents.stores.former_rows import FormerRows
from agents.stores.store import LogRecord, ReadRecord, rows_of
from streams.input.checkpoint import is_reserved
from streams.rows.segments import MAX_NUMBER, is_segment, segment_key, student_of

_CHECKPOINT_KEY: Final = b"\x00"
_VERSION: Final = 1


class StoreCheckpoint(Struct, frozen=True, array_like=True):
    """What a partition on disk is: all of the changelog up to `applied`, and nothing from beyond `highest`.

    `checksum` is of the record at `applied`, `saved_s` the clock when it was applied.
    """

    applied: int = -1
    highest: int = -1
    checksum: int = 0
    rows: int = 0
    saved_s: float = 0.0
    version: int = _VERSION


@dataclass(slots=True)
class _Staged:
    row: bytes | None
    ticket: int
    on_disk: bool


class DiskPartition:
    """Rows of one partition. Raises what RocksDB raises, StoreFailed, LogRewound, and MsgspecError for a note nobody
    wrote."""

    def __init__(self, family: Rdict, handle: ColumnFamily, since: int) -> None:
        self._family = family
        self._handle: ColumnFamily | None = handle
        self._since = since
        self._staged: dict[bytes, _Staged] = {}
        self._unlogged = WriteOptions()
        cast(Any, self._unlogged).disable_wal = True  # a property; the tombstone row says method
        self.former = FormerRows(family, self._unlogged)
        note = family.get(_CHECKPOINT_KEY)
        self.checkpoint = StoreCheckpoint() if note is None else msgspec.msgpack.decode(note, type=StoreCheckpoint)
        if self.checkpoint.version != _VERSION:
            raise msgspec.ValidationError(f"rows of version {self.checkpoint.version}, not {_VERSION}")
        self.count = self.checkpoint.rows

    # -- rows

    def get(self, key: bytes) -> bytes | None:
        """See Rows."""
        staged = self._staged.get(key)
        if staged is not None:
            return staged.row
        return cast("bytes | None", self._family.get(disk_key(key)))

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See Rows."""
        if not keys:
            return []
        # What is staged first: a row that is confirmed meanwhile, in another thread, is then found on disk.
        staged = {index: held for index, key in enumerate(keys) if (held := self._staged.get(key)) is not None}
        found = cast("list[bytes | None]", self._family.get([disk_key(key) for key in keys]))
        for index, held in staged.items():
            found[index] = held.row
        return found

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """See Rows. What changes afterwards is not seen, in whichever thread: the disk's iterator keeps its moment."""
        staged = {name: change.row for name, change in self._staged.items()}
        return _merged(self._family.items(from_key=ROW_PREFIX), self.checkpoint.rows, staged)

    def segments(self, student: bytes) -> list[bytes]:
        """See Rows."""
        first, last = segment_key(student, 0), segment_key(student, MAX_NUMBER)
        found = {key for key in self._staged if is_segment(key) and student_of(key) == student}
        for name in self._family.keys(from_key=SEGMENT_PREFIX + first):
            key = cast(bytes, name)[1:]
            if key > last:
                break
            if student_of(key) == student:  # else of one whose key only begins so
                found.add(key)
        return [key for key in found if self.get(key) is not None]

    # -- changes

    def stage(self, rows: Mapping[bytes, bytes | None], ticket: int) -> None:
        """Hold `rows` in memory until they are confirmed."""
        on_disk = self._on_disk([key for key in rows if key not in self._staged])
        for key, row in rows.items():
            former = self._staged.get(key)
            if former is None:
                held = present = on_disk[key]
            else:
                held, present = former.on_disk, former.row is not None
            self._staged[key] = _Staged(row, ticket, held)
            self.count += ((row is not None) - present) * _counts(key)

    def confirm(self, ticket: int, records: Sequence[LogRecord], first: int, reached: int | None) -> None:
        """The changelog has `records` from offset `first` on; see Store."""
        if ticket < self._since or not records:
            return
        if first <= self.checkpoint.highest:
            raise LogRewound(
                f"the changelog confirmed offset {first}, but had offset "
                f"{self.checkpoint.highest} before: it lost records"
            )
        rows, last = rows_of(records), first + len(records) - 1
        on_disk = self._on_disk([key for key in rows if key not in self._staged])
        on_disk |= {key: self._staged[key].on_disk for key in rows if key in self._staged}
        grown = sum(((row is not None) - on_disk[key]) * _counts(key) for key, row in rows.items())
        checkpoint = msgspec.structs.replace(self.checkpoint, highest=last, rows=self.checkpoint.rows + grown)
        if reached == last:  # else somebody wrote in between, and a restart reads it again from there
            checkpoint = msgspec.structs.replace(
                checkpoint, applied=last, checksum=record_checksum(records[-1]), saved_s=time.time()
            )
        self._write(records, rows, checkpoint)
        for key, row in rows.items():
            staged = self._staged.get(key)
            if staged is None:
                self.count += ((row is not None) - on_disk[key]) * _counts(key)
            elif staged.ticket == ticket:
                del self._staged[key]
            else:
                staged.on_disk = row is not None

    def restore(self, records: Sequence[ReadRecord]) -> None:
        """Apply records read from the changelog. What is staged is newer, and stays."""
        if not records:
            return
        rows, last = rows_of(records), records[-1].offset
        on_disk = self._on_disk(list(rows))
        grown = sum(((row is not None) - on_disk[key]) * _counts(key) for key, row in rows.items())
        checkpoint = StoreCheckpoint(
            last,
            max(last, self.checkpoint.highest),
            record_checksum(records[-1]),
            self.checkpoint.rows + grown,
            time.time(),
        )
        self._write(records, rows, checkpoint)
        for key, row in rows.items():
            if (staged := self._staged.get(key)) is not None:
                staged.on_disk = row is not None
            else:
                self.count += ((row is not None) - on_disk[key]) * _counts(key)

    def flush(self) -> None:
        """Write out what was confirmed."""
        self._family.flush()

    def close(self) -> None:
        """Let go of the family, when none of its files is being compacted: until then it can be neither dropped nor
        opened again.
        """
        self.former.close()
        self._handle = None
        self._family.close()

    def _on_disk(self, keys: Sequence[bytes]) -> dict[bytes, bool]:
        if not keys:
            return {}
        found = self._family.get([disk_key(key) for key in keys])
        return {key: row is not None for key, row in zip(keys, cast("list[bytes | None]", found), strict=True)}

    def _write(
        self, records: Sequence[LogRecord], rows: Mapping[bytes, bytes | None], checkpoint: StoreCheckpoint
    ) -> None:
        batch = WriteBatch(raw_mode=True)
        batch.set_default_column_family(self._handle)
        for record in records:
            key = disk_key(record.key or b"")
            if record.value is None:
                batch.delete(key)
            else:
                batch.put(key, record.value)
        notes = self.former.noted(rows)
        for note in notes:
            batch.put(note, b"")
        batch.put(_CHECKPOINT_KEY, msgspec.msgpack.encode(checkpoint))
        self._family.write(batch, self._unlogged)
        self.former.add(notes)
        self.checkpoint = checkpoint


def _merged(
    on_disk: Iterator[tuple[Any, Any]], count: int, staged: Mapping[bytes, bytes | None]
) -> Iterator[tuple[bytes, bytes]]:
    """The `count` rows on disk, but for those that are staged, and these."""
    missing = count
    for key, row in on_disk:
        if not key.startswith(ROW_PREFIX):
            break
        name = key[1:]
        if is_reserved(name):
            continue
        missing -= 1
        if name not in staged:
            yield name, row
    if missing:  # rocksdict's iterator just ends where it meets a damaged block
        raise StoreFailed(f"{missing} of {count} rows are missing")
    for name, row in staged.items():
        if row is not None and not is_segment(name):
            yield name, row


def _counts(key: bytes) -> bool:
    """Whether what is stored under `key` is one of the rows that are counted."""
    return not is_segment(key)


def record_checksum(record: LogRecord) -> int:
    """CRC-32 of a changelog record."""
    return crc32(record.value or b"", crc32(record.key or b""))
