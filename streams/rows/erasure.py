"""Of a row: up to where its student is erased, by partitions of the input, and which requests are known.

    requests (4) | partitions of the input (4) | partition (4) 0 (4) offset (8) ms (8) of each request | each end (8)

No clock tells what counts: an event does if its offset, on the partition where it first came, is at least that
partition's end. A partition that came into being since has none.
"""

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple, Self

from schemas.erasure import Acceptance, KnownRequest

_COUNTS: Final = struct.Struct("<II")
_REQUEST: Final = struct.Struct("<IIqq")
_REMEMBERED: Final = 1_024
MAX_KNOWN_REQUESTS: Final = 8
"""Of one student, on as many partitions of `erasures`: the newest."""


class RowErasure(NamedTuple):
    """`ends` by partition of the input; `requests`, the last known (offset, ms) by partition of `erasures`."""

    ends: tuple[int, ...] = ()
    requests: tuple[KnownRequest, ...] = ()

    @classmethod
    def of(cls, acceptance: Acceptance) -> Self:
        """As it is accepted."""
        return cls(acceptance.ends, tuple(sorted(acceptance.requests)))

    def covers(self, other: "RowErasure") -> bool:
        """Whether it erases all that the other one does, and knows its requests."""
        return self.joined(other) == self

    def joined(self, other: "RowErasure") -> "RowErasure":
        """What both erase."""
        mine, theirs = self.ends, other.ends
        partitions = max(len(mine), len(theirs))
        ends = tuple(map(max, _filled(mine, partitions), _filled(theirs, partitions)))
        return RowErasure(ends, _newest((*self.requests, *other.requests)))

    def with_end(self, partition: int, end: int) -> "RowErasure":
        """One partition's end, if it is a later one."""
        return self.joined(RowErasure((*[0] * partition, end)))

    def knows(self, request: KnownRequest) -> bool:
        """Whether this one was accepted: a topic that was made anew has lower offsets, and later times."""
        partition, offset, time_ms = request
        return any(at == partition and offset <= last and time_ms <= ms for at, last, ms in self.requests)

    def erases(self, partition: int, offset: int) -> bool:
        """Whether an event that first came there is erased."""
        return partition < len(self.ends) and offset < self.ends[partition]


NO_ERASURE: Final = RowErasure()


@lru_cache(_REMEMBERED)
def erasure_of(section: bytes) -> RowErasure:
    """What is in the part of a row. Raises ValueError or struct.error for what is no such part."""
    if not section:
        return NO_ERASURE
    requests, partitions = _COUNTS.unpack_from(section)
    at = _COUNTS.size + requests * _REQUEST.size
    known = [(partition, offset, ms) for partition, _, offset, ms in _REQUEST.iter_unpack(section[_COUNTS.size : at])]
    return RowErasure(struct.unpack(f"<{partitions}q", section[at:]), tuple(known))


def erasure_section(erasure: RowErasure) -> bytes:
    """The reverse of `erasure_of`."""
    if erasure == NO_ERASURE:
        return b""
    requests = [_REQUEST.pack(partition, 0, offset, ms) for partition, offset, ms in erasure.requests]
    ends = struct.pack(f"<{len(erasure.ends)}q", *erasure.ends)
    return b"".join((_COUNTS.pack(len(requests), len(erasure.ends)), *requests, ends))


def erasure_faults(section: bytes) -> str:
    """What is wrong with a part of a row; nothing: an empty text."""
    try:
        whole = erasure_section(erasure_of(section)) == section
    except (ValueError, struct.error):
        whole = False
    return "" if whole else "an erasure that is cut off, or followed by something"


def _filled(ends: tuple[int, ...], partitions: int) -> tuple[int, ...]:
    return ends + (0,) * (partitions - len(ends))


def _newest(requests: Iterable[KnownRequest]) -> tuple[KnownRequest, ...]:
    newest: dict[int, tuple[int, int]] = {}
    for partition, offset, ms in sorted(requests):
        _, former_ms = newest.get(partition, (0, ms))
        newest[partition] = offset, max(ms, former_ms)
    found = sorted((ms, partition, offset) for partition, (offset, ms) in newest.items())
    return tuple(sorted((partition, offset, ms) for ms, partition, offset in found[-MAX_KNOWN_REQUESTS:]))
