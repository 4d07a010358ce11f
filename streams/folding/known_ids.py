"""What a batch's rows know of ids: which of the batch's were noted before, and noting the new ones.

Places are counted from a student's first id ever: a row holds the last of them, its segments those before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.event import NativeEvent
from streams.rows.layout import ID, SEGMENT, Array, Indices, chunks
from streams.rows.row import ID_BYTES, RECENT_IDS, SEGMENT_IDS
from streams.rows.row_batch import Block, Integers
from streams.rows.segments import sealed

_SLOTS_AN_ID: Final = 32
_ACT: Final = b"act"
MOMENT: Final = "@"

Places = dict[tuple[int, int], int]
"""The last place of a hash, by (row index, hash)."""


def digest_of(event_id: str) -> bytes:
    """The hash that a row keeps of an event's id."""
    return blake2b(event_id.encode(), digest_size=ID_BYTES).digest()


def digest_of_act(act_id: str) -> bytes:
    """The hash that a row keeps of an act's id; never compared with those of events' ids but by chance."""
    return blake2b(act_id.encode(), digest_size=ID_BYTES, person=_ACT).digest()


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes of a batch's events in their order: `event[i]` is the index of the event that `values[i]` is of.

    An event has one, of its id, and one more for each id of the act that it tells. `acts` are the events that may tell
    an act which was told at another time.
    """

    values: Array
    event: Indices
    acts: frozenset[int]

    @classmethod
    def of(cls, events: Sequence[NativeEvent]) -> "Hashes":
        """Hash the ids of `events`."""
        values = np.frombuffer(b"".join([digest_of(event.event_id) for event in events]), ID)
        event = np.arange(len(events))
        acts = [(at, act) for at, one in enumerate(events) if one.act_ids for act in one.act_ids]
        if acts:
            behind = [at + 1 for at, _ in acts]
            values = np.insert(values, behind, np.frombuffer(b"".join([digest_of_act(act) for _, act in acts]), ID))
            event = np.insert(event, behind, [at for at, _ in acts])
        return cls(values, event, frozenset(at for at, act in acts if not act.startswith(MOMENT)))

    def by_event(self) -> list[list[int]]:
        """Each event's hashes."""
        values = self.values.tolist()
        events = int(self.event[-1]) + 1 if values else 0
        if len(values) == events:
            return [[value] for value in values]
        ends = np.searchsorted(self.event, np.arange(events), "right").tolist()
        return [values[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def find(block: Block, values: Array, looked_up: Sequence[int]) -> Places:
    """Where the rows hold any of `values`, be it in themselves or, of those `looked_up`, in their segments.

    Reads segments; see `Segments.read` for what that raises.
    """
    line, start, parts = _pieces(block, looked_up)
    count = np.fromiter(map(len, parts), np.intp, len(parts)) // ID_BYTES
    held = np.frombuffer(b"".join(parts), ID)
    at = np.flatnonzero(_among(held, values))
    ends = np.cumsum(count)
    piece = np.searchsorted(ends, at, "right")
    place = start[piece] + at - (ends - count)[piece]
    return dict(zip(zip(line[piece].tolist(), held[at].tolist(), strict=True), place.tolist(), strict=True))


def note(block: Block, line: Indices, hashes: Hashes, fresh: NDArray[np.bool_], own_us: Integers, kept: int) -> int:
    """Note the ids of the `fresh` events, in their order, and seal what a row has no room for.

    `kept` is how many segments a row keeps. Return how many of the events may repeat an id not known any more: they are
    no newer than the newest of these.
    """
    chosen = fresh[hashes.event]
    event = hashes.event[chosen]
    order = np.argsort(line[event], kind="stable")
    event, values = event[order], hashes.values[chosen][order]
    of_line, start, count = np.unique(line[event], return_index=True, return_counts=True)
    head, ids = block.head, block.small["ids"]
    before = head["noted"][of_line].astype(np.int64)
    first = np.append(True, event[1:] != event[:-1])[: len(event)]
    beyond = int(np.sum(own_us[event[first]] <= head["beyond_us"][line[event[first]]]))
    for one, added in zip(of_line.tolist(), chunks(values, count), strict=True):
        ids[one] += added
    head["noted"][of_line] += count.astype(np.uint32)
    crossing = np.flatnonzero(_sealed(before + count) > _sealed(before))
    for number in crossing.tolist():
        mine = slice(int(start[number]), int(start[number] + count[number]))
        times = own_us[event[mine]]
        beyond += _seal(block, int(of_line[number]), int(before[number]), times, first[mine], kept)
    np.maximum.at(head["newest_us"], line[event], own_us[event])
    return beyond


def _pieces(block: Block, looked_up: Sequence[int]) -> tuple[Indices, Indices, list[bytes]]:
    """Runs of ids, oldest first within a student: whose they are, the place of their first, and themselves."""
    noted, ids = block.head["noted"].astype(np.intp), block.small["ids"]
    counts = block.head["segments"].astype(np.intp)
    wanted = [
        (line, number)
        for line in looked_up
        for number in range(sealed(int(noted[line])) - int(counts[line]), sealed(int(noted[line])))
    ]
    parts = block.segments.read(wanted)
    ends = [(number + 1) * SEGMENT_IDS for _, number in wanted]
    starts = [end - len(part) // ID_BYTES for end, part in zip(ends, parts, strict=True)]
    in_rows = noted - np.fromiter(map(len, ids), np.intp, len(ids)) // ID_BYTES
    lines = np.array([line for line, _ in wanted], np.intp)
    return np.append(lines, np.arange(len(ids))), np.append(np.array(starts, np.intp), in_rows), [*parts, *ids]


def _among(held: Array, values: Array) -> NDArray[np.bool_]:
    """Which of `held`, that may be many, are among `values`, that are few: nearly all miss a table of last bits."""
    slots = np.uint64((1 << (len(values) * _SLOTS_AN_ID).bit_length()) - 1)
    table = np.zeros(int(slots) + 1, np.bool_)
    table[values & slots] = True
    found: NDArray[np.bool_] = table[held & slots]
    at = np.flatnonzero(found)
    found[at] = np.isin(held[at], values)
    return found


def _sealed(noted: Integers) -> Integers:
    return np.maximum(0, noted - RECENT_IDS) // SEGMENT_IDS


def _seal(block: Block, line: int, before: int, own_us: Integers, first: NDArray[np.bool_], kept: int) -> int:
    """Seal as many segments as are due on a row that has noted hashes of these own times, `before` of others.

    Each is what it would have been, had the hashes come one by one. `first` are those that begin an event. Return how
    many of the events may repeat an id that was given up on the way.
    """
    head, ids = block.head, block.small["ids"]
    newest = np.maximum.accumulate(np.maximum(own_us, head["newest_us"][line]))
    times = np.frombuffer(block.small["segments"][line], SEGMENT).tolist()
    beyond = 0
    for number in range(sealed(before), sealed(before + len(own_us))):
        end = (number + 1) * SEGMENT_IDS
        left = (before + len(own_us) - end) * ID_BYTES
        block.segments.seal(line, number, ids[line][:-left])
        ids[line] = ids[line][-left:]
        at = end + RECENT_IDS - before  # the first hash noted after this was sealed
        times.append(int(newest[at - 1]))
        while len(times) > kept:
            block.segments.delete(line, number + 1 - len(times))
            gone_us, known_us = times.pop(0), int(head["beyond_us"][line])
            beyond += int(np.sum(first[at:] & (own_us[at:] <= gone_us) & (own_us[at:] > known_us)))
            head["beyond_us"][line] = max(known_us, gone_us)
    block.small["segments"][line] = np.array(times, SEGMENT).tobytes()
    return beyond
