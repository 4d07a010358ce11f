"""Which of a batch's events are new: known neither by their ids, among the student's last, nor by their origin.

Nearly all are, and most batches hold no repeat at all: students of whom nothing looks like a repeat are taken in one
go, the others event by event.

An id is looked for in the row, always, and in the row's segments, unless the event cannot be one of theirs: a repeat
has the time of the event that it repeats, so one whose own time is newer than all that were noted repeats none. No such
thing holds of an event whose time may be its record's (it had none, or it is not before its record's), nor of one that
tells an act which another event may have told at another time.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from schemas.event import NativeEvent
from streams.folding.event_time import newest_before
from streams.folding.history import NO_ACT, FoldOutcome, Identity, StudentHistory
from streams.folding.known_ids import Hashes, HashPositions, More, Notes, find, named_at, note_ids
from streams.folding.voided_acts import Foresight, HeldActs, Voids
from streams.input.origin import Origin
from streams.rows.layout import Array, Indices
from streams.rows.row import FAR_US
from streams.rows.row_batch import Integers, RowBatch

_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


class Times(NamedTuple):
    """The events' own times and those of their records, in µs.

    `is_far`: which are more than FAR_US after their records'. `seen_us` moves the newest time that a row has seen: of
    one that is far off, its record's.
    """

    own_us: Integers
    record_us: Integers
    is_far: NDArray[np.bool_]
    seen_us: Integers

    @classmethod
    def of(cls, own_us: Integers, record_us: Integers) -> Self:
        """Compare own times with those of the records."""
        is_far = own_us > record_us + FAR_US
        return cls(own_us, record_us, is_far, np.where(is_far, record_us, own_us) if is_far.any() else own_us)

    @property
    def bits(self) -> Array:
        """Which of a row's `far_times` stands for each own time."""
        return np.asarray(np.uint64(1) << (self.own_us.astype(np.uint64) * _SPREAD >> np.uint64(58)))


class Deduplicated(NamedTuple):
    """`beyond` counts new events that may repeat an id which is not known any more. `joined` are the indices of events
    that are not new, but from which a row learned another name of their act.
    """

    outcomes: list[FoldOutcome]
    fresh: NDArray[np.bool_]
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
    row_index, hashes = np.asarray(row_indices, np.intp), Hashes.of(events)
    may_be_old = _may_be_old(row_batch, row_index, hashes, times)
    positions = find(row_batch, hashes.sought, _with_segments(row_batch, row_index[may_be_old]))
    voided = voids.concern_acts(row_batch, row_indices) if voids is not None else set()
    suspects = row_index[_doubtful(row_index, hashes, positions)]
    doubtful = np.zeros(len(row_index), np.bool_)
    if len(suspects) or origins or voided:
        doubtful = np.isin(row_index, [*suspects.tolist(), *(row_indices[index] for index in origins), *voided])
    one_by_one: defaultdict[int, list[int]] = defaultdict(list, {one: [] for one in voided})
    for index in np.flatnonzero(doubtful).tolist():
        one_by_one[row_indices[index]].append(index)
    run = _Run(row_batch, row_indices, events, hashes, times, useful)
    for one, mine in one_by_one.items():
        history = StudentHistory(row_batch, one, positions, max_segments)
        run.take_in_order(history, mine, origins, Foresight(row_batch, one, voids) if voids and one in voided else None)
    run.take_acts_at_once([index for index in hashes.acts if not doubtful[index] and useful[index]])
    return run.noted(row_index, max_segments)


class _Run:
    """One deduplication of a batch: the outcomes so far, and what the rows are to know from now on."""

    def __init__(
        self,
        row_batch: RowBatch,
        row_indices: Sequence[int],
        events: Sequence[NativeEvent],
        hashes: Hashes,
        times: Times,
        useful: Sequence[bool],
    ) -> None:
        self._row_batch = row_batch
        self._row_indices = row_indices
        self._events = events
        self._hashes = hashes
        self._times = times
        self._always_old = _always_old(hashes, times)
        self._outcomes = [FoldOutcome.APPLIED if use else FoldOutcome.IGNORED for use in useful]
        self._more = list[More]()
        self._joined = list[int]()

    def take_in_order(
        self, history: StudentHistory, mine: Sequence[int], origins: Mapping[int, Origin], foresight: Foresight | None
    ) -> None:
        """Take the events of one student, one after the other, and the voids among them."""
        for index, identity in zip(mine, self._identities(mine), strict=True):
            if foresight is not None:
                self._more += history.free(foresight.voided_before(index))
            outcome, noted = history.take(self._outcomes[index], identity, origins.get(index))
            self._outcomes[index] = outcome
            if outcome is FoldOutcome.APPLIED:
                if self._events[index].voidable:
                    history.held.add(identity.id, noted)
                if foresight is not None:
                    foresight.add(index)
            elif outcome is FoldOutcome.RETOLD and noted:
                self._joined.append(index)
            self._note_more(index, noted)
        if foresight is not None:
            self._more += history.free(foresight.voided_before(len(self._events)))
        history.store(self._row_batch)

    def _identities(self, indices: Sequence[int]) -> list[Identity]:
        times, hashes = self._times, self._hashes
        columns = (hashes.ids, times.own_us, self._always_old, times.seen_us, times.bits, times.is_far)
        ids, own_us, always, seen_us, bits, is_far = (column[indices].tolist() for column in columns)
        acts = [hashes.acts.get(index, NO_ACT) for index in indices]
        return list(map(Identity, ids, acts, own_us, always, seen_us, bits, is_far))

    def take_acts_at_once(self, indices: Sequence[int]) -> None:
        """Take the acts of new events whose students have nothing that looks like a repeat."""
        held = dict[int, HeldActs]()
        for index in indices:
            row, act = self._row_indices[index], self._hashes.acts[index]
            if self._events[index].voidable:
                if row not in held:
                    held[row] = HeldActs(self._row_batch.sections["acts"][row])
                held[row].add(int(self._hashes.ids[index]), act.noted)
            self._note_more(index, act.noted)
        for row, acts in held.items():
            self._row_batch.sections["acts"][row] = acts.part

    def _note_more(self, index: int, values: Sequence[int]) -> None:
        if values:
            row_index, seen_us = self._row_indices[index], int(self._times.seen_us[index])
            self._more += [(index, row_index, value, seen_us) for value in values]

    def noted(self, row_index: Indices, max_segments: int) -> Deduplicated:
        """The result, once the rows know the ids and acts of what is new."""
        times = self._times
        fresh = np.array([outcome is FoldOutcome.APPLIED for outcome in self._outcomes], np.bool_)
        is_noted = fresh.copy()
        is_noted[self._joined] = True
        far = times.is_far & is_noted
        if far.any():
            np.bitwise_or.at(self._row_batch.headers["far_times"], row_index[far], times.bits[far])
        notes = Notes.of(row_index, self._hashes.ids, times.seen_us, fresh, self._more)
        beyond = note_ids(self._row_batch, notes, max_segments)
        return Deduplicated(self._outcomes, fresh, beyond, sorted(self._joined))


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
    bits = times.bits
    np.bitwise_or.at(far_times, row_index[times.is_far], bits[times.is_far])
    may_be_far: NDArray[np.bool_] = (far_times[row_index] & bits) != 0
    return _always_old(hashes, times) | (times.own_us <= newest_us) | may_be_far


def _with_segments(row_batch: RowBatch, row_index: Indices) -> list[int]:
    if not len(row_index):
        return []
    row_indices = np.unique(row_index)
    found: list[int] = row_indices[row_batch.headers["segments"][row_indices] > 0].tolist()
    return found


def _doubtful(row_index: Indices, hashes: Hashes, positions: HashPositions) -> NDArray[np.intp]:
    """Events with a hash that their row knows, or that comes twice in the batch."""
    values, event = hashes.compared()
    twice = np.zeros(len(values), np.bool_)
    if len(set(values.tolist())) < len(values):
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
