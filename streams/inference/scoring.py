"""Students' rows to the lines of an answer, whoever folded them. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from schemas.inference import UNKNOWN_STUDENT, ItemError
from streams.inference.overlay import FoundRow, Unavailable, readable_rows
from streams.scoring.scorer import Scorer

NOT_STORED: Final = Unavailable(UNKNOWN_STUDENT, "nothing is stored of this student")
_ENCODER: Final = msgspec.json.Encoder()


class StudentRow(NamedTuple):
    """A student of a request, by the first item about them. `is_ours`: events of the request are in the row."""

    item: int
    student: bytes
    row: FoundRow
    is_ours: bool = False


class ScoredText(NamedTuple):
    """Some of an answer's text, and how many students are in it with an update, and without."""

    text: list[bytes]
    updates: int
    errors: int


async def score_students(
    scorer: Scorer, students: Sequence[StudentRow], unknown: Unavailable = NOT_STORED
) -> ScoredText:
    """Of each of `students`, in their order, the update or why there is none; `unknown` is why, without any event.

    Scores are as of each row's newest event. A row that cannot be read costs its student's update alone.
    """
    why = {index: each.row for index, each in enumerate(students) if isinstance(each.row, Unavailable)}
    stored = {index: each.row for index, each in enumerate(students) if isinstance(each.row, bytes)}
    rows, unreadable = readable_rows(stored, scorer.skill_set.names)
    why |= unreadable
    readable = [index for index in stored if index not in unreadable]
    updates: dict[int, bytes] = {}
    if readable:
        with_events = np.flatnonzero(rows.headers["events"]).tolist()
        if len(with_events) < len(readable):
            rows, readable = rows.take(with_events), [readable[at] for at in with_events]
        rows.headers["epoch"][[students[index].is_ours for index in readable]] = 0
        scored = await scorer.score(rows)
        written = scorer.write([students[index].student for index in readable], scored)
        updates = dict(zip(readable, written, strict=True))
    text = [
        _update(student.item, updates[index]) if index in updates else _error(student, why.get(index, unknown))
        for index, student in enumerate(students)
    ]
    return ScoredText(text, len(updates), len(students) - len(updates))


def _update(item: int, update: bytes) -> bytes:
    """An InferredUpdate, encoded."""
    return b'{"item":%d,"update":%b}\n' % (item, update)


def _error(student: StudentRow, why: Unavailable) -> bytes:
    said = ItemError(item=student.item, reason=why.reason, error=why.error, student_id=student.student.decode())
    return error_text(said)


def error_text(error: ItemError) -> bytes:
    """Encoded, as a line."""
    return _ENCODER.encode(error) + b"\n"
