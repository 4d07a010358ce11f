"""The segments of a student's known ids, as the changelog has them, against its row and the replay's segments."""

from collections.abc import Mapping
from typing import NamedTuple
from zlib import crc32

from streams.rows.row import Row
from streams.rows.segments import sealed, segment_key
from streams.verification.audit import AuditFinding


class Print(NamedTuple):
    """What is kept of a segment to compare it by."""

    size_bytes: int
    checksum: int

    @classmethod
    def of(cls, segment: bytes) -> "Print":
        """Of a segment as it is stored."""
        return cls(len(segment), crc32(segment))


def segments_differ(
    student: bytes, live: Row, stored: Mapping[bytes, Print], replayed: Mapping[bytes, bytes]
) -> AuditFinding | None:
    """What is wrong with a student's segments `stored` on the changelog. `replayed` are compared where they are known.

    One that no row names is left of a crash, and does no harm, unless the student was erased.
    """
    if live.is_tombstone:
        return AuditFinding("state", "forgotten, yet ids of its events are still there") if stored else None
    end = sealed(live.noted)
    for number in range(end - len(live.segments) // 8, end):
        key = segment_key(student, number)
        found, expected = stored.get(key), replayed.get(key)
        if found is None:
            return AuditFinding("lost", f"segment {number} of its known ids is missing")
        if expected is not None and not live.partial and found != Print.of(expected):
            return AuditFinding("state", f"segment {number} of its known ids differs from the replay's")
    return None
