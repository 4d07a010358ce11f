"""What students have answered, and what they are asked next, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from streams.rows.components import ComponentBatch, component_code
from streams.rows.layout import Array, Indices
from streams.rows.row_batch import Floats, RowBatch


@dataclass(frozen=True)
class AnswerCounts:
    """Right answers (`wins`) and others (`fails`) of `students` rows by component: arrays of one length, in row order.

    `owner[i]` is the index of the row that the i-th count belongs to, `code[i]` its component (`component_code`).
    `enrolment` has that part of each row, or nothing at all: then nobody's cohort is known.
    """

    students: int
    owner: Indices
    code: NDArray[np.int64]
    wins: Floats
    fails: Floats
    enrolment: Sequence[bytes] = ()

    @classmethod
    def of(cls, row_batch: RowBatch) -> Self:
        """Those in the rows of a batch."""
        return cls.of_components(row_batch, ComponentBatch.of(row_batch.sections["components"]))

    @classmethod
    def of_components(cls, row_batch: RowBatch, components: ComponentBatch) -> Self:
        """The same, where the components of the rows are at hand."""
        enrolment = row_batch.sections["enrolment"]
        return cls.of_records(len(row_batch), components.owner, components.records, enrolment)

    @classmethod
    def of_records(cls, students: int, owner: Indices, records: Array, enrolment: Sequence[bytes] = ()) -> Self:
        """Those in records of `streams.rows.layout.COMPONENT`."""
        code, wins, fails = (records[name] for name in ("code", "wins", "fails"))
        return cls(students, owner, code.astype(np.int64), wins.astype(np.float64), fails.astype(np.float64), enrolment)

    @classmethod
    def joined(cls, batches: Sequence["AnswerCounts"]) -> "AnswerCounts":
        """The rows of all batches, in their order."""
        batches = [*batches, cls.of(RowBatch.of([], ()))]
        starts = np.cumsum([0, *(batch.students for batch in batches)])
        owner = [batch.owner + start for batch, start in zip(batches, starts.tolist(), strict=False)]
        code, wins, fails = (
            np.concatenate([getattr(batch, name) for batch in batches]) for name in ("code", "wins", "fails")
        )
        enrolment = [each for batch in batches for each in batch.enrolment]
        return cls(int(starts[-1]), np.concatenate(owner), code, wins, fails, enrolment)

    def of_rows(self, rows: Indices) -> "AnswerCounts":
        """Those of some rows, whose indices ascend."""
        number = np.full(self.students, -1, np.intp)
        number[rows] = np.arange(len(rows))
        chosen = number[self.owner] >= 0
        enrolment = [self.enrolment[row] for row in rows.tolist()] if self.enrolment else ()
        owner = number[self.owner[chosen]]
        return AnswerCounts(len(rows), owner, self.code[chosen], self.wins[chosen], self.fails[chosen], enrolment)

    @cached_property
    def all_wins(self) -> Floats:
        """Of each row, over its components; an answer of two components counts in both. Shape (students,)."""
        return np.asarray(np.bincount(self.owner, self.wins, self.students), np.float64)

    @cached_property
    def all_fails(self) -> Floats:
        """As `all_wins`."""
        return np.asarray(np.bincount(self.owner, self.fails, self.students), np.float64)

    def at(self, row: Indices, code: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Wins and fails of these rows in these components, 0 where there are none; `row` and `code` have one shape."""
        keys, order = self._keys
        wanted = row.astype(np.int64) << 32 | code
        position = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        if not len(keys):
            return np.zeros(len(wanted)), np.zeros(len(wanted))
        known = keys[position] == wanted
        at = order[position]
        return np.where(known, self.wins[at], 0.0), np.where(known, self.fails[at], 0.0)

    @cached_property
    def _keys(self) -> tuple[NDArray[np.int64], Indices]:
        """Row and component as one number, ascending, and where each is."""
        keys = self.owner.astype(np.int64) << 32 | self.code
        order = np.argsort(keys, kind="stable")
        return keys[order], order


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked next: of the student in row `row[i]` the item `items[i]`, None where none is known.

    Its components are those `code[j]` whose `owner[j]` is i; a question may have none.
    """

    row: Indices
    items: Sequence[str | None]
    owner: Indices
    code: NDArray[np.int64]

    @classmethod
    def of(cls, row: Sequence[int], items: Sequence[str | None], components: Sequence[Sequence[str]]) -> Self:
        """One a row, item and list of components; a component that is named twice counts once."""
        distinct = [dict.fromkeys(names) for names in components]
        owner = np.repeat(np.arange(len(row)), [len(names) for names in distinct])
        code = [component_code(name.encode()) for names in distinct for name in names]
        return cls(np.array(row, np.intp), items, owner, np.array(code, np.int64))

    def at(self, chosen: Indices) -> "Questions":
        """Some of the questions, whose indices ascend."""
        number = np.full(len(self.row), -1, np.intp)
        number[chosen] = np.arange(len(chosen))
        owner = number[self.owner]
        items = [self.items[at] for at in chosen.tolist()]
        return Questions(self.row[chosen], items, owner[owner >= 0], self.code[owner >= 0])

    @property
    def share(self) -> Floats:
        """What each component counts for: the components of a question are averaged."""
        return 1.0 / np.bincount(self.owner, minlength=len(self.row))[self.owner]
