"""Voided events within a batch: the sums of their students, event by event and void by void, in order.

    a student whom no void of the batch can concern ──► all events at once, as columns (`streams.folding.sums`)
    any other ──► one row's sums as plain numbers ──► add, retract, add … ──► back into the columns

A void subtracts what its event added, as the row keeps it (`streams.folding.voidable`); rounding, and which evidence
items are left, depend on what came before, so the order is kept. The cost is that of the student's events and voids,
however they alternate. What is not undone: the clocks, which failures are open, how controls were varied.

The result is equal, to the last bit, to folding each event and void in a batch of its own.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.event import NativeEvent
from streams.folding.event_time import MAX_EXPONENT, EventTimes
from streams.folding.evidence_items import EvidenceWeights, rank_of
from streams.folding.known_ids import digest_of
from streams.folding.sums import DECAYED_OF_A_SKILL, Entries, rebase_foreign
from streams.folding.voidable import FACT_VALUE, RUBRIC_VALUE, TEXT_VALUE, digest_as_int, first_within_bound
from streams.rows.layout import VOIDABLE
from streams.rows.row import HALF_LIFE_US, MAX_EVIDENCE, decayed
from streams.rows.row_batch import RowBatch
from streams.vocabulary import FACTS, PHRASE, RUBRIC, skill_code

_ADD: Final = 1 << 62  # beyond all indices: the voids before an event come before it
_NOTHING: Final = 1e-12  # what is left of a sum when all was taken from it, by rounding
_FACT_COLUMNS: Final = ("n", "total", "squares", "recent_n", "recent_total", "newest_s")
_SKILL_COLUMNS: Final = (*DECAYED_OF_A_SKILL, "text_newest_s", "rubric_newest_s")
_OF_WHAT: Final = {TEXT_VALUE: "text", RUBRIC_VALUE: "rubric"}


class Void(NamedTuple):
    """A void of the event `event_id` of the student at `row`, which comes before the new event number `before`."""

    row: int
    before: int
    event_id: str


class RetractableValue(NamedTuple):
    """A value that an event added, in the order of VOIDABLE's fields."""

    id: int
    time_us: int
    value: float
    code: int
    what: int


class Item(NamedTuple):
    """An evidence item, in the order of rank, code, value and time: the largest come first."""

    rank: float
    code: int
    value: float
    time_s: int
    weight: int


@dataclass(slots=True)
class EventContribution:
    """What one event adds: facts, texts and ratings by fact or skill, and (skill, code, value, weight) as evidence."""

    facts: list[tuple[int, float]] = field(default_factory=list)
    texts: list[tuple[int, float]] = field(default_factory=list)
    ratings: list[tuple[int, float]] = field(default_factory=list)
    evidence: list[tuple[int, int, float, int]] = field(default_factory=list)


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

    def __init__(self, row_batch: RowBatch, evidence_weights: EvidenceWeights) -> None:
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
        said: tuple[Entries, Entries, Entries],
        evidence: Iterable[tuple[int, int, float, int, int]],
        voids: Mapping[int, Void],
    ) -> list[int]:
        """Add the `chosen` events' facts, texts and ratings (`said`) and evidence (group, code, value, weight, event).

        `voids` are by their indices in the batch, ascending. Return the indices of those that found their event.
        """
        of_event = self._by_event(chosen, said, evidence)
        steps: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)  # by row: (event, place of the void or _ADD)
        for number, row in zip(np.flatnonzero(chosen).tolist(), event_times.row_index[chosen].tolist(), strict=True):
            steps[row].append((number, _ADD))
        for index, void in voids.items():
            steps[void.row].append((void.before, index))
        times_us = event_times.time_us.tolist()
        found: list[int] = []
        for row, in_turn in steps.items():
            sums = StudentSums(self._row_batch, row, self._codes)
            for number, index in sorted(in_turn):
                if index != _ADD:
                    found += [index] if sums.retract(digest_as_int(voids[index].event_id)) else []
                else:
                    digest = digest_as_int(events[number].event_id) if events[number].voidable else None
                    sums.add(times_us[number], of_event[number], digest)
            sums.store()
        return found

    def _by_event(
        self,
        chosen: NDArray[np.bool_],
        said: tuple[Entries, Entries, Entries],
        evidence: Iterable[tuple[int, int, float, int, int]],
    ) -> defaultdict[int, EventContribution]:
        of_event: defaultdict[int, EventContribution] = defaultdict(EventContribution)
        facts, texts, ratings = said
        for fact, value, event in _entries(facts, chosen, len(FACTS)):
            one = of_event[event]
            one.facts.append((fact, value))
            for at in range(self._start[fact], self._start[fact] + self._count[fact]):
                skill, weight = self._evidence_weights[at]
                one.evidence.append((skill, fact, value, weight))
        for skill, value, event in _entries(texts, chosen, self._skills):
            of_event[event].texts.append((skill, value))
        for skill, value, event in _entries(ratings, chosen, self._skills):
            of_event[event].ratings.append((skill, value))
        for group, code, value, weight, event in evidence:
            if chosen[event]:
                of_event[event].evidence.append((group % self._skills, code, value, weight))
        return of_event


class StudentSums:
    """One row's sums, evidence and kept values as plain numbers; `store` puts them back."""

    def __init__(self, row_batch: RowBatch, row: int, codes: Sequence[int]) -> None:
        self._row_batch = row_batch
        self._row = row
        self._codes = codes
        self._reference_us = int(row_batch.headers["reference_us"][row])
        self._facts: dict[str, list[float]] = {name: row_batch.facts[name][row].tolist() for name in _FACT_COLUMNS}
        self._skill_states: dict[str, list[float]] = {
            name: row_batch.skill_states[name][row].tolist() for name in _SKILL_COLUMNS
        }
        self._items = [self._stored_items(column) for column in range(len(codes))]
        self._voidable = [
            RetractableValue(*values)
            for values in np.frombuffer(row_batch.sections["voidable"][row], VOIDABLE).tolist()
        ]

    def add(self, time_us: int, said: EventContribution, digest: int | None) -> None:
        """Add an event's contribution at `time_us`; it can be retracted by `digest`, unless that is None."""
        exponent = (time_us - self._reference_us) / HALF_LIFE_US
        if exponent > MAX_EXPONENT:
            self._rebase(time_us)
            exponent = 0.0
        weight, time_s = math.exp2(exponent), time_us // 1_000_000
        facts = self._facts
        for fact, value in said.facts:
            facts["n"][fact] += 1
            facts["total"][fact] += value
            facts["squares"][fact] += value * value
            facts["recent_n"][fact] += weight
            facts["recent_total"][fact] += weight * value
            facts["newest_s"][fact] = max(facts["newest_s"][fact], time_s)
        for what, entries in (("text", said.texts), ("rubric", said.ratings)):
            n, total, newest_s = (self._skill_states[f"{what}_{name}"] for name in ("n", "total", "newest_s"))
            for skill, value in entries:
                n[skill] += weight
                total[skill] += weight * value
                newest_s[skill] = max(newest_s[skill], time_s)
        for skill, code, value, tenths in said.evidence:
            items = self._items[skill]
            items.append(Item(rank_of(tenths, time_s), code, value, time_s, tenths))
            items.sort(key=_first_four, reverse=True)
            del items[MAX_EVIDENCE:]
        if digest is not None:
            self._note_voidable(digest, time_us, said)

    def retract(self, digest: int) -> bool:
        """Subtract what the event of this digest added; False where that is not kept any more."""
        its = [voidable for voidable in self._voidable if voidable.id == digest]
        if not its:
            return False
        for voidable in its:
            weight = math.exp2((voidable.time_us - self._reference_us) / HALF_LIFE_US)
            if voidable.what == FACT_VALUE:
                self._subtract_fact(voidable, weight)
            else:
                self._subtract_from_skill(voidable, weight)
        self._voidable = [voidable for voidable in self._voidable if voidable.id != digest]
        return True

    def store(self) -> None:
        """Put all back into the row batch."""
        row_batch, row = self._row_batch, self._row
        row_batch.headers["reference_us"][row] = self._reference_us
        for name, values in self._facts.items():
            row_batch.facts[name][row] = values
        for name, values in self._skill_states.items():
            row_batch.skill_states[name][row] = values
        for name, column in row_batch.evidence_items.items():
            padding = [0] * MAX_EVIDENCE
            column[row] = [([getattr(item, name) for item in items] + padding)[:MAX_EVIDENCE] for items in self._items]
        row_batch.sections["voidable"][row] = np.array(self._voidable, VOIDABLE).tobytes() if self._voidable else b""

    def _stored_items(self, skill: int) -> list[Item]:
        columns = (
            self._row_batch.evidence_items[name][self._row, skill].tolist()
            for name in ("code", "value", "time_s", "weight")
        )
        return [Item(rank_of(one[3], one[2]), *one) for one in zip(*columns, strict=True) if one[3]]

    def _note_voidable(self, digest: int, time_us: int, said: EventContribution) -> None:
        voidable = self._voidable
        voidable += [RetractableValue(digest, time_us, value, fact, FACT_VALUE) for fact, value in said.facts]
        voidable += [
            RetractableValue(digest, time_us, value, self._codes[skill], TEXT_VALUE) for skill, value in said.texts
        ]
        voidable += [
            RetractableValue(digest, time_us, value, self._codes[skill], RUBRIC_VALUE) for skill, value in said.ratings
        ]
        del voidable[: first_within_bound([one.id for one in voidable])]

    def _rebase(self, reference_us: int) -> None:
        factor = decayed(self._reference_us, reference_us)
        self._reference_us = reference_us
        for columns, names in ((self._facts, ("recent_n", "recent_total")), (self._skill_states, DECAYED_OF_A_SKILL)):
            for name in names:
                columns[name] = [value * factor for value in columns[name]]
        rebase_foreign(self._row_batch, self._row, factor)

    def _subtract_fact(self, voidable: RetractableValue, weight: float) -> None:
        facts, fact, value = self._facts, voidable.code, voidable.value
        facts["n"][fact] -= 1
        if facts["n"][fact] <= 0:
            for column in facts.values():
                column[fact] = 0
        else:
            facts["total"][fact] -= value
            facts["squares"][fact] = max(0.0, facts["squares"][fact] - value * value)
            facts["recent_n"][fact] = max(0.0, facts["recent_n"][fact] - weight)
            facts["recent_total"][fact] -= weight * value
        time_s = voidable.time_us // 1_000_000
        for items in self._items:
            items[:] = [item for item in items if (item.code, item.value, item.time_s) != (fact, value, time_s)]

    def _subtract_from_skill(self, voidable: RetractableValue, weight: float) -> None:
        """A skill that is not configured any more keeps what it has: nothing reads it."""
        if voidable.code not in self._codes:
            return
        skill, what = self._codes.index(voidable.code), _OF_WHAT[voidable.what]
        n, total = self._skill_states[f"{what}_n"], self._skill_states[f"{what}_total"]
        left = n[skill] - weight
        if left <= _NOTHING * weight:
            n[skill] = total[skill] = 0.0
        else:
            n[skill] = left
            total[skill] -= weight * voidable.value
        time_s = voidable.time_us // 1_000_000
        self._items[skill] = [
            item for item in self._items[skill] if item.time_s != time_s or not _is_of(what, item.code)
        ]


def _is_of(what: str, code: int) -> bool:
    return code == RUBRIC if what == "rubric" else (code & PHRASE) != 0


def _first_four(item: Item) -> tuple[float, int, float, int]:
    return item[:4]


def _entries(entries: Entries, chosen: NDArray[np.bool_], columns: int) -> Iterable[tuple[int, float, int]]:
    """(column, value, event) of the chosen events."""
    mine = chosen[entries.event]
    columns_of = (entries.where[mine] % columns, entries.value[mine], entries.event[mine])
    return zip(*(part.tolist() for part in columns_of), strict=True)
