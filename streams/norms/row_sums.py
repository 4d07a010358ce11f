"""Sums over rows: of the cohorts that they name, and of the knowledge components that they have.

A row is the sums of one student, so that what is added up is equal in any order, and one row can be taken out again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final, Self

import numpy as np

from streams.norms.cohorts import Cohort, cohorts_named, cut_name
from streams.norms.measures import UNITS, bins_of, measures_of
from streams.norms.records import COHORT_TOTALS, COMPONENT_TOTALS, SEEN_PERIODS, joined_records, largest, sum_by_code
from streams.rows.components import ComponentBatch
from streams.rows.layout import Array, Indices
from streams.rows.row_facts import RowFacts
from streams.vocabulary import Fact

MOST_COHORTS: Final = 10_000
MOST_COMPONENTS: Final = 20_000
_CHUNK_ROWS: Final = 1_000
_TIMES_MOST: Final = 4
"""So many times the bound is held while sums are taken, so that few rows decide nothing."""


@dataclass(frozen=True, slots=True)
class Periods:
    """What time it is by records, and how long a period is."""

    now_us: int
    every_us: int

    def seen(self, newest_us: Array) -> Array:
        """Of each, whether it had events in the last SEEN_PERIODS; of shape (…, periods)."""
        since_us = self.now_us - np.array(SEEN_PERIODS, np.int64) * self.every_us
        return newest_us[:, None] > since_us


@dataclass(slots=True)
class RowSums:
    """`components` (COMPONENT_TOTALS) and `cohorts` (COHORT_TOTALS), in the order of their codes. `left_out` is how
    often one of these had no room: then, and only then, sums depend on the order of rows.
    """

    components: Array = field(default_factory=lambda: np.zeros(0, COMPONENT_TOTALS))
    cohorts: Array = field(default_factory=lambda: np.zeros(0, COHORT_TOTALS))
    left_out: int = 0

    def __iadd__(self, other: "RowSums") -> Self:
        self.components = sum_by_code(joined_records((self.components, other.components)))
        self.cohorts = sum_by_code(joined_records((self.cohorts, other.cohorts)))
        self.left_out += other.left_out
        return self

    def cut(self, times: int = 1) -> None:
        """Leave out what is beyond the bounds, each so many times: those with fewest students."""
        before = len(self.components) + len(self.cohorts)
        self.components = largest(self.components, times * MOST_COMPONENTS)
        self.cohorts = largest(self.cohorts, times * MOST_COHORTS)
        self.left_out += before - len(self.components) - len(self.cohorts)


def sum_rows(rows: Iterable[bytes], periods: Periods) -> RowSums:
    """The sums over stored rows, bounded. Raises Fatal for a row that cannot be read."""
    sums, waiting, held = RowSums(), list[RowSums](), 0
    each = iter(rows)
    while some := list(islice(each, _CHUNK_ROWS)):
        waiting.append(sums_of(RowFacts.of(some), periods))
        held += len(waiting[-1].cohorts) + len(waiting[-1].components)
        if held > len(sums.cohorts) + len(sums.components) + 2 * _CHUNK_ROWS:
            sums, waiting, held = _added(sums, waiting), [], 0
    sums = _added(sums, waiting)
    sums.cut()
    return sums


def sums_of(rows: RowFacts, periods: Periods) -> RowSums:
    """The sums over rows, not bounded."""
    rows = counted_rows(rows)
    students = student_records(rows)
    students["seen"] = periods.seen(rows.headers["as_of_us"]) & (students["students"] > 0)[:, None]
    components = ComponentBatch.of(rows.components)
    of_components = component_records(components)
    of_components["seen"] = periods.seen(seen_us(components))
    return RowSums(sum_by_code(of_components), sum_by_code(by_cohort(students, rows.enrolment)))


def counted_rows(rows: RowFacts) -> RowFacts:
    """The same rows without what does not count: all of a row without events, the components of who withdrew."""
    there = rows.headers["events"] > 0
    stays = there & (rows.facts["n"][:, Fact.WITHDREW] == 0)
    if stays.all():
        return rows
    enrolment, components = (
        [section if each else b"" for section, each in zip(sections, chosen.tolist(), strict=True)]
        for sections, chosen in ((rows.enrolment, there), (rows.components, stays))
    )
    return rows._replace(enrolment=enrolment, components=components)


def student_records(rows: RowFacts) -> Array:
    """Each of `counted_rows` as the sums of one student (COHORT_TOTALS) of no cohort; `seen` is left to `Periods`."""
    records = np.zeros(len(rows.headers), COHORT_TOTALS)
    withdrew = rows.facts["n"][:, Fact.WITHDREW] > 0
    records["withdrew"], records["students"] = withdrew, ~withdrew
    measures = measures_of(rows.headers, rows.facts)
    known = ~np.isnan(measures) & ~withdrew[:, None]
    values = np.where(known, np.rint(np.nan_to_num(measures) * UNITS), 0).astype(np.int64)
    records["n"], records["total"], records["squares"] = known, values, values * values
    row, measure = known.nonzero()
    records["bins"][row, measure, bins_of(measures)[known]] = 1
    records["facts"][:, : rows.facts.shape[1]] = (rows.facts["n"] > 0) & ~withdrew[:, None]
    components = ComponentBatch.of(rows.components)
    wins, fails = (
        np.bincount(components.owner, components.records[name], len(records)).astype(np.int64)
        for name in ("wins", "fails")
    )
    records["wins"], records["answers"] = wins, wins + fails
    return records


def by_cohort(students: Array, enrolment: Sequence[bytes]) -> Array:
    """The records of students, each once for every cohort that its part of a row names."""
    owner, cohorts = cohorts_by_row(enrolment)
    records = students.take(owner)
    records["code"] = np.fromiter((each.code for each in cohorts), np.uint64, len(cohorts))
    records["name"] = [each.name for each in cohorts]
    return records


def cohorts_by_row(enrolment: Sequence[bytes]) -> tuple[Indices, list[Cohort]]:
    """The cohorts that rows name, and of each the index of its row."""
    cohorts = list(map(cohorts_named, enrolment))
    sizes = np.fromiter(map(len, cohorts), np.intp, len(cohorts))
    return np.arange(len(cohorts)).repeat(sizes), list(chain.from_iterable(cohorts))


def component_records(components: ComponentBatch) -> Array:
    """Each component of each row as the sums of one student (COMPONENT_TOTALS); `seen` is left to `Periods`."""
    records = np.zeros(len(components.records), COMPONENT_TOTALS)
    records["code"], records["wins"] = components.records["code"], components.records["wins"]
    records["answers"] = records["wins"] + components.records["fails"]
    records["name"] = list(map(cut_name, components.names()))
    records["students"] = 1
    return records


def seen_us(components: ComponentBatch) -> Array:
    """When each component of each row was last answered."""
    return components.records["newest_s"].astype(np.int64) * 1_000_000


def _added(sums: RowSums, others: Sequence[RowSums]) -> RowSums:
    whole = (sums, *others)
    added = RowSums(
        sum_by_code(joined_records([each.components for each in whole])),
        sum_by_code(joined_records([each.cohorts for each in whole])),
        sum(each.left_out for each in whole),
    )
    added.cut(_TIMES_MOST)
    return added
