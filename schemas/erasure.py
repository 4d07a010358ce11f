"""`erasures`: requests to forget a student, and what workers answer: up to which offsets. The key names the student."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.bounds import EARLIEST_US, LATEST_US, Microseconds, Milliseconds, Offset, Partition
from schemas.errors import InvalidInput
from schemas.event import MAX_IDENTIFIER_CHARS
from schemas.unreadable import require_unpacked

ACCEPTED_HEADER: Final = "skillstream-accepted"
"""On an Acceptance, signed: without a signature that fits, the record is a request like any other."""
VALUE: Final = b"{}"
"""Of a request that is sent on. What came may be of any size, and says nothing."""
_MAX_UTF8_BYTES_A_CHAR: Final = 4


KnownRequest = tuple[Partition, Offset, Milliseconds]
"""Partition and offset on `erasures`, and the record's time: of the last request there that was accepted."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """All that `student` did until this is accepted is to be erased; `at_us` is when it was asked for."""

    student: str
    at_us: int


class Acceptance(Struct, frozen=True):
    """That a student was erased: an event counts if its offset on its partition of the input is at least that of
    `ends`. `topic_id` is the input's, empty where the broker keeps none; `at_us` grows with each erasure of a student.
    """

    topic_id: Annotated[str, Meta(max_length=64)]
    at_us: Microseconds
    ends: tuple[Offset, ...]
    requests: tuple[KnownRequest, ...] = ()
    version: Literal[1] = 1


def encode_acceptance(acceptance: Acceptance) -> bytes:
    """As a record's value."""
    return msgspec.json.encode(acceptance)


def read_acceptance(value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> Acceptance | None:
    """What a record says that has our header, if it can be read; whether it is ours the signature tells."""
    if not value or all(name != ACCEPTED_HEADER for name, _ in headers):
        return None
    try:
        return msgspec.json.decode(value, type=Acceptance)
    except msgspec.MsgspecError:
        return None


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
