"""When a student was erased, read off a stored row. Every row that goes by is looked at: it costs next to nothing."""

from typing import Final

from streams.rows.layout import ERASED_VERSION, HEADER

_AT: Final = slice(HEADER.fields["erased_us"][1], HEADER.fields["erased_us"][1] + 8)  # type: ignore[index]
_NEVER: Final = bytes(8)


def erasure_time(stored: bytes | None) -> bytes:
    """The bytes of the time; empty of a student who was never erased, and of what is no row of version 2 or later."""
    if stored is None or (found := stored[_AT]) == _NEVER:
        return b""
    return found if len(found) == len(_NEVER) and 2 <= stored[0] <= ERASED_VERSION else b""
