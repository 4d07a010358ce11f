"""Indicators of a skill set as sums over rows: what behaviour is estimated by, and what profiles show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from streams.rows.layout import Array, Indices
from streams.rows.row_batch import Floats, RowBatch
from streams.skills.skill_set import Indicator, SkillSet
from streams.vocabulary import INDEX

Term = tuple[int, bool]
"""A fact, and whether its values are summed, or their number is."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Numerators and denominators; arrays have shape (indicators, rows), indicators in the order of their skills."""

    part: Floats
    whole: Floats

    @property
    def values(self) -> Floats:
        """The rates, at most 1; NaN where a denominator is 0."""
        counted = np.minimum(self.part, self.whole)
        return np.asarray(np.divide(counted, self.whole, out=np.full_like(counted, np.nan), where=self.whole > 0))


@dataclass(frozen=True, slots=True)
class Indicators:
    """The indicators of a skill set, prepared: of which skill each is, by column, and its terms."""

    indicators: tuple[Indicator, ...]
    skill: Indices
    numerators: tuple[tuple[Term, ...], ...]
    denominators: tuple[tuple[Term, ...], ...]
    sums: "_Sums"

    @classmethod
    def of(cls, skill_set: SkillSet) -> Self:
        """Those of all its skills."""
        return cls.of_skills([skill.indicators for skill in skill_set.skills.values()])

    @classmethod
    def of_skills(cls, by_skill: Iterable[Sequence[Indicator]]) -> Self:
        """Those of each skill, in their order."""
        named = [(column, each) for column, of_skill in enumerate(by_skill) for each in of_skill]
        numerators = tuple(tuple(map(term_of, each.numerator)) for _, each in named)
        denominators = tuple(tuple(map(term_of, each.denominator)) for _, each in named)
        return cls(
            tuple(each for _, each in named),
            np.array([column for column, _ in named], np.intp),
            numerators,
            denominators,
            _Sums(numerators + denominators),
        )

    def recent(self, rows: RowBatch) -> Rates:
        """Decayed sums at each row's reference time."""
        return self._rates(rows.facts["recent_n"], rows.facts["recent_total"])

    def lifetime(self, rows: RowBatch) -> Rates:
        """Sums of all that was ever counted."""
        return self._rates(rows.facts["n"], rows.facts["total"])

    def _rates(self, n: Array, total: Array) -> Rates:
        sums = self.sums.of(n, total)
        return Rates(sums[: len(self.indicators)], sums[len(self.indicators) :])


class _Sums:
    """Sums of facts' columns, prepared: each of `lists` is one, and has a term at least.

    Added in the order of the terms: the same to the bit, whatever else is in the batch. No matrix product: most of one
    would be zeros, and the threads of a BLAS spin on for longer than all of it takes.
    """

    def __init__(self, lists: Sequence[Sequence[Term]]) -> None:
        terms = sorted({term for terms in lists for term in terms}, key=lambda term: (term[1], term[0]))
        at = {term: index for index, term in enumerate(terms)}
        self._n = np.array([fact for fact, of_values in terms if not of_values], np.intp)
        self._total = np.array([fact for fact, of_values in terms if of_values], np.intp)
        self._first = np.array([at[first] for first, *_ in lists], np.intp)
        self._more = [(row, at[term]) for row, (_, *more) in enumerate(lists) for term in more]

    def of(self, n: Array, total: Array) -> Floats:
        """Of these columns, of shape (rows, facts); shape (lists, rows)."""
        columns = np.empty((len(self._n) + len(self._total), len(n)))
        columns[: len(self._n)] = n.T[self._n]
        columns[len(self._n) :] = total.T[self._total]
        sums = columns[self._first]
        for row, term in self._more:
            sums[row] += columns[term]
        return sums


def term_of(text: str) -> Term:
    """What `passed.n` or `marked.sum` stands for."""
    fact, _, column = text.partition(".")
    return INDEX[fact], column == "sum"
