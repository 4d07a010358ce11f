"""Which of a batch's events are new: known neither by their id, among the student's last MAX_IDS, nor by their origin.

Nearly all are, and most batches hold no repeat at all: students of whom nothing looks like a repeat are taken in one
go, the others event by event.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.event import NativeEvent
from streams.block import Block
from streams.layout import ID, Array, Indices, chunks
from streams.origin import Origin
from streams.row import ID_BYTES, MAX_IDS
from streams.row_parts import origins_of, origins_part

MAX_ORIGINS: Final = 8
_MARKS_AN_ID: Final = 32


class Outcome(Enum):
    """What became of an event that reached its home."""

    APPLIED = "applied"
    LATE = "late"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"


def digest_of(event_id: str) -> bytes:
    """What a row keeps of an event's id."""
    return blake2b(event_id.encode(), digest_size=ID_BYTES).digest()


def sift(
    block: Block,
    lines: Sequence[int],
    events: Sequence[NativeEvent],
    useful: Sequence[bool],
    origins: Mapping[int, Origin],
) -> list[Outcome]:
    """Say of each event whether it is new, and note in the block that the new ones were seen.

    Those that are not `useful` are ignored, and not noted. `origins` is by the events' places.
    """
    outcomes = [Outcome.APPLIED if use else Outcome.IGNORED for use in useful]
    digests = b"".join([digest_of(event.event_id) for event in events])
    digest = np.frombuffer(digests, ID)
    line = np.asarray(lines, np.intp)
    doubtful = np.isin(line, np.append(line[_may_repeat(block, digest)], line[list(origins)]))
    one_by_one: defaultdict[int, list[int]] = defaultdict(list)
    for place in np.flatnonzero(doubtful).tolist():
        one_by_one[lines[place]].append(place)
    fresh = np.array(useful, np.bool_) & ~doubtful
    _note(block.small["ids"], line[fresh], digest[fresh])
    for one, places in one_by_one.items():
        _sift_one(block, one, places, digests, origins, outcomes)
    return outcomes


def _may_repeat(block: Block, digest: Array) -> NDArray[np.bool_]:
    """Which events are perhaps repeats: of one of the batch, or of one whose id, by its last bits, some row holds."""
    held = np.frombuffer(b"".join(block.small["ids"]), ID)
    marks = 1 << (len(held) * _MARKS_AN_ID).bit_length()
    marked = np.zeros(marks, np.bool_)
    marked[held % marks] = True
    _, at, times = np.unique(digest, return_inverse=True, return_counts=True)
    return np.asarray(marked[digest % marks] | (times[at] > 1))


def _note(ids: list[bytes], line: Indices, digest: Array) -> None:
    """Add digests, in their order, to the ids of their lines."""
    order = np.argsort(line, kind="stable")
    of_line, count = np.unique(line, return_counts=True)
    for one, added in zip(of_line.tolist(), chunks(digest[order], count), strict=True):
        ids[one] = (ids[one] + added)[-MAX_IDS * ID_BYTES :]


def _sift_one(
    block: Block,
    line: int,
    places: Sequence[int],
    digests: bytes,
    origins: Mapping[int, Origin],
    outcomes: list[Outcome],
) -> None:
    """One student's events in their order, each compared with all that were noted before it."""
    ids, came_from = block.small["ids"][line], origins_of(block.small["origins"][line])
    for place in places:
        origin, digest = origins.get(place), digests[place * ID_BYTES : (place + 1) * ID_BYTES]
        if origin is not None and origin[1:] <= came_from.get(origin[0], (-1, -1)):
            outcomes[place] = Outcome.DUPLICATE  # a partition's forwards arrive in its offset order
        elif outcomes[place] is Outcome.APPLIED:
            if _holds(ids, digest):
                outcomes[place] = Outcome.DUPLICATE
                continue
            ids = (ids + digest)[-MAX_IDS * ID_BYTES :]
            if origin is not None:
                _note_origin(came_from, origin)
    block.small["ids"][line], block.small["origins"][line] = ids, origins_part(came_from)


def _holds(ids: bytes, digest: bytes) -> bool:
    """Whether `digest` is one of `ids`, not across the border of two."""
    at = ids.find(digest)
    while at >= 0 and at % ID_BYTES:
        at = ids.find(digest, at + 1)
    return at >= 0


def _note_origin(came_from: dict[int, tuple[int, int]], origin: Origin) -> None:
    partition, offset, index = origin
    came_from.pop(partition, None)
    came_from[partition] = (offset, index)
    while len(came_from) > MAX_ORIGINS:
        del came_from[next(iter(came_from))]
