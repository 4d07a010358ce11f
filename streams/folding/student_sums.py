"""One student's sums as plain numbers, for the few whose events are added and retracted one after the other.

Equal, to the last bit, to what `streams.folding.sums` does to whole columns.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from streams.folding.event_time import MAX_EXPONENT
from streams.folding.evidence_items import rank_of
from streams.folding.student_components import StudentComponents
from streams.folding.sums import DECAYED_OF_A_SKILL, rebase_foreign
from streams.folding.task_names import foreign_tasks
from streams.folding.voidable import (
    ANSWER_VALUE,
    FACT_VALUE,
    ITEM_VALUE,
    LANGUAGE_VALUE,
    RUBRIC_VALUE,
    TEXT_VALUE,
    first_to_keep,
    value_of_fact,
)
from streams.rows.layout import EVIDENCE_ITEM, VOIDABLE
from streams.rows.row import HALF_LIFE_US, MAX_EVIDENCE, decayed
from streams.rows.row_batch import RowBatch
from streams.rows.tasks import NO_TASK, tasks_of, tasks_section
from streams.vocabulary import PHRASE, RUBRIC

_NOTHING: Final = 1e-12  # what is left of a sum when all was taken from it, by rounding
_FACT_COLUMNS: Final = ("n", "total", "squares", "recent_n", "recent_total", "newest_s")
_SKILL_COLUMNS: Final = (*DECAYED_OF_A_SKILL, "text_newest_s", "rubric_newest_s")
_OF_WHAT: Final = {TEXT_VALUE: "text", RUBRIC_VALUE: "rubric"}


class RetractableValue(NamedTuple):
    """A value that an event added, in the order of VOIDABLE's fields."""

    id: int
    time_us: int
    value: float
    code: int
    what: int


class Item(NamedTuple):
    """An evidence item, in the order of rank, code, value, time and task: the largest come first."""

    rank: float
    code: int
    value: float
    time_s: int
    task: int
    weight: int


@dataclass(slots=True)
class EventContribution:
    """What one event adds: facts, texts and ratings by fact or skill, answers as (code, name, value), (skill, code,
    value, weight) as evidence, and (item, packed) of a first answer, which no row's sums count.
    """

    facts: list[tuple[int, float]] = field(default_factory=list)
    texts: list[tuple[int, float]] = field(default_factory=list)
    ratings: list[tuple[int, float]] = field(default_factory=list)
    answers: list[tuple[int, bytes, float]] = field(default_factory=list)
    evidence: list[tuple[int, int, float, int]] = field(default_factory=list)
    items: list[tuple[int, int]] = field(default_factory=list)


class StudentSums:
    """One row's sums, evidence and kept values as plain numbers; `store` puts them back."""

    def __init__(self, row_batch: RowBatch, row: int, codes: Sequence[int], most_components: int) -> None:
        self._row_batch = row_batch
        self._row = row
        self._codes = codes
        self._reference_us = int(row_batch.headers["reference_us"][row])
        self._facts: dict[str, list[float]] = {name: row_batch.facts[name][row].tolist() for name in _FACT_COLUMNS}
        self._skill_states: dict[str, list[float]] = {
            name: row_batch.skill_states[name][row].tolist() for name in _SKILL_COLUMNS
        }
        self._items = [self._stored_items(column) for column in range(len(codes))]
        self._tasks = tasks_of(row_batch.sections["tasks"][row])
        self.components = StudentComponents(row_batch.sections["components"][row], most_components)
        self._voidable = [
            RetractableValue(*values)
            for values in np.frombuffer(row_batch.sections["voidable"][row], VOIDABLE).tolist()
        ]

    def add(
        self,
        time_us: int,
        said: EventContribution,
        digest: int | None,
        task: int = NO_TASK,
        name: bytes = b"",
    ) -> None:
        """Add an event's contribution at `time_us`; it can be retracted by `digest` unless that is None. `name` is that
        of its task.
        """
        if task != NO_TASK:
            self._tasks.setdefault(task, name)
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
        for code, name, value in said.answers:
            self._drop_answers(self.components.add(code, name, value, weight, time_s))
        for skill, code, value, tenths in said.evidence:
            items = self._items[skill]
            items.append(Item(rank_of(tenths, time_s), code, value, time_s, task, tenths))
            items.sort(key=_but_weight, reverse=True)
            del items[MAX_EVIDENCE:]
        if digest is not None:
            self._note_voidable(digest, time_us, said)

    def retract(self, digest: int) -> Sequence[RetractableValue]:
        """Subtract what the event of this digest added, and return it; nothing where it is not kept any more."""
        its = [voidable for voidable in self._voidable if voidable.id == digest]
        for voidable in its:
            weight = math.exp2((voidable.time_us - self._reference_us) / HALF_LIFE_US)
            if voidable.what in (FACT_VALUE, LANGUAGE_VALUE):
                self._subtract_fact(voidable, weight)
            elif voidable.what == ANSWER_VALUE:
                self.components.retract(voidable.code, voidable.value, weight)
            elif voidable.what != ITEM_VALUE:
                self._subtract_from_skill(voidable, weight)
        self._voidable = [voidable for voidable in self._voidable if voidable.id != digest]
        return its

    def store(self) -> None:
        """Put all back into the row batch."""
        row_batch, row = self._row_batch, self._row
        row_batch.headers["reference_us"][row] = self._reference_us
        for name, values in self._facts.items():
            row_batch.facts[name][row] = np.array(values)
        for name, values in self._skill_states.items():
            row_batch.skill_states[name][row] = np.array(values)
        padding = [0] * MAX_EVIDENCE
        for name in EVIDENCE_ITEM.names or ():
            of_skills = [([getattr(item, name) for item in items] + padding)[:MAX_EVIDENCE] for items in self._items]
            row_batch.evidence_items[name][row] = np.array(of_skills)
        referred = {item.task for items in self._items for item in items} | {*foreign_tasks(row_batch, row)}
        row_batch.sections["tasks"][row] = tasks_section(
            {code: name for code, name in self._tasks.items() if code in referred}
        )
        row_batch.sections["components"][row] = self.components.section()
        row_batch.sections["voidable"][row] = np.array(self._voidable, VOIDABLE).tobytes() if self._voidable else b""

    def _stored_items(self, skill: int) -> list[Item]:
        columns = (
            self._row_batch.evidence_items[name][self._row, skill].tolist()
            for name in ("code", "value", "time_s", "task", "weight")
        )
        return [Item(rank_of(one[4], one[2]), *one) for one in zip(*columns, strict=True) if one[4]]

    def _note_voidable(self, digest: int, time_us: int, said: EventContribution) -> None:
        voidable = self._voidable
        voidable += [RetractableValue(digest, time_us, value, fact, value_of_fact(fact)) for fact, value in said.facts]
        voidable += [
            RetractableValue(digest, time_us, value, self._codes[skill], TEXT_VALUE) for skill, value in said.texts
        ]
        voidable += [
            RetractableValue(digest, time_us, value, self._codes[skill], RUBRIC_VALUE) for skill, value in said.ratings
        ]
        voidable += [
            RetractableValue(digest, time_us, value, code, ANSWER_VALUE)
            for code, _, value in said.answers
            if code in self.components
        ]
        voidable += [RetractableValue(digest, time_us, item, packed, ITEM_VALUE) for item, packed in said.items]
        del voidable[: first_to_keep([one.id for one in voidable], [one.what for one in voidable])]

    def _drop_answers(self, given_up: Sequence[int]) -> None:
        """What a component had that was given up can't be subtracted from one that comes back under its name."""
        if given_up:
            self._voidable = [one for one in self._voidable if one.what != ANSWER_VALUE or one.code not in given_up]

    def _rebase(self, reference_us: int) -> None:
        factor = decayed(self._reference_us, reference_us)
        self._reference_us = reference_us
        for columns, names in ((self._facts, ("recent_n", "recent_total")), (self._skill_states, DECAYED_OF_A_SKILL)):
            for name in names:
                columns[name] = [value * factor for value in columns[name]]
        rebase_foreign(self._row_batch, self._row, factor)
        self.components.rebase(factor)

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


def _but_weight(item: Item) -> tuple[float, int, float, int, int]:
    return item[:5]
