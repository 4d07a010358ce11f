"""Segments: the ids of a student that its row has no room for, beside the row on the changelog.

    noted       0 ............ 127 | 128 .......... 255 | 256 .......... 310
    kept in     segment 0          | segment 1          | the row: at least the last RECENT_IDS

A row that holds SEGMENT_IDS more than RECENT_IDS seals its oldest SEGMENT_IDS as the next segment. When that is depends
on how many ids the student has had, and on nothing else, so rows and segments are the same however batches are cut. A
segment travels with its row, is never changed, and is deleted when the row keeps a newer one in its stead. It is read
only for events that may repeat one of its ids (`streams.folding.deduplication`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from schemas.errors import Fatal
from streams.input.checkpoint import RESERVED
from streams.rows.row import RECENT_IDS, SEGMENT_IDS

_PREFIX: Final = RESERVED + b"\x01"  # of this form of segments: hashes of ids, eight bytes each, in the order noted
_NUMBER_BYTES: Final = 4
MAX_NUMBER: Final = 2**32 // SEGMENT_IDS

StoredKey = tuple[int, bytes]
"""A partition, and a key of its rows or segments."""
Load = Callable[[Sequence[StoredKey]], Sequence[bytes | None]]
"""What is stored of keys, rows' or segments', in their order; None where there is nothing."""


def segment_key(student: bytes, number: int) -> bytes:
    """The changelog's key of a student's segment, counted from 0."""
    return b"".join((_PREFIX, student, number.to_bytes(_NUMBER_BYTES)))


def is_segment(key: bytes) -> bool:
    """Whether a key of the changelog is a segment's."""
    return key.startswith(_PREFIX)


def student_of(key: bytes) -> bytes:
    """Whose segment a segment's key means."""
    return key[len(_PREFIX) : -_NUMBER_BYTES]


def number_of(key: bytes) -> int:
    """Which of a student's segments a segment's key means."""
    return int.from_bytes(key[-_NUMBER_BYTES:])


def sealed(noted: int) -> int:
    """How many segments were ever sealed when a row has noted so many ids."""
    return max(0, noted - RECENT_IDS) // SEGMENT_IDS


def segments_for(known_ids: int) -> int:
    """How many segments a row keeps so that it always knows its last `known_ids`."""
    return max(0, -(-(known_ids - RECENT_IDS) // SEGMENT_IDS))


def none_stored(keys: Sequence[StoredKey]) -> Sequence[bytes | None]:
    """Loads segments where there are none."""
    return [None] * len(keys)


class Segments:
    """Those of a batch of students, read at most once each; `students` are their keys, by row index.

    `written` are the ones sealed since, by key, and `deleted` the keys of those given up since.
    """

    def __init__(self, students: Sequence[StoredKey], load: Load = none_stored) -> None:
        self._students = students
        self._load = load
        self._known: dict[StoredKey, bytes] = {}
        self.written: dict[StoredKey, bytes] = {}
        self.deleted: dict[StoredKey, None] = {}

    def read(self, wanted: Iterable[tuple[int, int]]) -> list[bytes]:
        """The ids of segments, asked for by (row index, number); all that are not known yet in one go.

        Raises Fatal for one that is not stored: its row says that it is, so the store or the changelog lost it.
        """
        keys = [self._key(row_index, number) for row_index, number in wanted]
        unknown = [key for key in keys if key not in self._known]
        for key, ids in zip(unknown, self._load(unknown) if unknown else (), strict=True):
            if ids is None:
                raise Fatal(
                    f"segment {number_of(key[1])} of a student's known ids is missing, so repeats "
                    "could count twice: the changelog or the local store lost it. What to do: delete the local store "
                    "(SKILLSTREAM_STORE_DIR) if there is one and start again, else stop all workers and run "
                    "`skillstream rebuild`"
                )
            self._known[key] = ids
        return [self._known[key] for key in keys]

    def take(self, row_indices: Sequence[int]) -> "Segments":
        """Of these students, in this order; what is written or deleted stays here."""
        return Segments([self._students[row_index] for row_index in row_indices], self._load)

    def seal(self, row_index: int, number: int, ids: bytes) -> None:
        """A student's next segment."""
        key = self._key(row_index, number)
        self._known[key] = self.written[key] = ids

    def delete(self, row_index: int, number: int) -> None:
        """Give up a student's oldest segment."""
        key = self._key(row_index, number)
        self._known.pop(key, None)
        self.written.pop(key, None)
        self.deleted[key] = None

    def _key(self, row_index: int, number: int) -> StoredKey:
        partition, student = self._students[row_index]
        return partition, segment_key(student, number)
