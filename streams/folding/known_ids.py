"""Finds which ids of a batch its rows know already, and notes the new ones.

Positions are counted from a student's first id ever: a row holds the last of them, its segments those before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from schemas.event import NativeEvent
from streams.rows.layout import ID, SEGMENT, Array, Indices, chunks
from streams.rows.row import ID_BYTES, RECENT_IDS, SEGMENT_IDS
from streams.rows.row_batch import Integers, RowBatch
from streams.rows.segments import sealed

More = tuple[float, int, int, int]
"""A hash that is noted beside events' ids: at which of the batch's events, whose, itself, of which own time (µs)."""
_FREE: Final = 0xC2B2AE3D27D4EB4F
_NAMED: Final = 0x9E3779B97F4A7C15
_SLOTS_AN_ID: Final = 32
_ACT: Final = b"act"
_OF_NOTHING: Final = blake2b(digest_size=ID_BYTES)
MOMENT: Final = "@"

HashPositions = dict[tuple[int, int], int]
"""The last place of a hash, by (row index, hash)."""


def digest_of(event_id: str) -> bytes:
    """The hash that a row keeps of an event's id."""
    digest = _OF_NOTHING.copy()  # to make one anew takes twice as long
    digest.update(event_id.encode())
    return digest.digest()


def _number_of_act(act_id: str) -> int:
    """The hash that a row keeps of an act's id; never compared with those of events' ids but by chance."""
    return int.from_bytes(blake2b(act_id.encode(), digest_size=ID_BYTES, person=_ACT).digest(), "little")


class ActHashes(NamedTuple):
    """The hashes of an act's ids: those by a name (an item, an attempt), and those of moments.

    An act that has a name is known at its moment by another hash than one without: two acts at one moment that have
    names of their own are two, and one without a name is the same as any at its moment.
    """

    named: tuple[int, ...]
    moments: tuple[int, ...]

    @classmethod
    def of(cls, act_ids: Sequence[str]) -> Self:
        """Hash `act_ids`."""
        named = tuple(_number_of_act(one) for one in act_ids if not one.startswith(MOMENT))
        return cls(named, tuple(_number_of_act(one) for one in act_ids if one.startswith(MOMENT)))

    @property
    def noted(self) -> tuple[int, ...]:
        """The hashes to note for an act."""
        return (*self.named, *map(named_at, self.moments)) if self.named else self.moments

    @property
    def sought(self) -> tuple[int, ...]:
        """The hashes to look up to decide whether an act is a repeat."""
        names = (*self.names, *map(named_at, self.moments))
        return (*names, *map(freed, names))

    @property
    def names(self) -> tuple[int, ...]:
        """The hashes that two events of one act may share."""
        return (*self.named, *self.moments)

    def is_repeated(self, knows: Callable[[int], bool]) -> bool:
        """Whether the act is a repeat; `knows` tests whether a hash is known.

        One without a name, told first, is that of the first named one at its moment, and of no further.
        """
        if self.named:
            return any(map(knows, self.named)) or any(knows(at) and not knows(named_at(at)) for at in self.moments)
        return any(knows(at) or knows(named_at(at)) for at in self.moments)


def named_at(moment: int) -> int:
    """The hash of an act that has a name, too, at the moment of this hash."""
    return moment ^ _NAMED


def freed(act: int) -> int:
    """The hash that is noted when the act of this hash is free again: it is known from behind this on only."""
    return act ^ _FREE


@dataclass(frozen=True, slots=True)
class Hashes:
    """The hashes of a batch's events in their order, and, by the events' indices, of the acts that they report."""

    ids: Array
    acts: Mapping[int, ActHashes]

    @classmethod
    def of(cls, events: Sequence[NativeEvent]) -> Self:
        """Hash the ids of `events`."""
        ids = np.frombuffer(b"".join([digest_of(event.event_id) for event in events]), ID)
        return cls(ids, {at: ActHashes.of(one.act_ids) for at, one in enumerate(events) if one.act_ids})

    @property
    def sought(self) -> Array:
        """All that decides whether an event is known."""
        if not self.acts:
            return self.ids
        return np.append(self.ids, np.array([one for act in self.acts.values() for one in act.sought], ID))

    def compared(self) -> tuple[Array, Indices]:
        """What events have in common that are or tell the same, and whose each is."""
        acts = [(one, at) for at, act in self.acts.items() for one in act.names]
        values, events = zip(*acts, strict=True) if acts else ((), ())
        every = np.arange(len(self.ids))
        return np.append(self.ids, np.array(values, ID)), np.append(every, np.array(events, np.intp))


class Notes(NamedTuple):
    """Hashes to be noted, as arrays in their order: whose, of which own time (µs), and whether each begins an event."""

    row_index: Indices
    values: Array
    own_us: Integers
    first: NDArray[np.bool_]

    @classmethod
    def of(
        cls, row_index: Indices, ids: Array, own_us: Integers, fresh: NDArray[np.bool_], more: Sequence[More]
    ) -> Self:
        """The `ids` of the `fresh` events, and `more` hashes where they belong among them."""
        if not more:
            order = np.argsort(row_index, kind="stable")
            order = order[fresh[order]]
            return cls(row_index[order], ids[order], own_us[order], np.ones(len(order), np.bool_))
        at = np.flatnonzero(fresh)
        indices, row_indices, values, times_us = zip(*more, strict=True)
        count = len(more)
        every_row = np.append(row_index[at], np.array(row_indices, np.intp))
        order = np.lexsort((np.append(at, np.array(indices, np.float64)), every_row))
        return cls(
            every_row[order],
            np.append(ids[at], np.array(values, ID))[order],
            np.append(own_us[at], np.array(times_us, np.int64))[order],
            np.append(np.ones(len(at), np.bool_), np.zeros(count, np.bool_))[order],
        )


def find(row_batch: RowBatch, values: Array, looked_up: Sequence[int]) -> HashPositions:
    """Where the rows hold any of `values`, be it in themselves or, of those `looked_up`, in their segments.

    Reads segments; see `Segments.read` for what that raises.
    """
    row_index, start, runs = _pieces(row_batch, looked_up)
    count = np.fromiter(map(len, runs), np.intp, len(runs)) // ID_BYTES
    held = np.frombuffer(b"".join(runs), ID)
    at = _among(held, values)
    if not len(at):
        return {}
    ends = np.cumsum(count)
    piece = np.searchsorted(ends, at, "right")
    position = start[piece] + at - (ends - count)[piece]
    return dict(zip(zip(row_index[piece].tolist(), held[at].tolist(), strict=True), position.tolist(), strict=True))


def note_ids(row_batch: RowBatch, notes: Notes, max_segments: int) -> int:
    """Note hashes, and seal what a row has no room for.

    `max_segments` is how many segments a row keeps. Return how many of the events may repeat an id not known any more:
    they are no newer than the newest of these.
    """
    of_row, start, count = _runs(notes.row_index)
    headers, ids = row_batch.headers, row_batch.sections["ids"]
    before = headers["noted"][of_row].astype(np.int64)
    beyond = int(np.count_nonzero(notes.first & (notes.own_us <= headers["beyond_us"][notes.row_index])))
    for one, added in zip(of_row.tolist(), chunks(notes.values, count), strict=True):
        ids[one] += added
    after = before + count
    headers["noted"][of_row] = after
    crossing = np.flatnonzero(_sealed(after) > _sealed(before))
    for number in crossing.tolist():
        mine = slice(int(start[number]), int(start[number] + count[number]))
        row_index, first = int(of_row[number]), notes.first[mine]
        beyond += _seal(row_batch, row_index, int(before[number]), notes.own_us[mine], first, max_segments)
    np.maximum.at(headers["newest_us"], notes.row_index, notes.own_us)
    return beyond


def _runs(ascending: Indices) -> tuple[Indices, Indices, Indices]:
    """Of values that ascend each once, where its run starts, and how long it is."""
    is_first = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=is_first[1:])
    start = is_first.nonzero()[0]
    count = np.full(len(start), len(ascending)) - start
    count[:-1] = start[1:] - start[:-1]
    return ascending[start], start, count


def _pieces(row_batch: RowBatch, looked_up: Sequence[int]) -> tuple[Indices, Indices, Sequence[bytes]]:
    """Runs of ids, oldest first within a student: whose they are, the place of their first, and themselves."""
    noted, ids = row_batch.headers["noted"].astype(np.intp), row_batch.sections["ids"]
    in_rows = noted - np.fromiter(map(len, ids), np.intp, len(ids)) // ID_BYTES
    if not looked_up:
        return np.arange(len(ids)), in_rows, ids
    counts = row_batch.headers["segments"].astype(np.intp)
    wanted = [
        (row_index, number)
        for row_index in looked_up
        for number in range(sealed(int(noted[row_index])) - int(counts[row_index]), sealed(int(noted[row_index])))
    ]
    runs = row_batch.segments.read(wanted)
    ends = [(number + 1) * SEGMENT_IDS for _, number in wanted]
    starts = [end - len(part) // ID_BYTES for end, part in zip(ends, runs, strict=True)]
    row_indices = np.array([row_index for row_index, _ in wanted], np.intp)
    return np.append(row_indices, np.arange(len(ids))), np.append(np.array(starts, np.intp), in_rows), [*runs, *ids]


def _among(held: Array, values: Array) -> Indices:
    """Where `held`, that may be many, are among `values`, that are few: nearly all miss a table of last bits."""
    slots = np.uint64((1 << (len(values) * _SLOTS_AN_ID).bit_length()) - 1)
    table = np.zeros(int(slots) + 1, np.bool_)
    table[values & slots] = True
    at: Indices = table[held & slots].nonzero()[0]
    return at[np.isin(held[at], values)] if len(at) else at


def _sealed(noted: Integers) -> Integers:
    return np.maximum(0, noted - RECENT_IDS) // SEGMENT_IDS


def _seal(
    row_batch: RowBatch, row_index: int, before: int, own_us: Integers, first: NDArray[np.bool_], max_segments: int
) -> int:
    """Seal as many segments as are due on a row that has noted hashes of these own times, `before` of others.

    Each is what it would have been, had the hashes come one by one. `first` are those that begin an event. Return how
    many of the events may repeat an id that was given up on the way.
    """
    headers, ids = row_batch.headers, row_batch.sections["ids"]
    newest = np.maximum.accumulate(np.maximum(own_us, headers["newest_us"][row_index]))
    times = np.frombuffer(row_batch.sections["segments"][row_index], SEGMENT).tolist()
    beyond = 0
    for number in range(sealed(before), sealed(before + len(own_us))):
        end = (number + 1) * SEGMENT_IDS
        left = (before + len(own_us) - end) * ID_BYTES
        row_batch.segments.seal(row_index, number, ids[row_index][:-left])
        ids[row_index] = ids[row_index][-left:]
        at = end + RECENT_IDS - before  # the first hash noted after this was sealed
        times.append(int(newest[at - 1]))
        while len(times) > max_segments:
            row_batch.segments.delete(row_index, number + 1 - len(times))
            gone_us, known_us = times.pop(0), int(headers["beyond_us"][row_index])
            beyond += int(np.sum(first[at:] & (own_us[at:] <= gone_us) & (own_us[at:] > known_us)))
            headers["beyond_us"][row_index] = max(known_us, gone_us)
    row_batch.sections["segments"][row_index] = np.array(times, SEGMENT).tobytes()
    return beyond
