"""Which of a batch's events are new: known neither by their id, among the student's last MAX_IDS, nor by their origin.

Nearly all are, and most batches hold no repeat at all: students of whom nothing looks like a repeat are taken in one
go, the others event by event.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum
from hashlib import blake2b
from typing import Final

from schemas.event import NativeEvent
from streams.block import Block
from streams.row import ID_BYTES, MAX_IDS
from streams.row_parts import origins_of, origins_part

MAX_ORIGINS: Final = 8
Origin = tuple[int, int, int]
"""(partition, offset, index) that a forwarded event came from."""


class Outcome(Enum):
    """What became of an event that reached its home."""

    APPLIED = "applied"
    LATE = "late"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"


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
    digests = [blake2b(event.event_id.encode(), digest_size=ID_BYTES).digest() for event in events]
    doubtful = _doubtful(block, lines, digests) | {lines[place] for place in origins}
    fresh: defaultdict[int, list[bytes]] = defaultdict(list)
    one_by_one: defaultdict[int, list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        if line in doubtful:
            one_by_one[line].append(place)
        elif useful[place]:
            fresh[line].append(digests[place])
    ids = block.small["ids"]
    for line, of_line in fresh.items():
        ids[line] = (ids[line] + b"".join(of_line))[-MAX_IDS * ID_BYTES :]
    for line, places in one_by_one.items():
        _sift_one(block, line, places, digests, origins, outcomes)
    return outcomes


def _doubtful(block: Block, lines: Sequence[int], digests: Sequence[bytes]) -> set[int]:
    """The lines with an event that may be a repeat."""
    ids = block.small["ids"]
    doubtful = {line for line, digest in zip(lines, digests, strict=True) if digest in ids[line]}
    if len(set(digests)) < len(digests):
        times = Counter(digests)
        doubtful |= {line for line, digest in zip(lines, digests, strict=True) if times[digest] > 1}
    return doubtful


def _sift_one(
    block: Block,
    line: int,
    places: Sequence[int],
    digests: Sequence[bytes],
    origins: Mapping[int, Origin],
    outcomes: list[Outcome],
) -> None:
    """One student's events in their order, each compared with all that were noted before it."""
    ids, came_from = block.small["ids"][line], origins_of(block.small["origins"][line])
    for place in places:
        origin, digest = origins.get(place), digests[place]
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
