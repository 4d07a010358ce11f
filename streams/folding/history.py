"""What one student's row knows of ids, acts and origins, while its events of a batch are looked at in their order."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, NamedTuple

from streams.folding.known_ids import ActHashes, HashPositions, More, freed
from streams.folding.voided_acts import HeldActs
from streams.input.origin import Origin
from streams.rows.row import SEGMENT_IDS
from streams.rows.row_batch import RowBatch
from streams.rows.sections import origins_of, origins_section
from streams.rows.segments import sealed

MAX_ORIGINS: Final = 8
NO_ACT: Final = ActHashes((), ())
_NEVER_US: Final = -(1 << 62)


class FoldOutcome(Enum):
    """The outcome of one event on its owning partition."""

    APPLIED = "applied"
    LATE = "late"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    RETOLD = "retold"
    """Another event of the same act was applied before."""


class Identity(NamedTuple):
    """The hashes by which a repeat of an event is found; `always`: what it repeats may have another time."""

    id: int
    act: ActHashes
    own_us: int
    always: bool
    seen_us: int
    bit: int
    is_far: bool


class StudentHistory:
    """One student's ids while its events of a batch are looked at in their order."""

    def __init__(self, row_batch: RowBatch, row_index: int, positions: HashPositions, max_segments: int) -> None:
        headers = row_batch.headers
        self.held = HeldActs(row_batch.sections["acts"][row_index])
        self._came_from = origins_of(row_batch.sections["origins"][row_index])
        self._row_index = row_index
        self._positions = positions
        self._max_segments = max_segments
        self._noted = int(headers["noted"][row_index])
        self._newest_us = int(headers["newest_us"][row_index])
        self._far_times = int(headers["far_times"][row_index])
        self._sealed = sealed(self._noted)
        self._first = self._sealed - int(headers["segments"][row_index])

    def free(self, voided: Iterable[tuple[int, int]]) -> list[More]:
        """Forget the acts of voided events; return what is to be noted of that."""
        more = list[More]()
        for before, event in voided:
            free = [freed(act) for act in self.held.release(event)]
            self._note(free, _NEVER_US)
            more += [(before - 0.5, self._row_index, value, _NEVER_US) for value in free]
        return more

    def take(
        self, outcome: FoldOutcome, identity: Identity, origin: Origin | None
    ) -> tuple[FoldOutcome, Sequence[int]]:
        """Decide the next event, which is APPLIED or IGNORED if it is not known; return what is noted of its act, too.

        An event that tells an act again makes known all the names that it has for it: so acts told by A and B, and by
        B and C, are one.
        """
        if origin is not None and origin[1:] <= self._came_from.get(origin[0], (-1, -1)):
            return FoldOutcome.DUPLICATE, ()  # a partition's forwards arrive in its offset order
        if outcome is not FoldOutcome.APPLIED:
            return outcome, ()
        if self._knows(identity.id, identity):
            return FoldOutcome.DUPLICATE, ()
        act = identity.act
        if act.is_repeated(lambda value: self._knows(value, identity)):
            joined = [value for value in act.noted if not self._knows(value, identity)]
            self._note_of(identity, joined)
            self.held.join(act.sought, joined)
            return FoldOutcome.RETOLD, joined
        self._note_of(identity, (identity.id, *act.noted))
        if origin is not None:
            self._note_origin(origin)
        return outcome, act.noted

    def store(self, row_batch: RowBatch) -> None:
        """Write the origins and the held acts to the row; ids are noted for all rows of the batch together."""
        row_batch.sections["origins"][self._row_index] = origins_section(self._came_from)
        row_batch.sections["acts"][self._row_index] = self.held.part

    def _knows(self, value: int, identity: Identity) -> bool:
        """Whether a hash of the event is known: in the row, or, if it may be old, in a segment."""
        may_be_old = identity.always or identity.own_us <= self._newest_us or bool(identity.bit & self._far_times)
        since = (self._first if may_be_old else self._sealed) * SEGMENT_IDS
        index = self._positions.get((self._row_index, value), -1)
        return index >= since and index > self._positions.get((self._row_index, freed(value)), -1)

    def _note_of(self, identity: Identity, values: Sequence[int]) -> None:
        """Know these of an event from now on."""
        if values and identity.is_far:
            self._far_times |= identity.bit
        self._note(values, identity.seen_us)

    def _note(self, values: Iterable[int], seen_us: int) -> None:
        for value in values:
            self._positions[self._row_index, value] = self._noted
            self._noted += 1
            self._newest_us = max(self._newest_us, seen_us)
        if (now := sealed(self._noted)) > self._sealed:
            self._sealed, self._first = now, max(self._first, now - self._max_segments)

    def _note_origin(self, origin: Origin) -> None:
        partition, offset, index = origin
        self._came_from.pop(partition, None)
        self._came_from[partition] = (offset, index)
        while len(self._came_from) > MAX_ORIGINS:
            del self._came_from[next(iter(self._came_from))]
