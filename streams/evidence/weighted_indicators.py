"""Some indicators of a skill set, each with its weight: how far rates lie from their priors, added up by skill.

Each indicator is a rate with a Beta prior: rate = (numerator + strength·prior)/(denominator + strength).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from streams.evidence.indicators import Rates
from streams.rows.row_batch import Floats
from streams.skills.skill_set import Indicator

_EDGE: Final = 0.005


@dataclass(frozen=True, slots=True)
class WeightedIndicator:
    """An indicator: its index among all, its skill's column, and its part of the weights of its skill's."""

    index: int
    column: int
    indicator: Indicator
    share: float


class WeightedIndicators:
    """Weighted indicators, as arrays. All sums are added in their order: the same to the bit in any batch."""

    def __init__(self, indicators: Sequence[WeightedIndicator], skills: int) -> None:
        self.columns = [each.column for each in indicators]
        self.share = _as_column([each.share for each in indicators])
        self._skills = skills
        self._index = np.array([each.index for each in indicators], np.intp)
        self._weight = _as_column([each.indicator.weight for each in indicators])
        self._strength = _as_column([each.indicator.strength for each in indicators])
        priors = _as_column([each.indicator.prior for each in indicators])
        self._prior_sum = self._strength * priors
        self._prior_log_odds = log_odds_within_edges(priors)

    def __len__(self) -> int:
        """Indicators."""
        return len(self.columns)

    def of(self, rates: Rates, counted: Floats) -> tuple[Floats, Floats]:
        """Numerators and denominators of these, times `counted`, which is by row; shape (indicators, rows)."""
        return rates.part[self._index] * counted, rates.whole[self._index] * counted

    def log_odds(self, part: Floats, whole: Floats) -> Floats:
        """How far each shrunken rate lies from its prior, times the indicator's weight; shape (indicators, rows)."""
        rate = (np.minimum(part, whole) + self._prior_sum) / (whole + self._strength)
        return np.asarray(self._weight * (log_odds_within_edges(rate) - self._prior_log_odds))

    def add_by_skill(self, values: Floats, sums: Floats) -> None:
        """Add `values` of each indicator, shape (indicators, …), to its skill's among `sums`, shape (skills, …)."""
        for column, of_indicator in zip(self.columns, values, strict=True):
            sums[column] += of_indicator


def distance_from_prior(part: Floats, whole: Floats, prior: float, strength: float) -> Floats:
    """How far a rate, shrunk by a prior that is worth `strength` observations, lies from it, in log-odds."""
    rate = (np.minimum(part, whole) + strength * prior) / (whole + strength)
    return log_odds_within_edges(rate) - log_odds_within_edges(np.array(prior))


def log_odds_within_edges(p: Floats) -> Floats:
    """Log-odds of probabilities, which are moved away from 0 and 1."""
    clipped = np.minimum(np.maximum(p, _EDGE), 1 - _EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _as_column(values: Sequence[float]) -> Floats:
    return np.array(values, np.float64).reshape(-1, 1)
