"""Behaviour: shrunken rates of what a student does.

Each indicator is a rate with a Beta prior: rate = (numerator + strength·prior)/(denominator + strength). A skill's
log-odds are the weighted sum of how far its rates lie from their priors, so a student of whom nothing is known sits
at 0.5 with no evidence. Rubric ratings are one more rate; their number adds to n, so that no rating makes it less.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import NO_ARTIFACT, Artifact
from streams.evidence.features import facts_read
from streams.evidence.indicators import Indicators, Rates
from streams.evidence.platforms import speaking
from streams.evidence.source import INLINE_ROWS, Estimate, EstimateStatus, OwnThread, SourceType
from streams.evidence.training_scope import training_scopes
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import Indicator, SkillSet

RUBRIC_STRENGTH: Final = 1.0
RUBRIC_WEIGHT: Final = 1.5
_EDGE: Final = 0.005
_MAX_LOG_ODDS: Final = 20.0  # a probability is never 0 or 1, however much is weighed


@dataclass(frozen=True, slots=True)
class BehaviourEstimate(Estimate):
    """An estimate, and the decayed sums that it was made from: whoever shows them need not add up again."""

    recent: Rates


def recent_rates(indicators: Indicators, rows: RowBatch, estimates: Mapping[str, Estimate]) -> Rates:
    """Decayed sums: those that behaviour was estimated by, or, where that failed, the same once more."""
    estimate = estimates.get(BehaviourSource.name)
    return estimate.recent if isinstance(estimate, BehaviourEstimate) else indicators.recent(rows)


class BehaviourSource:
    """The `behaviour` source of a skill set."""

    name = "behaviour"

    def __init__(self, skill_set: SkillSet, artifact: Artifact = NO_ARTIFACT) -> None:
        """The artifact is the one in use beside this source."""
        cards, scopes = artifact.card.skills, training_scopes(skill_set, artifact)
        self._indicators = Indicators.of(skill_set)
        self._skills = [
            (
                _weighted(self._indicators, column, speak, cards[name].features if name in cards else ()),
                scopes.get(name),
            )
            for column, (name, speak) in enumerate(speaking(skill_set, artifact).items())
        ]
        self._thread = OwnThread(self.name, INLINE_ROWS)

    async def estimate(self, row_batch: RowBatch) -> Estimate:
        """See Source."""
        return await self._thread.run(self.compute, row_batch)

    def compute(self, row_batch: RowBatch) -> BehaviourEstimate:
        """The estimate itself; pure. Of a student whom a trained skill's scope excludes no indicator speaks: how they
        weigh was fitted to others.
        """
        estimate = Estimate.empty(len(row_batch), len(self._skills))
        recent = self._indicators.recent(row_batch)
        decay = row_batch.decay
        as_of_s = row_batch.headers["as_of_us"] / 1e6
        for column, (rates, scope) in enumerate(self._skills):
            log_odds, n, newest_s = _rubric(row_batch, column, decay)
            shared = np.zeros(len(row_batch))
            counted = decay if scope is None else np.where(scope.excludes(row_batch), 0.0, decay)
            for rate in rates:
                part, whole = recent.part[rate.index] * counted, recent.whole[rate.index] * counted
                log_odds += rate.log_odds(part, whole)
                n += rate.share * whole
                shared += rate.share * whole * rate.read_by_model
                newest_s = np.maximum(newest_s, row_batch.facts["newest_s"][:, rate.facts].max(axis=1) * (counted > 0))
            known = n > 0
            estimate.p[known, column] = 1 / (1 + np.exp(-np.clip(log_odds[known], -_MAX_LOG_ODDS, _MAX_LOG_ODDS)))
            estimate.n[known, column] = n[known]
            estimate.age_s[known, column] = np.maximum(as_of_s[known] - newest_s[known], 0)
            estimate.status[known, column] = EstimateStatus.OK
            estimate.shared[known, column] = np.minimum(shared[known] / n[known], 1.0)
        return BehaviourEstimate(
            **{each.name: getattr(estimate, each.name) for each in fields(estimate)}, recent=recent
        )


@dataclass(frozen=True, slots=True)
class _Rate:
    """An indicator, weighed: its index among all, the facts that it counts, and its part of the skill's weights."""

    index: int
    indicator: Indicator
    facts: list[int]
    share: float
    read_by_model: bool

    def log_odds(self, part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far the shrunken rate lies from its prior, times the indicator's weight."""
        return self.indicator.weight * distance_from_prior(part, whole, self.indicator.prior, self.indicator.strength)


def distance_from_prior(
    part: NDArray[np.float64], whole: NDArray[np.float64], prior: float, strength: float
) -> NDArray[np.float64]:
    """How far a rate, shrunk by a prior that is worth `strength` observations, lies from it, in log-odds."""
    rate = (np.minimum(part, whole) + strength * prior) / (whole + strength)
    return np.asarray(_logit(rate) - _logit(np.array(prior)))


def _weighted(
    indicators: Indicators, column: int, speaking: Collection[Indicator], features: Collection[str]
) -> list[_Rate]:
    """The indicators of the skill in `column` that speak, by their names, and have a weight: as they were fitted."""
    read = {fact.key for fact in facts_read(features)}
    by_name = {indicator.name: indicator for indicator in speaking}
    total = sum(abs(indicator.weight) for indicator in speaking) or 1.0
    return [
        _Rate(
            index,
            indicator,
            sorted({fact for fact, _ in indicators.numerators[index] + indicators.denominators[index]}),
            abs(indicator.weight) / total,
            not read.isdisjoint(text.partition(".")[0] for text in indicator.numerator),
        )
        for index in np.flatnonzero(indicators.skill == column).tolist()
        if (indicator := by_name.get(indicators.indicators[index].name)) is not None and indicator.weight
    ]


def _rubric(
    row_batch: RowBatch, skill: int, decay: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds, number and newest of the teachers' ratings; each of shape (rows,)."""
    n, total = (
        row_batch.skill_states["rubric_n"][:, skill] * decay,
        row_batch.skill_states["rubric_total"][:, skill] * decay,
    )
    rate = (total + RUBRIC_STRENGTH * 0.5) / (n + RUBRIC_STRENGTH)
    return (
        np.where(n > 0, RUBRIC_WEIGHT * _logit(rate), 0.0),
        n,
        row_batch.skill_states["rubric_newest_s"][:, skill].astype(float),
    )


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(p, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))


BEHAVIOUR: Final = SourceType(
    name=BehaviourSource.name,
    make=BehaviourSource,
    overlaps=("model",),
    kappas=(0.0, 2.0, 8.0),
)
