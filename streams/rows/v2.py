"""Rows of version 2: as now, without what the row knows of ids beyond the last 48. Read, never written.

What they did not count is set as it must have been: each event noted one id, and no own time is known but the row's.
"""

import struct
from collections.abc import Mapping
from typing import Any, Final

from streams.rows.layout import HEADER, ROW_VERSION
from streams.rows.row import RECENT_IDS

VERSION_2: Final = b"\x02"
_ADDED: Final = struct.Struct("<IHHqqQ")  # noted, segments, partial, newest_us, beyond_us, far_times
_HEADER_BYTES: Final = HEADER.itemsize - _ADDED.size
_EVENTS: Final = struct.Struct("<I")
_AS_OF: Final = struct.Struct("<q")
_FIELDS: Final[Mapping[str, Any]] = HEADER.fields or {}


def row_of_v2(stored: bytes) -> bytes:
    """The row as it is now, encoded. Raises ValueError for one that has no whole header."""
    if len(stored) < _HEADER_BYTES:
        raise ValueError("it has no whole header")
    [events] = _EVENTS.unpack_from(stored, _FIELDS["events"][1])
    [as_of_us] = _AS_OF.unpack_from(stored, _FIELDS["as_of_us"][1])
    added = _ADDED.pack(events, 0, events > 0, as_of_us, as_of_us if events > RECENT_IDS else 0, 0)
    return b"".join((bytes([ROW_VERSION]), stored[1:_HEADER_BYTES], added, stored[_HEADER_BYTES:]))
