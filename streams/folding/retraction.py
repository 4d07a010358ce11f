"""Voided events within a batch: the sums of their students, event by event and void by void, in order.

    a student whom no void of the batch can concern ──► all events at once, as columns (`streams.folding.sums`);
    who gives up no component                           answers, too (`streams.folding.component_sums`)
    any other ──► one row's sums as plain numbers ──► add, retract, add … ──► back into the columns

A void subtracts what its event added, as the row keeps it (`streams.folding.voidable`); rounding, and which evidence
items are left, depend on what came before, so the order is kept. The cost is that of the student's events and voids,
however they alternate. What is not undone: the clocks, which failures are open, how controls were varied.

The result is equal, to the last bit, to folding each event and void in a batch of its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.event import NativeEvent
from streams.folding.event_time import EventTimes
from streams.folding.evidence_items import EvidenceWeights
from streams.folding.first_answers import FirstAnswerTaken
from streams.folding.known_ids import digest_of
from streams.folding.readings import Said
from streams.folding.student_sums import EventContribution, StudentSums
from streams.folding.sums import Entries
from streams.folding.task_names import TasksOfEvents
from streams.folding.voidable import ITEM_VALUE, digest_as_int
from streams.rows.row_batch import RowBatch
from streams.vocabulary import FACTS, skill_code

_ADD: Final = 1 << 62  # beyond all indices: the voids before an event come before it


class Void(NamedTuple):
    """A void of the event `event_id` of the student at `row`, which comes before the new event number `before`."""

    row: int
    before: int
    event_id: str


class Retracted(NamedTuple):
    """What came of a batch's voids: `voids` are the indices of those that found their event, `first_answers` what they
    took back of these. So many components were given up meanwhile.
    """

    voids: list[int]
    first_answers: Sequence[FirstAnswerTaken]
    components_given_up: int


NOTHING_RETRACTED: Final = Retracted([], (), 0)


def concerned(
    row_batch: RowBatch, rows: Sequence[int], events: Sequence[NativeEvent], voids: Sequence[Void]
) -> set[int]:
    """The rows of which a void may find its event: kept in the row, or among the new `events`, which are of `rows`."""
    of_void = {void.row for void in voids}
    found = {row for row, event in zip(rows, events, strict=True) if event.voidable and row in of_void}
    voidable = row_batch.sections["voidable"]
    return found | {void.row for void in voids if voidable[void.row] and digest_of(void.event_id) in voidable[void.row]}


class Retraction:
    """Adds the new `events` of some rows to these, with `voids` in between."""

    def __init__(self, row_batch: RowBatch, evidence_weights: EvidenceWeights, most_components: int) -> None:
        self._most_components = most_components
        self._row_batch = row_batch
        self._skills = len(row_batch.names)
        self._codes = [skill_code(name) for name in row_batch.names]
        self._evidence_weights = list(
            zip(*(column.tolist() for column in (evidence_weights.skill, evidence_weights.weight)), strict=True)
        )
        self._start, self._count = evidence_weights.start.tolist(), evidence_weights.count.tolist()

    def add(
        self,
        events: Sequence[NativeEvent],
        event_times: EventTimes,
        chosen: NDArray[np.bool_],
        said: Said,
        evidence: Iterable[tuple[int, int, float, int, int]],
        voids: Mapping[int, Void],
    ) -> Retracted:
        """Add what the `chosen` events have `said`, and their evidence (group, code, value, weight, event).

        `voids` are by their indices in the batch, ascending.
        """
        of_event = self._by_event(chosen, said, evidence)
        steps: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)  # by row: (event, place of the void or _ADD)
        for number, row in zip(np.flatnonzero(chosen).tolist(), event_times.row_index[chosen].tolist(), strict=True):
            steps[row].append((number, _ADD))
        for index, void in voids.items():
            steps[void.row].append((void.before, index))
        times_us, tasks = event_times.time_us.tolist(), TasksOfEvents(events)
        found: list[int] = []
        taken: list[FirstAnswerTaken] = []
        given_up = 0
        for row, in_turn in steps.items():
            sums = StudentSums(self._row_batch, row, self._codes, self._most_components)
            for number, index in sorted(in_turn):
                if index != _ADD:
                    values = sums.retract(digest_as_int(voids[index].event_id))
                    found += [index] if values else []
                    taken += [
                        FirstAnswerTaken(row, number, int(each.value), each.code)
                        for each in values
                        if each.what == ITEM_VALUE
                    ]
                else:
                    digest = digest_as_int(events[number].event_id) if events[number].voidable else None
                    sums.add(times_us[number], of_event[number], digest, *tasks.named(number))
            sums.store()
            given_up += sums.components.given_up
        return Retracted(found, taken, given_up)

    def _by_event(
        self,
        chosen: NDArray[np.bool_],
        said: Said,
        evidence: Iterable[tuple[int, int, float, int, int]],
    ) -> defaultdict[int, EventContribution]:
        of_event: defaultdict[int, EventContribution] = defaultdict(EventContribution)
        for fact, value, event in _entries(said.facts, chosen, len(FACTS)):
            of_event[event].facts.append((fact, value))
        for fact, value, event in _entries(said.shown, chosen, len(FACTS)):
            for at in range(self._start[fact], self._start[fact] + self._count[fact]):
                skill, weight = self._evidence_weights[at]
                of_event[event].evidence.append((skill, fact, value, weight))
        for skill, value, event in _entries(said.texts, chosen, self._skills):
            of_event[event].texts.append((skill, value))
        for skill, value, event in _entries(said.ratings, chosen, self._skills):
            of_event[event].ratings.append((skill, value))
        names, codes = said.answers.names, said.answers.codes.tolist()
        for column, value, event in _entries(said.answers.entries, chosen, len(names)):
            of_event[event].answers.append((codes[column], names[column], value))
        first, mine = said.first, chosen[said.first.event]
        columns = (first.codes[mine], first.packed[mine], first.event[mine])
        for item, packed, event in zip(*(column.tolist() for column in columns), strict=True):
            of_event[event].items.append((item, packed))
        for group, code, value, weight, event in evidence:
            if chosen[event]:
                of_event[event].evidence.append((group % self._skills, code, value, weight))
        return of_event


def _entries(entries: Entries, chosen: NDArray[np.bool_], columns: int) -> Iterable[tuple[int, float, int]]:
    """(column, value, event) of the chosen events."""
    mine = chosen[entries.event]
    columns = max(columns, 1)
    columns_of = (entries.where[mine] % columns, entries.value[mine], entries.event[mine])
    return zip(*(part.tolist() for part in columns_of), strict=True)
