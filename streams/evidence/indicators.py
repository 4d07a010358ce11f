"""Indicators of a skill set as sums over rows: what behaviour is estimated by, and what profiles show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from streams.rows.layout import Indices
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

    @classmethod
    def of(cls, skill_set: SkillSet) -> Self:
        """Those of all its skills."""
        return cls.of_skills([skill.indicators for skill in skill_set.skills.values()])

    @classmethod
    def of_skills(cls, by_skill: Iterable[Sequence[Indicator]]) -> Self:
        """Those of each skill, in their order."""
        named = [(column, each) for column, of_skill in enumerate(by_skill) for each in of_skill]
        return cls(
            tuple(each for _, each in named),
            np.array([column for column, _ in named], np.intp),
            tuple(tuple(map(term_of, each.numerator)) for _, each in named),
            tuple(tuple(map(term_of, each.denominator)) for _, each in named),
        )

    def recent(self, rows: RowBatch) -> Rates:
        """Decayed sums at each row's reference time."""
        return self._rates({False: rows.facts["recent_n"].T, True: rows.facts["recent_total"].T})

    def lifetime(self, rows: RowBatch) -> Rates:
        """Sums of all that was ever counted."""
        return self._rates({False: rows.facts["n"].T, True: rows.facts["total"].T})

    def _rates(self, columns: Mapping[bool, Floats]) -> Rates:
        """Sums of these columns of facts, of shape (facts, rows) each, by whether they hold values.

        Added in the order of the terms: the same to the bit, whatever else is in the batch. No matrix product: most of
        one would be zeros, and the threads of a BLAS spin on for longer than all of it takes.
        """
        part, whole = (np.zeros((len(self.indicators), columns[False].shape[1])) for _ in range(2))
        for sums, terms_of in ((part, self.numerators), (whole, self.denominators)):
            for added, terms in zip(sums, terms_of, strict=True):
                for fact, of_values in terms:
                    added += columns[of_values][fact]
        return Rates(part, whole)


def term_of(text: str) -> Term:
    """What `passed.n` or `marked.sum` stands for."""
    fact, _, column = text.partition(".")
    return INDEX[fact], column == "sum"
