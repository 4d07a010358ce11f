"""How the changelog's keys are called in a partition on disk."""

from typing import Final

from streams.rows.segments import is_segment

ROW_PREFIX: Final = b"\x01"
SEGMENT_PREFIX: Final = b"\x02"  # apart, so that whoever goes through the rows need not go through these


def disk_key(key: bytes) -> bytes:
    """Of a row or a segment."""
    return (SEGMENT_PREFIX if is_segment(key) else ROW_PREFIX) + key
