"""`erasures`: requests to forget a student. The key names the student, the record's time says up to when."""

from dataclasses import dataclass
from typing import Final

from schemas.bounds import EARLIEST_US, LATEST_US
from schemas.errors import InvalidInput
from schemas.event import MAX_IDENTIFIER_CHARS
from schemas.unreadable import require_unpacked

VALUE: Final = b"{}"
"""Of a request that is sent on. What came may be of any size, and says nothing."""
_MAX_UTF8_BYTES_A_CHAR: Final = 4


@dataclass(frozen=True, slots=True)
class Erasure:
    """All that `student` did until `at_us` is to be erased."""

    student: str
    at_us: int


def read_request(key: bytes | None, value: bytes | None, timestamp_ms: int) -> Erasure | None:
    """The request that a record holds; None for a null value, by which a key is removed from a compacted topic.

    What the value says is of no meaning. Raises InvalidInput for what is no record's (unreadable_batch), for a key that
    is no student's (not_a_student) and for a time that no clock tells (absurd_timestamp).
    """
    if value is None:
        return None
    require_unpacked(value)
    student = _student(key)
    at_us = timestamp_ms * 1000
    if not EARLIEST_US <= at_us <= LATEST_US:
        raise InvalidInput("absurd_timestamp", "the record's time is not between 1990 and 2100: send it anew")
    return Erasure(student, at_us)


def _student(key: bytes | None) -> str:
    if not key:
        raise InvalidInput("not_a_student", "the record has no key; it is to be the id of the student to forget")
    if len(key) > MAX_IDENTIFIER_CHARS * _MAX_UTF8_BYTES_A_CHAR:
        raise InvalidInput(
            "not_a_student", f"a key of {len(key)} bytes; an id has 1 to {MAX_IDENTIFIER_CHARS} characters"
        )
    try:
        student = key.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "not_a_student", f"the key is no UTF-8 (at byte {error.start}), so no student's id"
        ) from None
    if len(student) > MAX_IDENTIFIER_CHARS:
        raise InvalidInput(
            "not_a_student", f"a key of {len(student)} characters; an id has 1 to {MAX_IDENTIFIER_CHARS}"
        )
    return student
