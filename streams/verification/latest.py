"""The latest of each student of a slice: row, update, explanation, request to be erased.

Rows stay encoded and updates are shortened to what is compared. When a slice needs more than its memory, half of its
students are set aside for a later pass.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from schemas.dialects import Record
from schemas.errors import Fatal
from schemas.explanation import Explanation, read_explanation
from schemas.update import SkillUpdate, is_former, read_update
from streams.input.checkpoint import CHECKPOINT_KEY, InputCheckpoint, decode_checkpoint, is_reserved
from streams.rows.codec import row_headers
from streams.rows.erasure import NO_ERASURE, RowErasure
from streams.rows.segments import is_segment, student_of
from streams.verification.audit import Difference, DifferenceKind, RowPosition
from streams.verification.known_ids import Print
from streams.verification.published import PublishedUpdate, pack_update, shorten, unpack_update
from streams.verification.slices import FEWEST_STUDENTS, MAX_BITS, Slice

STUDENT_BYTES: Final = 1_000
"""What a student takes besides its row and its update: keys, places in tables, objects."""

STORED_SEGMENT_BYTES: Final = 300
"""What a segment takes besides its ids: keys, places in tables, objects."""

_Published = TypeVar("_Published", SkillUpdate, Explanation)
Age = tuple[int, int, int, bool]
"""A row's (epoch, erased at, offset, is a tombstone row), in the order that rows of one student follow each other."""

NO_AGE: Final[Age] = (0, 0, -2, False)


class Unsound:
    """Stands for a record that cannot be read; it is among the problems."""


class Last:
    """See the module. Records are noted in their topic's order; `problems` are those that cannot be read at all.

    `requests` are the times, in µs, at which students asked to be erased, 0 where the request was deleted since;
    `accepted` is up to where they are; of `late_requests` it is not sure that the workers have read them. `segments`
    are by student and key. `checkpoint` is the table's own word on its input.
    """

    def __init__(self, students: Slice, memory_bytes: int, remote: Collection[str] = ()) -> None:
        """Of updates, what the `remote` sources said is kept, too."""
        self.slice = students
        self._remote = remote
        self.set_aside: list[Slice] = []
        self.requests: dict[bytes, int] = {}
        self.accepted: dict[bytes, RowErasure] = {}
        self.late_requests: dict[bytes, None] = {}
        self.explained: dict[bytes, RowPosition] = {}
        self.rows: dict[bytes, bytes] = {}
        self.segments: dict[bytes, dict[bytes, Print]] = {}
        self.checkpoint: InputCheckpoint | None = None
        self._memory_bytes = memory_bytes
        self._size_bytes = 0
        self._newest: dict[bytes, Age] = {}
        self._published: dict[bytes, bytes] = {}
        self._problems: dict[bytes, list[Difference]] = {}

    def newest(self, student: bytes) -> Age:
        """How far the furthest of all its rows was."""
        return self._newest.get(student, NO_AGE)

    def published(self, student: bytes) -> PublishedUpdate | None:
        """Its last update; None where there is none, or where it was deleted."""
        packed = self._published.get(student)
        return None if packed is None else unpack_update(packed)

    def students(self) -> set[bytes]:
        """All students with a row, an update or an explanation; a request to be erased does not count."""
        return {*self.rows, *self._published, *self.explained}

    @property
    def problems(self) -> Iterable[Difference]:
        """Records that cannot be read."""
        return (problem for problems in self._problems.values() for problem in problems)

    # -- taking notes

    def note_rows(self, records: Sequence[Record]) -> None:
        """Records of the changelog. The last one counts, whatever is in it: so recovery sees it.

        Raises IdentityLost for a checkpoint that cannot be read.
        """
        ages = _ages(records)
        for record, age in zip(records, ages, strict=True):
            key = record.key
            if key is None:
                self._problem("state", record, "a row without a key")
            elif key == CHECKPOINT_KEY:
                self.checkpoint = decode_checkpoint(record.value or b"")
            elif is_segment(key):
                self._note_segment(student_of(key), key, record.value)
            elif not is_reserved(key) and self.slice.contains(key):
                if age is not None and age > self.newest(key):
                    self._put(self._newest, key, age, STUDENT_BYTES if key not in self._newest else 0)
                former_bytes = len(self.rows.get(key, b""))
                grows_bytes = len(record.value or b"") - former_bytes
                self._put(self.rows, key, record.value, 2 * grows_bytes)  # the replay will have one just as large

    def note_updates(self, records: Sequence[Record]) -> None:
        """Records of skill-updates."""
        for record in records:
            key = record.key or b""
            if not self.slice.contains(key):
                continue
            update = self._read("update", record, read_update)
            if not isinstance(update, Unsound):
                packed = None
                if update is not None:
                    is_catalogued = not is_former(record.value or b"")
                    packed = pack_update(shorten(update, self._remote, is_catalogued=is_catalogued))
                self._put(self._published, key, packed, len(packed or b"") - len(self._published.get(key, b"")))

    def note_explanations(self, records: Sequence[Record]) -> None:
        """Records of skill-reasoning."""
        for record in records:
            key = record.key or b""
            if not self.slice.contains(key):
                continue
            explanation = self._read("reasoning", record, read_explanation)
            if not isinstance(explanation, Unsound):
                seq = None if explanation is None else explanation.seq
                self._put(self.explained, key, seq, STUDENT_BYTES // 4 if key not in self.explained else 0)

    def note_request(self, student: bytes, at_us: int, *, is_read: bool) -> None:
        """A wish to be erased, or, at 0, that it was deleted; `is_read`: the workers have committed it."""
        if self.slice.contains(student):
            self.requests[student] = max(at_us, self.requests.get(student, 0)) if at_us else 0
            if not is_read:
                self.late_requests[student] = None

    def note_acceptance(self, student: bytes, accepted: RowErasure, *, is_read: bool) -> None:
        """A wish to be erased that was accepted, for the topic that is verified; `is_read` as above."""
        if self.slice.contains(student):
            self.accepted[student] = self.accepted.get(student, NO_ERASURE).joined(accepted)
            if not is_read:
                self.late_requests[student] = None

    def _read(
        self, kind: DifferenceKind, record: Record, read: Callable[[bytes], _Published]
    ) -> "_Published | Unsound | None":
        """The message that `record` carries; None where it deletes the former one."""
        if record.key is None:
            return self._problem(kind, record, "a message without a key")
        try:
            message = None if record.value is None else read(record.value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return self._problem(kind, record, "a message that is none of ours")
        if message is not None and message.student_id.encode() != record.key:
            return self._problem(kind, record, "a message whose key is not its student's id")
        return message

    def _problem(self, kind: DifferenceKind, record: Record, what: str) -> "Unsound":
        key = record.key or b""
        if self.slice.contains(key):
            where = f"{what}: {record.topic}, partition {record.partition}, offset {record.offset}"
            student = key.decode("utf-8", "replace")
            self._problems.setdefault(key, []).append(Difference(kind, student, record.partition, -1, where))
        return Unsound()

    def _note_segment(self, student: bytes, key: bytes, segment: bytes | None) -> None:
        if not self.slice.contains(student):
            return
        prints = dict(self.segments.get(student, {}))
        former = prints.pop(key, None)
        if segment is not None:
            prints[key] = Print.of(segment)
        grows_bytes = _taken(prints.get(key)) - _taken(former)
        self._put(self.segments, student, prints or None, grows_bytes)

    # -- within memory

    def _put(self, table: dict[bytes, Any], key: bytes, value: object, grows_bytes: int) -> None:
        if not self.slice.contains(key):
            return  # set aside by what was put a moment ago
        table.pop(key, None)
        if value is not None:
            table[key] = value
        self._size_bytes += grows_bytes
        while self._size_bytes > self._memory_bytes and self.slice.bits < MAX_BITS and self._can_halve():
            self._halve()

    def _can_halve(self) -> bool:
        return max(len(self._newest), len(self._published), len(self.explained)) > FEWEST_STUDENTS

    def _halve(self) -> None:
        self.slice, other = self.slice.halves()
        self.set_aside.append(other)
        tables: tuple[dict[bytes, Any], ...] = (self.rows, self.segments, self._newest, self._published, self.explained)
        for table in (*tables, self.requests, self.accepted, self.late_requests, self._problems):
            for key in [key for key in table if not self.slice.contains(key)]:
                del table[key]
        self._size_bytes = STUDENT_BYTES * len(self._newest) + STUDENT_BYTES // 4 * len(self.explained)
        self._size_bytes += 2 * sum(map(len, self.rows.values())) + sum(map(len, self._published.values()))
        self._size_bytes += sum(_taken(each) for prints in self.segments.values() for each in prints.values())


def _taken(segment: Print | None) -> int:
    """What a segment takes here and in the replay."""
    return 0 if segment is None else STORED_SEGMENT_BYTES + segment.size_bytes


def _ages(records: Sequence[Record]) -> list[Age | None]:
    """By the rows' headers alone. None for what is no row; the comparison reports it."""
    rows = [
        (index, record.value)
        for index, record in enumerate(records)
        if record.value is not None and record.key is not None and not is_reserved(record.key)
    ]
    ages: list[Age | None] = [None] * len(records)
    try:
        headers = row_headers([value for _, value in rows])
    except Fatal:
        return [_ages([record])[0] for record in records] if len(records) > 1 else ages
    is_tombstone = (headers["erased_us"] > 0) & (headers["events"] == 0)
    columns = *(headers[name].tolist() for name in ("epoch", "erased_us", "offset")), is_tombstone.tolist()
    for (index, _), age in zip(rows, zip(*columns, strict=True), strict=True):
        ages[index] = age
    return ages
