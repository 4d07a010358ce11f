"""The evidence items of each student and skill: of all that were seen, the newest and weightiest few.

Rank is log2|weight| + age in half-lives, which no later time reorders; so what is kept doesn't depend on when it is
decided, nor on the order of arrival.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np

from streams.folding.sums import Entries
from streams.folding.task_names import TasksOfEvents, keep_names, unasked
from streams.rows.layout import Array, Indices, ragged
from streams.rows.row import HALF_LIFE_US, MAX_EVIDENCE
from streams.rows.row_batch import RowBatch
from streams.rows.tasks import NO_TASK
from streams.vocabulary import FACTS, INDEX

MAX_WEIGHT: Final = 64
_LOG2: Final = np.array([math.log2(max(weight, 1)) for weight in range(MAX_WEIGHT)])


@dataclass(frozen=True, slots=True)
class EvidenceItems:
    """Evidence items, as arrays of one length. `group` is row · skills + skill, `weight` in tenths.

    `task` is a task's code, or NO_TASK; of an item whose event was not looked at yet `unasked` of that event's number.
    """

    group: Array
    code: Array
    value: Array
    weight: Array
    time_s: Array
    task: Array

    def __add__(self, other: "EvidenceItems") -> "EvidenceItems":
        """The items of both."""
        if not len(other.group):
            return self
        return EvidenceItems(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in _COLUMNS))

    def __getitem__(self, at: Array) -> "EvidenceItems":
        """The items at these indices."""
        return EvidenceItems(*(getattr(self, name)[at] for name in _COLUMNS))

    @property
    def rank(self) -> Array:
        """The rank of each item; the highest are kept. As `rank_of`."""
        return np.asarray(_LOG2[np.abs(self.weight)] + self.time_s * 1e6 / HALF_LIFE_US)


_COLUMNS: Final = tuple(one.name for one in fields(EvidenceItems))
NO_EVIDENCE: Final = EvidenceItems(*(np.zeros(0, np.float64 if name == "value" else np.int64) for name in _COLUMNS))


@dataclass(frozen=True, slots=True)
class EvidenceWeights:
    """For which skills a fact is evidence, and with what weight: `count[fact]` of them, from `start[fact]` on."""

    start: Array
    count: Array
    skill: Array
    weight: Array

    @classmethod
    def of(cls, by_skill: Sequence[Mapping[str, float]]) -> Self:
        """Build from each skill's weights by fact; weights of less than a tenth are none."""
        weights_of = [
            (INDEX[fact], skill, tenths)
            for skill, weights in enumerate(by_skill)
            for fact, weight in weights.items()
            if (tenths := round(weight * 10))
        ]
        facts, skills, weights = np.array(sorted(weights_of), np.int64).reshape(-1, 3).T
        count = np.bincount(facts, minlength=len(FACTS))
        return cls(np.cumsum(count) - count, count, skills, weights)


def rank_of(weight: int, time_s: int) -> float:
    """The rank of one."""
    return float(_LOG2[abs(weight)]) + time_s * 1e6 / HALF_LIFE_US


def offered(weights_of: EvidenceWeights, facts: Entries, time_s: Array, skills: int) -> EvidenceItems:
    """The facts as evidence items, one for each of the `skills` that gives them a weight; `time_s` is by event."""
    row_index, fact = np.divmod(facts.where, len(FACTS))
    of_fact, tell = ragged(weights_of.count[fact])
    tell += weights_of.start[fact][of_fact]
    return EvidenceItems(
        group=row_index[of_fact] * skills + weights_of.skill[tell],
        code=fact[of_fact],
        value=facts.value[of_fact],
        weight=weights_of.weight[tell],
        time_s=time_s[facts.event[of_fact]],
        task=unasked(facts.event[of_fact]),
    )


def keep_evidence(row_batch: RowBatch, items: EvidenceItems, tasks: TasksOfEvents) -> None:
    """Keep, in place, the first MAX_EVIDENCE by rank of those in the row batch and those `items`, and what their tasks
    are called.

    Equal ranks are ordered by code, value, time and task, largest first.
    """
    if not len(items.group):
        return
    touched = np.bincount(items.group).nonzero()[0]
    stored = row_batch.evidence_items.reshape(-1)
    columns = {name: stored[name] for name in _COLUMNS if name != "group"}
    slots = (touched[:, None] * MAX_EVIDENCE + np.arange(MAX_EVIDENCE)).reshape(-1)
    held = slots[columns["weight"][slots] != 0]
    before = EvidenceItems(group=held // MAX_EVIDENCE, **{name: column[held] for name, column in columns.items()})
    every = before + items
    order, nth = _first(every, touched, tasks)
    few = every[order]
    few.task[...] = tasks.of(few.task)
    at = few.group * MAX_EVIDENCE + nth  # no slot is left over: a group never has fewer than it had
    changed = at[columns["task"][at] != few.task]
    for name, column in columns.items():
        column[at] = getattr(few, name)
    if len(changed):
        slots_of_row = len(row_batch.names) * MAX_EVIDENCE
        rows = np.bincount(changed // slots_of_row).nonzero()[0]
        row, event = at // slots_of_row, unasked(np.append(before.task, items.task)[order])
        is_changed = np.zeros(len(row_batch), np.bool_)
        is_changed[rows] = True
        named = (event >= 0) & (few.task != NO_TASK) & is_changed[row]
        keep_names(row_batch, rows, row[named], event[named], tasks)


def _first(items: EvidenceItems, groups: Indices, tasks: TasksOfEvents) -> tuple[Indices, Indices]:
    """The indices of each group's highest-ranking items, and each one's rank within its group. `groups` are all that
    occur, ascending.
    """
    order = np.lexsort((-items.time_s, -items.value, -items.code, -items.rank, items.group))
    counts = np.bincount(items.group)[groups]
    nth = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    _order_alike(items, order, nth, tasks)
    few = nth < MAX_EVIDENCE
    return order[few], nth[few]


def _order_alike(items: EvidenceItems, order: Indices, nth: Indices, tasks: TasksOfEvents) -> None:
    """Order, in place, those by their tasks that are alike in all else, as far as that says which are kept; tasks of
    others need not be known. `nth` is their rank within their group.
    """
    alike = nth[1:] != 0
    for name in ("time_s", "code", "value", "weight"):
        column = getattr(items, name)[order]
        alike &= column[1:] == column[:-1]
        if not alike.any():
            return
    starts = np.append(True, ~alike)
    run = np.cumsum(starts) - 1
    at = np.flatnonzero((~starts | np.append(alike, False)) & (nth[starts][run] < MAX_EVIDENCE))
    theirs = order[at]
    items.task[theirs] = tasks.of(items.task[theirs])
    order[at] = theirs[np.lexsort((-items.task[theirs], run[at]))]
