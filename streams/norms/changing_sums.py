"""Sums over students who change from period to period: only those who did are summed anew.

As sums are of integers, what a student's row was before is taken out to the bit.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from streams.norms.records import COHORT_TOTALS, SEEN_PERIODS, find_codes, joined_records, sum_by_code
from streams.norms.row_sums import (
    Periods,
    RowSums,
    by_cohort,
    cohorts_by_row,
    component_records,
    counted_rows,
    seen_us,
    student_records,
)
from streams.rows.components import ComponentBatch
from streams.rows.layout import Array
from streams.rows.row_facts import RowFacts

_LEAST_ROOM = 1_024


class ChangingSums:
    """The sums over the newest row of each student."""

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self._records = np.zeros(0, COHORT_TOTALS)  # of each student; with room behind the last
        self._newest_us = np.zeros(0, np.int64)
        self._enrolment: list[bytes] = []
        self._components: list[bytes] = []
        self._sums = RowSums()

    def put(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Replace the rows of students by their keys; None is no row any more. Raises Fatal for one that cannot be
        read.
        """
        gone = [key for key, row in rows.items() if row is None and key in self._index]
        stored = {key: row for key, row in rows.items() if row is not None}
        students = [self._index_of(key) for key in (*stored, *gone)]
        before = self._added_by(students)
        self._replace(students, counted_rows(RowFacts.of(list(stored.values()))))
        after = self._added_by(students)
        self._sums = RowSums(
            sum_by_code(joined_records((self._sums.components, after.components, _negative(before.components)))),
            sum_by_code(joined_records((self._sums.cohorts, after.cohorts, _negative(before.cohorts)))),
        )

    def sums(self, periods: Periods) -> RowSums:
        """The sums as of now, bounded."""
        sums = RowSums(self._sums.components.copy(), self._sums.cohorts.copy())
        owner, cohorts = cohorts_by_row(self._enrolment)
        codes = np.fromiter((each.code for each in cohorts), np.uint64, len(cohorts))
        stays = self._records["students"][owner] > 0
        sums.cohorts["seen"] = _seen(sums.cohorts, codes[stays], periods.seen(self._newest_us[owner[stays]]))
        components = ComponentBatch.of(self._components)
        sums.components["seen"] = _seen(sums.components, components.records["code"], periods.seen(seen_us(components)))
        sums.cut()
        return sums

    def _index_of(self, key: bytes) -> int:
        index = self._index.setdefault(key, len(self._index))
        if index == len(self._enrolment):
            self._enrolment.append(b"")
            self._components.append(b"")
            if index == len(self._records):
                room = max(index, _LEAST_ROOM)
                self._records = np.concatenate((self._records, np.zeros(room, COHORT_TOTALS)))
                self._newest_us = np.concatenate((self._newest_us, np.zeros(room, np.int64)))
        return index

    def _replace(self, students: Sequence[int], rows: RowFacts) -> None:
        """Give the first of these students these rows, and those behind none."""
        number = len(rows.headers)
        at = students[:number]
        self._records[at], self._newest_us[at] = student_records(rows), rows.headers["as_of_us"]
        none = [b""] * (len(students) - number)
        for student, enrolment in zip(students, (*rows.enrolment, *none), strict=True):
            self._enrolment[student] = enrolment
        for student, components in zip(students, (*rows.components, *none), strict=True):
            self._components[student] = components

    def _added_by(self, students: Sequence[int]) -> RowSums:
        """What these students' rows add, one record for each component and cohort of each."""
        components = ComponentBatch.of([self._components[student] for student in students])
        enrolment = [self._enrolment[student] for student in students]
        return RowSums(component_records(components), by_cohort(self._records[students], enrolment))


def _negative(records: Array) -> Array:
    """What takes these out again: unsigned numbers wrap around, and back when they are added up."""
    negative = records.copy()
    for field in records.dtype.names or ():
        if field not in ("code", "name"):
            negative[field] = -records[field]
    return negative


def _seen(sums: Array, codes: Array, seen: Array) -> Array:
    """By record, of how many of these codes each period was `seen`."""
    at, _ = find_codes(sums, codes)
    columns = [np.bincount(at, seen[:, period], len(sums)) for period in range(len(SEEN_PERIODS))]
    return np.stack(columns, axis=1)
