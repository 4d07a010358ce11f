"""What must hold of any record: nothing is raised, and all that comes out can be counted, stored and read back."""

import re
from typing import Final

from schemas.dialects import Decoded, Dialects, native
from schemas.dialects.record import Record

_REASON: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")
_MAX_ERROR_CHARS: Final = 1_000
_DIALECTS: Final = frozenset({"native", "xapi", "caliper", "cloudevents", "openedx", "unknown"})


def check(record: Record, dialects: Dialects = Dialects()) -> Decoded:  # noqa: B008  # made once: it is immutable
    """Decode, and return what was decoded. Raises AssertionError, or whatever the decoder did."""
    decoded = dialects.decode(record)
    for event in decoded.events:
        if native.decode(native.encode(event)) != event:
            raise AssertionError(f"an event that is not read back as it was: {type(event).__name__}")
    if decoded.parts and len(decoded.parts) != len(decoded.events):
        raise AssertionError(f"{len(decoded.events)} events of {len(decoded.parts)} parts")
    for invalid in decoded.invalid:
        if not _REASON.fullmatch(invalid.reason) or not 0 < len(invalid.error) <= _MAX_ERROR_CHARS:
            raise AssertionError(f"a reason that cannot be counted, or no error: {invalid.reason!r}")
        if invalid.schema_guess.partition("-")[0].partition(" ")[0] not in _DIALECTS:
            raise AssertionError(f"a dialect that there is not: {invalid.schema_guess!r}")
        _require_place(invalid.index)
    for ignored in decoded.ignored:
        if ignored.dialect not in _DIALECTS:
            raise AssertionError(f"ignored without a name or of no dialect: {ignored.dialect!r}")
        _require_place(ignored.index)
    if not (decoded.events or decoded.invalid or decoded.ignored or _is_empty(record)):
        raise AssertionError("a record came to nothing")
    return decoded


def _require_place(index: int) -> None:
    if not 0 <= index <= native.MAX_EVENT_BYTES:
        raise AssertionError(f"a place that there is not: {index}")


def _is_empty(record: Record) -> bool:
    """An array of nothing, or an envelope of nothing: there is nothing to be said of it."""
    return b"[]" in (record.value or b"").translate(None, b" \t\r\n")
