"""Which of a batch's events are new: known neither by their ids, among the student's last, nor by their origin.

Nearly all are, and most batches hold no repeat at all: students of whom nothing looks like a repeat are taken in one
go, the others event by event.

An id is looked for in the row, always, and in the row's segments, unless the event cannot be one of theirs: a repeat
has the time of the event that it repeats, so one whose own time is newer than all that were noted repeats none. No such
thing holds of an event whose time may be its record's (it had none, or it is not before its record's), nor of one that
tells an act which another event may have told at another time.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.event import NativeEvent
from streams.folding.event_time import newest_before
from streams.folding.known_ids import ActHashes, Hashes, HashPositions, More, Notes, find, freed, named_at, note_ids
from streams.folding.voided_acts import Foresight, HeldActs, Voids
from streams.input.origin import Origin
from streams.rows.layout import Array, Indices
from streams.rows.row import FAR_US, SEGMENT_IDS
from streams.rows.row_batch import Integers, RowBatch
from streams.rows.sections import origins_of, origins_section
from streams.rows.segments import sealed

MAX_ORIGINS: Final = 8
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_NEVER_US: Final = -(1 << 62)
_NO_ACT: Final = ActHashes((), ())


class FoldOutcome(Enum):
    """The outcome of one event on its owning partition."""

    APPLIED = "applied"
    LATE = "late"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    RETOLD = "retold"
    """Another event of the same act was applied before."""


class Times(NamedTuple):
    """The events' own times and those of their records, in µs."""

    own_us: Integers
    record_us: Integers

    @property
    def is_far(self) -> NDArray[np.bool_]:
        """Which are more than FAR_US after their records'."""
        return self.own_us > self.record_us + FAR_US

    @property
    def seen_us(self) -> Integers:
        """What moves the newest time that a row has seen: of one that is far off, its record's."""
        return np.where(self.is_far, self.record_us, self.own_us)

    @property
    def bits(self) -> Array:
        """Which of a row's `far_times` stands for an own time."""
        return np.uint64(1) << (self.own_us.astype(np.uint64) * _SPREAD >> np.uint64(58))


class Deduplicated(NamedTuple):
    """`beyond` counts new events that may repeat an id which is not known any more. `joined` are the indices of events
    that are not new, but from which a row learned another name of their act.
    """

    outcomes: list[FoldOutcome]
    beyond: int
    joined: list[int]


def deduplicate(
    row_batch: RowBatch,
    row_indices: Sequence[int],
    events: Sequence[NativeEvent],
    useful: Sequence[bool],
    times: Times,
    origins: Mapping[int, Origin],
    max_segments: int,
    voids: Voids | None = None,
) -> Deduplicated:
    """Say of each event whether it is new, and note in the row batch that the new ones were seen.

    Those that are not `useful` are ignored, and not noted. `origins` is by the events' indices. `max_segments` is how
    many segments a row keeps. Acts of events that `voids` find are free again. Raises Fatal
    where a segment is missing.
    """
    outcomes = [FoldOutcome.APPLIED if use else FoldOutcome.IGNORED for use in useful]
    row_index, hashes = np.asarray(row_indices, np.intp), Hashes.of(events)
    may_be_old = _may_be_old(row_batch, row_index, hashes, times)
    positions = find(row_batch, hashes.sought, _with_segments(row_batch, row_index[may_be_old]))
    voided = voids.concern_acts(row_batch, row_indices) if voids is not None else set()
    looked_at = np.concatenate(
        [row_index[_doubtful(row_index, hashes, positions)], row_index[list(origins)], np.array(list(voided), int)]
    )
    doubtful = np.isin(row_index, looked_at)
    one_by_one: defaultdict[int, list[int]] = defaultdict(list, {one: [] for one in voided})
    for index in np.flatnonzero(doubtful).tolist():
        one_by_one[row_indices[index]].append(index)
    more, joined = list[More](), list[int]()
    seen_us = times.seen_us.tolist()
    if one_by_one:
        ids, own_us, bits = (column.tolist() for column in (hashes.ids, times.own_us, times.bits))
        is_far = times.is_far.tolist()
        always = _always_old(hashes, times)
        for one, mine in one_by_one.items():
            came_from = origins_of(row_batch.sections["origins"][one])
            history = _History(row_batch, one, positions, max_segments)
            foresight = Foresight(row_batch, one, voids) if voids is not None and one in voided else None
            for index in mine:
                if foresight is not None:
                    more += history.free(foresight.voided_before(index))
                event_ids = Identity(
                    ids[index],
                    hashes.acts.get(index, _NO_ACT),
                    own_us[index],
                    bool(always[index]),
                    seen_us[index],
                    bits[index],
                    is_far[index],
                )
                outcomes[index], noted = _outcome(outcomes[index], history, event_ids, origins.get(index), came_from)
                if outcomes[index] is FoldOutcome.APPLIED:
                    if events[index].voidable:
                        history.held.add(event_ids.id, noted)
                    if foresight is not None:
                        foresight.add(index)
                more += [(index, one, value, seen_us[index]) for value in noted]
                if noted and outcomes[index] is FoldOutcome.RETOLD:
                    joined.append(index)
            if foresight is not None:
                more += history.free(foresight.voided_before(len(events)))
            row_batch.sections["origins"][one] = origins_section(came_from)
            row_batch.sections["acts"][one] = history.held.part
    held = dict[int, HeldActs]()
    for index, act in hashes.acts.items():
        if not doubtful[index] and useful[index] and events[index].voidable:
            row = row_indices[index]
            if row not in held:
                held[row] = HeldActs(row_batch.sections["acts"][row])
            held[row].add(int(hashes.ids[index]), act.noted)
    for row, acts in held.items():
        row_batch.sections["acts"][row] = acts.part
    more += [
        (index, row_indices[index], value, seen_us[index])
        for index, act in hashes.acts.items()
        if not doubtful[index] and useful[index]
        for value in act.noted
    ]
    fresh = np.array([outcome is FoldOutcome.APPLIED for outcome in outcomes], np.bool_)
    is_noted = fresh.copy()
    is_noted[joined] = True
    far = times.is_far & is_noted
    np.bitwise_or.at(row_batch.headers["far_times"], row_index[far], times.bits[far])
    return Deduplicated(
        outcomes,
        note_ids(row_batch, Notes.of(row_index, hashes.ids, times.seen_us, fresh, more), max_segments),
        sorted(joined),
    )


class Identity(NamedTuple):
    """The hashes by which a repeat of an event is found; `always`: what it repeats may have another time."""

    id: int
    act: ActHashes
    own_us: int
    always: bool
    seen_us: int
    bit: int
    is_far: bool


def _always_old(hashes: Hashes, times: Times) -> NDArray[np.bool_]:
    """Events that may repeat one of another time."""
    always: NDArray[np.bool_] = times.own_us >= times.record_us
    always[[index for index, act in hashes.acts.items() if act.named]] = True
    return always


def _may_be_old(row_batch: RowBatch, row_index: Indices, hashes: Hashes, times: Times) -> NDArray[np.bool_]:
    """At least the events that are to be looked for in segments: as if all before them in the batch were new."""
    if not np.any(row_batch.headers["segments"]):
        return np.zeros(len(row_index), np.bool_)
    newest_us = newest_before(row_index, times.seen_us, row_batch.headers["newest_us"][row_index])
    far_times = row_batch.headers["far_times"].copy()
    np.bitwise_or.at(far_times, row_index[times.is_far], times.bits[times.is_far])
    may_be_far: NDArray[np.bool_] = (far_times[row_index] & times.bits) != 0
    return _always_old(hashes, times) | (times.own_us <= newest_us) | may_be_far


def _with_segments(row_batch: RowBatch, row_index: Indices) -> list[int]:
    row_indices = np.unique(row_index)
    found: list[int] = row_indices[row_batch.headers["segments"][row_indices] > 0].tolist()
    return found


def _doubtful(row_index: Indices, hashes: Hashes, positions: HashPositions) -> NDArray[np.intp]:
    """Events with a hash that their row knows, or that comes twice in the batch."""
    values, event = hashes.compared()
    _, at, times = np.unique(values, return_inverse=True, return_counts=True)
    twice = times[at] > 1
    if positions:
        row_indices = row_index[event].tolist()
        known = [
            pair in positions or (pair[0], named_at(pair[1])) in positions
            for pair in zip(row_indices, values.tolist(), strict=True)
        ]
        twice |= np.array(known, np.bool_)
    return event[twice]


class _History:
    """One student's ids while its events of a batch are looked at in their order."""

    def __init__(self, row_batch: RowBatch, row_index: int, positions: HashPositions, max_segments: int) -> None:
        headers = row_batch.headers
        self.held = HeldActs(row_batch.sections["acts"][row_index])
        self._row_index = row_index
        self._positions = positions
        self._max_segments = max_segments
        self._noted = int(headers["noted"][row_index])
        self._newest_us = int(headers["newest_us"][row_index])
        self._far_times = int(headers["far_times"][row_index])
        self._sealed = sealed(self._noted)
        self._first = self._sealed - int(headers["segments"][row_index])

    def knows(self, value: int, event_ids: Identity) -> bool:
        """Whether a hash of the event is known: in the row, or, if it may be old, in a segment."""
        may_be_old = event_ids.always or event_ids.own_us <= self._newest_us or bool(event_ids.bit & self._far_times)
        since = (self._first if may_be_old else self._sealed) * SEGMENT_IDS
        index = self._positions.get((self._row_index, value), -1)
        return index >= since and index > self._positions.get((self._row_index, freed(value)), -1)

    def free(self, voided: Iterable[tuple[int, int]]) -> list[More]:
        """The acts of voided events are known no more; what is to be noted of it."""
        more = list[More]()
        for before, event in voided:
            free = [freed(act) for act in self.held.release(event)]
            self._note(free, _NEVER_US)
            more += [(before - 0.5, self._row_index, value, _NEVER_US) for value in free]
        return more

    def note(self, values: Sequence[int], event_ids: Identity) -> None:
        """These of an event are known from now on."""
        if values and event_ids.is_far:
            self._far_times |= event_ids.bit
        self._note(values, event_ids.seen_us)

    def _note(self, values: Iterable[int], seen_us: int) -> None:
        for value in values:
            self._positions[self._row_index, value] = self._noted
            self._noted += 1
            self._newest_us = max(self._newest_us, seen_us)
        if (now := sealed(self._noted)) > self._sealed:
            self._sealed, self._first = now, max(self._first, now - self._max_segments)


def _outcome(
    outcome: FoldOutcome,
    history: _History,
    event_ids: Identity,
    origin: Origin | None,
    came_from: dict[int, tuple[int, int]],
) -> tuple[FoldOutcome, Sequence[int]]:
    """Return the outcome of a student's next event, APPLIED or IGNORED if it is not known; and what of its act is
    noted.

    An event that tells an act again makes known all the names that it has for it: so acts told by A and B, and by B and
    C, are one.
    """
    if origin is not None and origin[1:] <= came_from.get(origin[0], (-1, -1)):
        return FoldOutcome.DUPLICATE, ()  # a partition's forwards arrive in its offset order
    if outcome is not FoldOutcome.APPLIED:
        return outcome, ()

    def knows(value: int) -> bool:
        return history.knows(value, event_ids)

    if knows(event_ids.id):
        return FoldOutcome.DUPLICATE, ()
    if event_ids.act.is_repeated(knows):
        joined = [value for value in event_ids.act.noted if not knows(value)]
        history.note(joined, event_ids)
        history.held.join(event_ids.act.sought, joined)
        return FoldOutcome.RETOLD, joined
    history.note((event_ids.id, *event_ids.act.noted), event_ids)
    if origin is not None:
        _note_origin(came_from, origin)
    return outcome, event_ids.act.noted


def _note_origin(came_from: dict[int, tuple[int, int]], origin: Origin) -> None:
    partition, offset, index = origin
    came_from.pop(partition, None)
    came_from[partition] = (offset, index)
    while len(came_from) > MAX_ORIGINS:
        del came_from[next(iter(came_from))]
