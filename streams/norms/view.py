"""The norms in force, as scoring asks for them: found by code, for a batch at once. It is never changed."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Final, NamedTuple

import numpy as np

from streams.norms.cohorts import cohort, cohorts_named
from streams.norms.measures import measures_of
from streams.norms.relative import CohortFigures, answers_z
from streams.norms.snapshot import NormSnapshot
from streams.rows.components import ComponentBatch
from streams.rows.enrolment import enrolment_of
from streams.rows.layout import Array, Indices
from streams.rows.row_batch import Floats
from streams.rows.row_facts import RowFacts

_REMEMBERED: Final = 16_384
_NONE: Final = -1
_NO_SHARE: Final = 0.5


class CohortChoice(NamedTuple):
    """By row: the index of the cohort whose norm serves, -1 for none; whether that is `borrowed`, another course's; and
    whether the row has `named` a course or class.
    """

    cohort: Indices
    borrowed: Array
    named: Array

    @property
    def new(self) -> Array:
        """Of which rows no cohort has a norm, though they name a course or class."""
        new: Array = self.named & (self.cohort == _NONE)
        return new


class NormView:
    """The norms of one snapshot. `version` is what updates call it, `key` what rows do.

    `cohorts` are its records, and one of no students behind the last, which is that of -1.
    """

    def __init__(self, snapshot: NormSnapshot) -> None:
        self.snapshot = snapshot
        self.version = snapshot.version
        self.key = snapshot.key
        self.cohorts: Array = np.append(snapshot.cohorts, np.zeros(1, snapshot.cohorts.dtype))
        self._items = _Table(snapshot.items)
        self._components = _Table(snapshot.components)
        self._figures = CohortFigures.of(snapshot.cohorts)
        own = {code: at for at, code in enumerate(snapshot.cohorts["code"].tolist())}
        others = {
            cohort("course", copy).code: at
            for copy, course in snapshot.aliases
            if (at := own.get(cohort("course", course).code)) is not None
        }
        self._choose = lru_cache(_REMEMBERED)(partial(_choice, own, others))
        answers = int(snapshot.components["answers"].sum())
        self.share_right = int(snapshot.components["wins"].sum()) / answers if answers else _NO_SHARE

    def items(self, codes: Array) -> Array:
        """The norms (ITEM) of items by `item_code`; one of no students where there is none."""
        return self._items.find(codes)

    def components(self, codes: Array) -> Array:
        """The norms (COMPONENT_TOTALS) of components by `component_code`; one of no students where there is none."""
        return self._components.find(codes)

    def cohorts_of(self, enrolment: Sequence[bytes]) -> CohortChoice:
        """The cohorts whose norms serve rows, by their parts of that name: class, course, the course that this is a
        copy of, school, source.
        """
        choices = list(map(self._choose, enrolment))
        columns = zip(*choices, strict=True) if choices else ((), (), ())
        at, borrowed, named = (
            np.array(column, kind) for column, kind in zip(columns, (np.intp, bool, bool), strict=True)
        )
        return CohortChoice(at, borrowed, named)

    def relative(self, rows: RowFacts) -> Floats:
        """NORM_COLUMNS of rows, of shape (rows, columns); NaN where there is no norm, or where a row says nothing."""
        choice = self.cohorts_of(rows.enrolment)
        columns = self._figures.compare(measures_of(rows.headers, rows.facts), choice.cohort, choice.borrowed)
        components = ComponentBatch.of(rows.components)
        of_answers = answers_z(components, self.components(components.records["code"]))
        return np.column_stack((columns[:, :-1], of_answers, columns[:, -1]))


def _choice(own: Mapping[int, int], others: Mapping[int, int], enrolment: bytes) -> tuple[int, bool, bool]:
    """What `CohortChoice` has of a row, by the indices of its cohorts' own norms and of those to be borrowed."""
    ids = enrolment_of(enrolment)
    named = bool(ids.class_id or ids.course_id)
    for each in cohorts_named(enrolment):
        if (at := own.get(each.code)) is not None:
            return at, False, named
        if (at := others.get(each.code)) is not None:
            return at, True, named
    return _NONE, False, named


class _Table:
    """Records that are found by their code."""

    def __init__(self, records: Array) -> None:
        self._codes = np.ascontiguousarray(records["code"])
        self._records = records

    def find(self, codes: Array) -> Array:
        """The record of each of `codes`; one of no students where there is none."""
        if not len(self._codes):
            return np.zeros(len(codes), self._records.dtype)
        wanted = codes.astype(np.uint64)  # with others numpy would compare floats
        at = self._codes.searchsorted(wanted)
        at[at == len(self._codes)] = 0
        found: Array = self._records[at]
        found[self._codes[at] != wanted] = np.zeros((), self._records.dtype)
        return found
