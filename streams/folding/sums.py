"""Adds the facts, texts and ratings of a batch's events to its students' sums, all at once.

Additions happen in the order they were noted (`np.add.at` is sequential), so sums are the same to the last bit however
the events are cut into batches.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from streams.rows.components import rebased
from streams.rows.layout import SKILL_STATE, Array
from streams.rows.row import decayed
from streams.rows.row_batch import Floats, RowBatch

DECAYED_OF_A_SKILL: Final = ("text_n", "text_total", "rubric_n", "rubric_total")
_ONE: Final = np.uint32(1)  # as wide as what it is added to: a plain 1 takes forty times as long


@dataclass(slots=True)
class Noted:
    """Values to add: `where` is row · columns + column, `event` the index of the event that it is of, ascending."""

    where: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    event: list[int] = field(default_factory=list)

    def note(self, where: int, value: float, event: int) -> None:
        """Note one."""
        self.where.append(where)
        self.value.append(value)
        self.event.append(event)

    def arrays(self) -> "Entries":
        """All that was noted."""
        if not self.where:
            return NO_ENTRIES
        return Entries(np.array(self.where, np.intp), np.array(self.value, np.float64), np.array(self.event, np.intp))


@dataclass(frozen=True, slots=True)
class Entries:
    """What was noted, as arrays of one length."""

    where: Array
    value: Array
    event: Array

    def of(self, chosen: Array | None) -> "Entries":
        """Those of the events that are `chosen` (a truth value each; None: all), called 0, 1, 2 from now on."""
        if chosen is None:
            return self
        present = chosen[self.event]
        return Entries(self.where[present], self.value[present], (np.cumsum(chosen) - 1)[self.event[present]])


NO_ENTRIES: Final = Entries(np.zeros(0, np.intp), np.zeros(0), np.zeros(0, np.intp))


def add_facts(row_batch: RowBatch, entries: Entries, weight: Floats, time_s: Array) -> None:
    """Add facts to their totals; `weight` and `time_s` are by event."""
    flat = row_batch.facts.reshape(-1)
    where, value, weight = entries.where, entries.value, weight[entries.event]
    np.add.at(flat["n"], where, _ONE)
    np.add.at(flat["total"], where, value)
    np.add.at(flat["squares"], where, value * value)
    np.add.at(flat["recent_n"], where, weight)
    np.add.at(flat["recent_total"], where, weight * value)
    np.maximum.at(flat["newest_s"], where, time_s[entries.event].astype(np.uint32))


def add_to_skills(row_batch: RowBatch, what: str, entries: Entries, weight: Floats, time_s: Array) -> None:
    """Add to the skills' sums of `what`, text or rubric; as `add_facts`."""
    if not len(entries.where):
        return
    flat = {name: row_batch.skill_states[f"{what}_{name}"].reshape(-1) for name in ("n", "total", "newest_s")}
    where, weight = entries.where, weight[entries.event]
    np.add.at(flat["n"], where, weight)
    np.add.at(flat["total"], where, weight * entries.value)
    np.maximum.at(flat["newest_s"], where, time_s[entries.event].astype(np.uint32))


def rebase(row_batch: RowBatch, row_index: int, reference_us: int) -> None:
    """Carry every decayed sum of a row to a new reference time, before its weights overflow."""
    factor = decayed(int(row_batch.headers["reference_us"][row_index]), reference_us)
    row_batch.headers["reference_us"][row_index] = reference_us
    for name in ("recent_n", "recent_total"):
        row_batch.facts[name][row_index] *= factor
    for name in DECAYED_OF_A_SKILL:
        row_batch.skill_states[name][row_index] *= factor
    rebase_foreign(row_batch, row_index, factor)
    components = row_batch.sections["components"]
    components[row_index] = rebased(components[row_index], factor)


def rebase_foreign(row_batch: RowBatch, row_index: int, factor: float) -> None:
    """Carry the sums of skills that are not configured."""
    if row_index not in row_batch.foreign:
        return
    foreign, evidence_items = row_batch.foreign[row_index]
    skill_states = np.frombuffer(foreign, SKILL_STATE).copy()
    for name in DECAYED_OF_A_SKILL:
        skill_states[name] *= factor
    row_batch.foreign[row_index] = skill_states.tobytes(), evidence_items
