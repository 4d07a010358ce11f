"""Whose a record is that cannot be read, or not all of it: as far as somebody can say, beside its key."""

from schemas.dialects import Decode, Record


def students_in(record: Record, decode: Decode) -> frozenset[bytes]:
    """The students of all events in it that can be read."""
    return frozenset(event.student_id.encode() for event in decode(record).events)
