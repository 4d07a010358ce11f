"""Which voids of a batch will find their event, known before sums are touched, and which acts are free again by it.

An act is known by its hashes (`streams.folding.known_ids`). A row holds, by event, those of the last voidable events:
where such an event is voided, they are no longer known, and the next event of the act counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from schemas.event import Attempt, Message, NativeEvent, Reflection, Rubric
from streams.folding.event_time import ALLOWED_LATENESS_US
from streams.folding.facts import has_passed
from streams.folding.readings import after_failure
from streams.folding.retraction import Void
from streams.folding.voidable import counted_ids, digest_as_int, first_within_bound
from streams.rows.layout import HELD_ACT, VOIDABLE, Array
from streams.rows.row import MAX_HELD_ACTS
from streams.rows.row_batch import Integers, RowBatch
from streams.rows.sections import failures_of

_TEXTS: Final = (Message, Reflection)


class HeldActs:
    """The acts of one row's voidable events, as (event, act) hashes, oldest first; at most MAX_HELD_ACTS."""

    def __init__(self, part: bytes) -> None:
        self._pairs: list[tuple[int, int]] = np.frombuffer(part, HELD_ACT).tolist()

    def add(self, event: int, acts: Iterable[int]) -> None:
        """Hold the acts of an event."""
        self._pairs += [(event, act) for act in acts]
        del self._pairs[:-MAX_HELD_ACTS]

    def join(self, reported_by: Iterable[int], more: Sequence[int]) -> None:
        """Hold `more` for the last event that holds one of `reported_by`; nothing if none does."""
        names = set(reported_by)
        event = next((event for event, act in reversed(self._pairs) if act in names), None)
        if event is not None:
            self.add(event, more)

    def release(self, event: int) -> list[int]:
        """Give up the acts of an event; return those that no other event holds."""
        its = [act for one, act in self._pairs if one == event]
        self._pairs = [pair for pair in self._pairs if pair[0] != event]
        others = {act for _, act in self._pairs}
        return [act for act in dict.fromkeys(its) if act not in others]

    @property
    def part(self) -> bytes:
        """The part of the row."""
        return np.array(self._pairs, HELD_ACT).tobytes() if self._pairs else b""


@dataclass(frozen=True, slots=True)
class Voids:
    """A batch's voids by row, in order, and how many values an event adds: `facts` of each by itself."""

    by_row: Mapping[int, Sequence[Void]]
    events: Sequence[NativeEvent]
    facts: Array
    time_us: Integers
    values_of: Callable[[str], int]
    """How many values a text adds that count."""

    def concern_acts(self, row_batch: RowBatch, row_indices: Sequence[int]) -> set[int]:
        """The rows of which a void may set an act free."""
        of_batch = {
            row_indices[index]
            for index, event in enumerate(self.events)
            if event.voidable and event.act_ids and row_indices[index] in self.by_row
        }
        return of_batch | {row for row in self.by_row if row_batch.sections["acts"][row]}


class Foresight:
    """One row's voidable values while its events are looked at in order: as many as will be kept of each."""

    def __init__(self, row_batch: RowBatch, row: int, voids: Voids) -> None:
        self._voids = voids
        self._left = list(reversed(voids.by_row[row]))
        voidable = np.frombuffer(row_batch.sections["voidable"][row], VOIDABLE)
        self._voidable = counted_ids(voidable)
        self._failures = failures_of(row_batch.sections["failures"][row])
        self._as_of_us = int(row_batch.headers["as_of_us"][row]) if row_batch.headers["events"][row] else None

    def voided_before(self, index: int) -> list[tuple[int, int]]:
        """The events that are voided, and found, until the event at `index`: their hashes, behind each void's place."""
        found = []
        while self._left and self._left[-1].before <= index:
            void = self._left.pop()
            event = digest_as_int(void.event_id)
            if event in self._voidable:
                self._voidable = [one for one in self._voidable if one != event]
                found.append((void.before, event))
        return found

    def add(self, index: int) -> None:
        """The event at `index` is new."""
        event, time_us = self._voids.events[index], int(self._voids.time_us[index])
        newest_us = time_us if self._as_of_us is None else self._as_of_us
        self._as_of_us = max(newest_us, time_us)
        values = int(self._voids.facts[index])
        is_late = time_us < newest_us - ALLOWED_LATENESS_US
        if isinstance(event, Attempt) and not is_late and (self._failures or not has_passed(event)):
            values += len(after_failure(self._failures, event, time_us))
        if event.voidable:
            values += self._voids.values_of(event.text) if isinstance(event, _TEXTS) else 0
            values += isinstance(event, Rubric)
            self._keep(digest_as_int(event.event_id), values)

    def _keep(self, event: int, values: int) -> None:
        """As `streams.folding.student_sums` does: the last values, and of no event but a part."""
        self._voidable += [event] * values
        del self._voidable[: first_within_bound(self._voidable)]
