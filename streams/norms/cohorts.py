"""The cohorts that a row counts in: the class, the course, the school and the source that its events named last.

A cohort is its kind and its id: students of two schools that have a class of one id are in one class here.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from streams.rows.enrolment import enrolment_of

_FIELDS: Final = {"class": "class_id", "course": "course_id", "school": "school_id", "source": "source"}
"""By kind, the narrowest first."""
_REMEMBERED: Final = 16_384
SHOWN_BYTES: Final = 64


class Cohort(NamedTuple):
    """What a cohort is called in sums, and what people are shown: `course:AAA-2013J`."""

    code: int
    name: bytes


def cut_name(name: bytes) -> bytes:
    """As much of a name in UTF-8 as is shown: whole characters."""
    return name if len(name) <= SHOWN_BYTES else name[:SHOWN_BYTES].decode("utf-8", "ignore").encode()


@lru_cache(_REMEMBERED)
def cohort(kind: str, id: str) -> Cohort:
    """The cohort of a kind and an id; its code is 64 bits of BLAKE2b."""
    name = f"{kind}:{id}".encode()
    return Cohort(int.from_bytes(blake2b(name, digest_size=8).digest(), "little"), cut_name(name))


@lru_cache(_REMEMBERED)
def cohorts_named(enrolment: bytes) -> tuple[Cohort, ...]:
    """Those of a row, narrowest first, by its part of that name. Raises ValueError for what is no such part."""
    ids = enrolment_of(enrolment)
    named = ((kind, getattr(ids, field)) for kind, field in _FIELDS.items())
    return tuple(cohort(kind, id) for kind, id in named if id)
