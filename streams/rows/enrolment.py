"""Where a row's student learns: the course, the class, the school and the source that its events named last.

    bytes of the course, class, school and source (2 each) | the ids in UTF-8, one behind the other, 0 … to a word

One that no event named has no bytes. A row of which none was named has no such part. A source there is from row version
8 on.
"""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from streams.rows.layout import WORD

_LENGTHS: Final = struct.Struct("<HHHH")
_OF_SOURCE: Final = slice(6, 8)
_NO_BYTES: Final = bytes(2)
_REMEMBERED: Final = 4_096
"""Students of one class have the same part."""


class EnrolmentIds(NamedTuple):
    """Ids as events have them; None for one that none has named."""

    course_id: str | None = None
    class_id: str | None = None
    school_id: str | None = None
    source: str | None = None


NO_ENROLMENT: Final = EnrolmentIds()


@lru_cache(_REMEMBERED)
def enrolment_of(section: bytes) -> EnrolmentIds:
    """The ids in their part of a row. Raises ValueError for what is no such part."""
    if not section:
        return NO_ENROLMENT
    if len(section) < _LENGTHS.size:
        raise ValueError("an enrolment that is cut off")
    ids, at = list[str | None](), _LENGTHS.size
    for size in _LENGTHS.unpack_from(section):
        ids.append(section[at : at + size].decode() or None)
        at += size
    return EnrolmentIds(*ids)


@lru_cache(_REMEMBERED)
def enrolment_section(enrolment: EnrolmentIds) -> bytes:
    """The reverse of `enrolment_of`."""
    if enrolment == NO_ENROLMENT:
        return b""
    ids = [(each or "").encode() for each in enrolment]
    text = b"".join(ids)
    return b"".join((_LENGTHS.pack(*map(len, ids)), text, bytes(-len(text) % WORD)))


def names_source(section: bytes) -> bool:
    """Whether a source is among the ids in their part of a row."""
    return section[_OF_SOURCE] > _NO_BYTES


def enrolment_faults(section: bytes) -> str:
    """What is wrong with a part of a row; nothing: an empty text."""
    try:
        whole = enrolment_section(enrolment_of(section)) == section
    except ValueError:
        whole = False
    return "" if whole else "an enrolment that is no UTF-8, cut off, or followed by something"
