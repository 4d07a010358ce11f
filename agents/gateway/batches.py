"""What a body comes to: records, each an event as a worker reads it, with the key of its student.

Decoding is that of the workers, so what is taken here is no dead letter there; whose an event is, is said by it alone.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from agents.gateway.refusal import NotTaken
from schemas.dialects.record import DatedRecord, Decode, Decoded, Invalid

MAX_REQUEST_ITEMS: Final = 10_000
"""Statements, data of an envelope, or lines of one request."""
BYTES_A_COMMA: Final = 64
"""What a value costs while a document is taken apart: a comma is the least that stands between two."""
FOREIGN: Final = "foreign_student"


class KeyedValue(NamedTuple):
    """A record to send: `student` is its key, None where it is nobody's."""

    student: str | None
    value: bytes


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """What is to be stored, and what is answered then; `events` counts what the records come to."""

    records: Sequence[KeyedValue]
    events: int
    status: int = 200
    answer: Any = None
    refused: int = 0
    headers: dict[str, str] = field(default_factory=dict)


def undecoded(value: bytes) -> DatedRecord:
    """A record that is not on any topic yet, of now."""
    return DatedRecord("", 0, 0, time.time_ns() // 1_000_000, None, value, ())


def keyed(value: bytes, decode: Decode, students: str) -> tuple[KeyedValue | Invalid, int]:
    """The record of a value, or the first thing that is wrong with it; and how many events it comes to.

    A value of several students is keyed by the first: the worker repartitions the events of the others.
    """
    decoded = decode(undecoded(value))
    if decoded.invalid:
        return decoded.invalid[0], 0
    if not all(event.student_id.startswith(students) for event in decoded.events):
        return Invalid(FOREIGN, "it is of a student of another tenant"), 0
    return KeyedValue(_student_of(decoded), value), len(decoded.events)


def not_taken(item: str, index: int, invalid: Invalid) -> NotTaken:
    """For a body that is refused whole, since one `item` of it is wrong."""
    where: dict[str, Any] = {item: index, "rule": invalid.reason}
    if invalid.reason == FOREIGN:
        return NotTaken(403, "foreign_student", f"{item} {index}: {invalid.error}", **where)
    return NotTaken(400, "unreadable", f"{item} {index}: {invalid.error}", **where)


def require_few_items(count: int) -> None:
    """Raises NotTaken (413) for more than MAX_REQUEST_ITEMS."""
    if count > MAX_REQUEST_ITEMS:
        raise NotTaken(413, "too_large", f"one request may hold {MAX_REQUEST_ITEMS:,} events, this one has {count:,}")


def _student_of(decoded: Decoded) -> str | None:
    return decoded.events[0].student_id if decoded.events else None
