"""The task of each event that is kept as an evidence item, as the event calls it."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final

import numpy as np

from schemas import event as e
from streams.rows.layout import EVIDENCE_ITEM, Array, Indices
from streams.rows.row_batch import RowBatch
from streams.rows.tasks import NO_TASK, TaskNames, keys_of, task_code, task_name, tasks_of, tasks_section

_CALLED: Final[dict[type, Callable[[e.NativeEvent], str | None]]] = {
    **dict.fromkeys(
        (e.Attempt, e.Failure, e.Retry, e.Hint, e.Submission, e.Mark, e.Overdue, e.Reflection), attrgetter("item_id")
    ),
    e.Control: attrgetter("task_id"),
    e.Media: attrgetter("media_id"),
}


_UNASKED: Final = -2
_FEW_ROWS: Final = 16
"""So few are cheaper one by one: 9 us a row, and together 120 us for any number and some for each."""


class _TaskIndices(dict[str, int]):
    """By name, the index of a task among those met so far; -1 of an item that is not known."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: list[int] = []
        self.names: list[bytes] = []

    def __missing__(self, name: str) -> int:
        self[name] = index = -1 if name.startswith(e.NO_ITEM) else len(self.codes)
        if index >= 0:
            self.codes.append(task_code(name))
            self.names.append(task_name(name))
        return index


class TasksOfEvents:
    """The tasks of a batch's events, which are looked at when they are asked for, once. `names` has those asked for."""

    def __init__(self, events: Sequence[e.NativeEvent]) -> None:
        self._events = events
        self._indices = _TaskIndices()
        self._found = np.full(len(events), _UNASKED, np.intp)

    @property
    def names(self) -> Sequence[bytes]:
        """What is kept of their names, by their indices."""
        return self._indices.names

    def indices(self, events: Array) -> Indices:
        """The indices of the tasks of the events with these numbers, -1 for none."""
        for number in dict.fromkeys(events[self._found[events] == _UNASKED].tolist()):
            self._found[number] = self._index(number)
        return np.asarray(self._found[events])

    def codes(self, events: Array) -> Array:
        """The codes of their tasks; NO_TASK for none."""
        indices = self.indices(events)
        return np.array([*self._indices.codes, NO_TASK], np.int64)[indices]

    def named(self, number: int) -> tuple[int, bytes]:
        """The code of the task of an event, and its name; NO_TASK for none."""
        index = self._index(number)
        return (NO_TASK, b"") if index < 0 else (self._indices.codes[index], self._indices.names[index])

    def of(self, tasks: Array) -> Array:
        """These tasks, in which those that were `unasked` have their codes."""
        codes, new = tasks.copy(), tasks < NO_TASK
        codes[new] = self.codes(unasked(tasks[new]))
        return codes

    def _index(self, number: int) -> int:
        event = self._events[number]
        called = _CALLED.get(type(event))
        name = None if called is None else called(event)
        return -1 if name is None else self._indices[name]


def unasked(tasks: Array) -> Array:
    """What stands for the tasks of events that were not looked at, of their numbers: less than all codes; and back."""
    return np.asarray(-1 - tasks, np.int64)


def keep_names(row_batch: RowBatch, rows: Indices, of_row: Indices, events: Indices, tasks: TasksOfEvents) -> None:
    """Keep in `rows`, ascending, the names that their evidence items refer to, and no others.

    New ones are those of `events`, each of the row with the index `of_row`; the others are in the rows.
    """
    if len(rows) > _FEW_ROWS:
        _keep_names_of_many(row_batch, rows, of_row, events, tasks)
        return
    new: dict[int, dict[int, bytes]] = {row: {} for row in rows.tolist()}
    for row, number in zip(of_row.tolist(), events.tolist(), strict=True):
        code, name = tasks.named(number)
        new[row].setdefault(code, name)
    for row, names in new.items():
        codes = {*row_batch.evidence_items["task"][row].reshape(-1).tolist(), *foreign_tasks(row_batch, row)}
        stored = tasks_of(row_batch.sections["tasks"][row])
        remaining = {code: name for code, name in (names | stored).items() if code in codes}
        row_batch.sections["tasks"][row] = tasks_section(remaining)


def _keep_names_of_many(
    row_batch: RowBatch, rows: Indices, of_row: Indices, events: Indices, tasks: TasksOfEvents
) -> None:
    """The same, with a number of array calls that does not grow with the rows."""
    sections = row_batch.sections["tasks"]
    stored = TaskNames.of([sections[row] for row in rows.tolist()])
    new = TaskNames.named(np.searchsorted(rows, of_row), tasks.codes(events), tasks.names, tasks.indices(events))
    remaining = (stored + new).those_of(_referred(row_batch, rows))
    for row, section in zip(rows.tolist(), remaining.sections(len(rows)), strict=True):
        sections[row] = section


def foreign_tasks(row_batch: RowBatch, row: int) -> list[int]:
    """The codes of tasks that items of skills refer to that are not configured."""
    if row not in row_batch.foreign:
        return []
    codes: list[int] = np.frombuffer(row_batch.foreign[row][1], EVIDENCE_ITEM)["task"].tolist()
    return [code for code in codes if code != NO_TASK]


def _referred(row_batch: RowBatch, rows: Indices) -> Array:
    """A key for each task that an item of each row refers to, ascending; rows by their indices among `rows`."""
    codes = np.sort(row_batch.evidence_items["task"][rows].reshape(len(rows), -1), axis=1)
    first = codes != NO_TASK
    first[:, 1:] &= codes[:, 1:] != codes[:, :-1]
    row, at = np.nonzero(first)
    keys = keys_of(row, codes[row, at])
    with_foreign = [(at, row) for at, row in enumerate(rows.tolist()) if row in row_batch.foreign]
    foreign = [(at, code) for at, row in with_foreign for code in foreign_tasks(row_batch, row)]
    if foreign:
        keys = np.unique(np.concatenate([keys, keys_of(*np.array(foreign, np.int64).T)]))
    return keys
