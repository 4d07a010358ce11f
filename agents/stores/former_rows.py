"""What files of a partition still hold of students from before they were erased, and how it leaves the disk.

    a row comes with another erasure than the one on disk has ──► a note, in the same write
    a moment later, in a thread ──► the files that have the student's keys are compacted ──► the note goes

RocksDB leaves a row that is replaced in its file until it happens to compact it: that may take months. What a crash
takes, the changelog brings again, and with it the note.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from threading import Lock
from typing import Final, cast

from rocksdict import Rdict, WriteOptions

from agents.stores.disk_keys import disk_key
from streams.rows.codec import row_headers
from streams.rows.erased_at import erasure_time
from streams.rows.segments import MAX_NUMBER, is_segment, segment_key, student_of

_NOTE: Final = b"\x00\x01"
"""Before the rows: the time of the erasure, and the student."""
_TIME_BYTES: Final = 8


class FormerRows:
    """Of one partition on disk, whose writes go by `unlogged`. Raises what RocksDB raises."""

    def __init__(self, family: Rdict, unlogged: WriteOptions) -> None:
        self._family, self._unlogged = family, unlogged
        self._turn, self._writing, self._closing = Lock(), Lock(), False
        self._notes = dict.fromkeys(self._stored())

    def __len__(self) -> int:
        """Of how many students."""
        return len(self._notes)

    def noted(self, rows: Mapping[bytes, bytes | None]) -> list[bytes]:
        """The keys of notes that are to be written with these rows, each with an empty value, and then `add`ed."""
        erased = {key: at for key, row in rows.items() if (at := erasure_time(row)) and not is_segment(key)}
        if not erased:
            return []
        former = cast("list[bytes | None]", self._family.get([disk_key(key) for key in erased]))
        return [
            _NOTE + at + key
            for (key, at), stored in zip(erased.items(), former, strict=True)
            if stored is not None and erasure_time(stored) != at
        ]

    def add(self, notes: Iterable[bytes]) -> None:
        """They are written, with their rows."""
        self._notes.update(dict.fromkeys(notes))

    def remove(self) -> int:
        """Compact the files that hold any; of how many students. Blocks, for seconds in a large partition whose files
        were not compacted for long, and may be called in a thread of its own while rows change.
        """
        removed = 0
        for note in list(self._notes):
            with self._turn:
                if self._closing:
                    break
                try:
                    removed += self._remove(note)
                except Exception:
                    if not self._closing:  # else the partition was dropped meanwhile
                        raise
        return removed

    def stop(self) -> bool:
        """Have no further file compacted; whether none is at this moment."""
        with self._writing:
            self._closing = True
        if idle := self._turn.acquire(blocking=False):
            self._turn.release()
        return idle

    def close(self) -> None:
        """As `stop`; waits until none is."""
        self.stop()
        with self._turn:
            pass

    def _remove(self, note: bytes) -> bool:
        student = note[len(_NOTE) + _TIME_BYTES :]
        row, first, last = map(disk_key, (student, segment_key(student, 0), segment_key(student, MAX_NUMBER)))
        if self._is_half_written(student, first, last):
            return False
        self._family.compact_range(row, row)
        self._family.compact_range(first, last)
        with self._writing:  # a write to a partition that was dropped would end all writes
            if self._closing:
                return False
            self._family.delete(note, self._unlogged)
        self._notes.pop(note, None)
        return True

    def _is_half_written(self, student: bytes, first: bytes, last: bytes) -> bool:
        """Whether the segments that go with the erased row are still to be deleted: they follow it on the changelog."""
        stored = self._family.get(disk_key(student))
        if stored is None or row_headers([stored])[0]["events"]:
            return False
        keys = cast("Iterator[bytes]", self._family.keys(from_key=first))
        return any(student_of(key[1:]) == student for key in takewhile(lambda key: key <= last, keys))

    def _stored(self) -> Iterator[bytes]:
        keys = cast("Iterator[bytes]", self._family.keys(from_key=_NOTE))
        return takewhile(lambda key: key.startswith(_NOTE), keys)
