"""Reads where a repartitioned event came from: by its header its owning partition knows a second copy."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

ORIGIN_HEADER: Final = "skillstream-origin"
_ORIGIN: Final = re.compile(rb"(.+)/([0-9]{1,9})/([0-9]{1,18})/([0-9]{1,9})", re.DOTALL)

Origin = tuple[int, int, int]
"""(partition, offset, index within the record)."""


class CameFrom(NamedTuple):
    """A topic, and a place in it."""

    topic: str
    position: Origin

    @property
    def header(self) -> tuple[str, bytes]:
        """As `origin_in` reads it."""
        return ORIGIN_HEADER, "/".join((self.topic, *map(str, self.position))).encode()


def origin_in(headers: Sequence[tuple[str, bytes]]) -> CameFrom | None:
    """What the header says; None if it is absent or not ours."""
    for name, value in headers:
        if name == ORIGIN_HEADER:
            found = _ORIGIN.fullmatch(value or b"")
            if found is None:
                return None
            return CameFrom(found[1].decode("utf-8", "replace"), (int(found[2]), int(found[3]), int(found[4])))
    return None
