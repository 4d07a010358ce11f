"""Indicators of a skill set as sums over rows: what behaviour is estimated by, and what profiles show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from streams.rows.layout import Indices
from streams.rows.row_batch import Floats, RowBatch
from streams.skills.skill_set import Indicator, SkillSet
from streams.vocabulary import FACTS, INDEX

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
    counted: tuple[Floats, Floats]
    """Which facts are counted in each numerator and denominator; shape (indicators, facts)."""
    valued: tuple[int, ...]
    """The indicators that sum values."""

    @classmethod
    def of(cls, skill_set: SkillSet) -> Self:
        """Those of all its skills."""
        return cls.of_skills([skill.indicators for skill in skill_set.skills.values()])

    @classmethod
    def of_skills(cls, by_skill: Iterable[Sequence[Indicator]]) -> Self:
        """Those of each skill, in their order."""
        named = [(column, each) for column, of_skill in enumerate(by_skill) for each in of_skill]
        numerators = tuple(tuple(map(_term, each.numerator)) for _, each in named)
        denominators = tuple(tuple(map(_term, each.denominator)) for _, each in named)
        valued = (
            index
            for index, terms in enumerate(zip(numerators, denominators, strict=True))
            if any(of_values for some in terms for _, of_values in some)
        )
        return cls(
            tuple(each for _, each in named),
            np.array([column for column, _ in named], np.intp),
            numerators,
            denominators,
            (_counted(numerators), _counted(denominators)),
            tuple(valued),
        )

    def recent(self, rows: RowBatch) -> Rates:
        """Decayed sums at each row's reference time."""
        part, whole = (np.zeros((len(self.indicators), len(rows))) for _ in range(2))
        columns = {False: rows.facts["recent_n"].T, True: rows.facts["recent_total"].T}
        for sums, terms_of in ((part, self.numerators), (whole, self.denominators)):
            for added, terms in zip(sums, terms_of, strict=True):
                _add_up(added, terms, columns)
        return Rates(part, whole)

    def lifetime(self, rows: RowBatch) -> Rates:
        """Sums of all that was ever counted. Numbers of events are whole, and add up to the same in any order."""
        numbers = rows.facts["n"].astype(np.float64).T
        columns = {True: rows.facts["total"].T}
        sums = []
        for counted, terms_of in zip(self.counted, (self.numerators, self.denominators), strict=True):
            of_all = counted @ numbers
            for index in self.valued:
                _add_up(of_all[index], [term for term in terms_of[index] if term[1]], columns)
            sums.append(of_all)
        return Rates(*sums)


def _add_up(sums: Floats, terms: Sequence[Term], columns: Mapping[bool, Floats]) -> None:
    """Add, in place, in the order of the terms: the same sum to the bit, whatever else is in the batch."""
    for fact, of_values in terms:
        sums += columns[of_values][fact]


def _counted(terms_of: Sequence[Sequence[Term]]) -> Floats:
    counted = np.zeros((len(terms_of), len(FACTS)))
    for index, terms in enumerate(terms_of):
        for fact, of_values in terms:
            counted[index, fact] += not of_values
    return counted


def _term(text: str) -> Term:
    fact, _, column = text.partition(".")
    return INDEX[fact], column == "sum"
