"""Fitting the indicators of one skill: to what a rate is shrunk, how strongly, and how much it weighs.

The prior is that of the cohort (empirical Bayes). Rates of students differ by chance, the less the more was counted,
and by what students are like; with the variances v of one observation within students and τ² of rates between them, a
rate is shrunk to the cohort's as if by v/τ² observations (Bühlmann and Straub, Mitteilungen der Vereinigung
schweizerischer Versicherungsmathematiker 70, 1970; both variances by moments). The weights are those of a logistic
regression on how far the shrunken rates lie from their priors, none of them against the direction that the skills file
says.

    moments ──► sums ──► priors ──► weights ──► estimates of those held out ──► kept, if these are better than by hand
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.evaluation.bootstrap import Interval, mean_interval
from streams.evidence.artifacts import Artifact
from streams.evidence.behaviour import BehaviourSource
from streams.evidence.fitted_indicator import FittedIndicator
from streams.evidence.indicators import Indicators
from streams.evidence.platforms import speaking
from streams.evidence.source import Estimate
from streams.evidence.weighted_indicators import distance_from_prior
from streams.rows.row_batch import Floats, RowBatch
from streams.scoring.fusion import log_odds_of
from streams.skills.skill_set import Indicator
from streams.training.estimates import estimated, joined, reordered, row_batches
from streams.training.folds import Fold
from streams.training.fusion_fit import MIN_OF_EACH_LABEL, FusionData
from streams.training.moments import Moment
from streams.training.source_choice import crossfitted, losses_of_log_odds, nonnegative_logit

_DIGITS: Final = 4
_STRENGTHS: Final = (0.2, 200.0)
_PRIORS: Final = (0.02, 0.98)
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class FittedBehaviour:
    """Fitted indicators by name, the source's estimate of each moment by a fit that did not see it, and by how much the
    log loss of these is lower than that of the hand-made ones, with its 95 % interval.
    """

    indicators: dict[str, FittedIndicator]
    estimate: Estimate
    gain: float
    interval: Interval


def fit_behaviour(moments: Sequence[Moment], folds: Sequence[Fold], data: FusionData) -> FittedBehaviour | None:
    """Fit to all moments, and judge fits to those inside of each fold by those outside. None where there is nothing to
    fit, or the fit is not better than by hand beyond chance. For priors a label's own moment counts, and no other.
    """
    (skill,) = data.skill_set.names
    indicators = [each for each in speaking(data.skill_set, data.artifact)[skill] if each.weight]
    if not indicators or min(data.labels.sum(), (1 - data.labels).sum()) < MIN_OF_EACH_LABEL:
        return None
    sums = IndicatorSums.of(moments, indicators)
    own = np.flatnonzero([moment.own for moment in moments])
    parts = []
    for fold in folds:
        fitted = _fit(indicators, sums, data, np.intersect1d(fold.inside, own), fold.inside)
        parts.append(_estimate([moments[at] for at in fold.outside], skill, fitted, data))
    unseen = reordered(joined(parts), np.argsort(np.concatenate([fold.outside for fold in folds])))
    gain = (_losses(data.estimates[BehaviourSource.name], data) - _losses(unseen, data)) / data.weights.mean()
    interval = mean_interval(data.students, gain, seed=data.seed)
    if not interval[0] > 0:
        return None
    final = _fit(indicators, sums, data, own, np.arange(len(moments)))
    return FittedBehaviour(final, unseen, float(gain.mean()), interval)


def with_indicators(artifact: Artifact, skill: str, indicators: dict[str, FittedIndicator]) -> Artifact:
    """The artifact, its card saying so."""
    card = msgspec.structs.replace(artifact.card.skills[skill], indicators=indicators)
    return replace(artifact, card=msgspec.structs.replace(artifact.card, skills={skill: card}))


@dataclass(frozen=True, slots=True)
class IndicatorSums:
    """Numerators and denominators at moments, decayed and of all times, and the squares of what the numerators count;
    every array has shape (moments, indicators).
    """

    part: Floats
    whole: Floats
    part_ever: Floats
    whole_ever: Floats
    squares_ever: Floats

    @classmethod
    def of(cls, moments: Sequence[Moment], indicators: Sequence[Indicator]) -> Self:
        """Add them up."""
        prepared = Indicators.of_skills([indicators])
        batches = [_of_batch(row_batch, prepared) for row_batch in row_batches(moments, ())]
        return cls(*(np.concatenate(columns) for columns in zip(*batches, strict=True)))


def _of_batch(rows: RowBatch, indicators: Indicators) -> list[Floats]:
    recent, ever = indicators.recent(rows), indicators.lifetime(rows)
    part, whole = recent.part * rows.decay, recent.whole * rows.decay
    columns = {False: rows.facts["n"], True: rows.facts["squares"]}
    squares = [np.sum([columns[of_values][:, fact] for fact, of_values in terms], 0) for terms in indicators.numerators]
    sums = (
        np.minimum(part, whole),
        whole,
        np.minimum(ever.part, ever.whole),
        ever.whole,
        np.array(squares, np.float64),
    )
    return [of_indicators.T for of_indicators in sums]


def _fit(
    indicators: Sequence[Indicator],
    sums: IndicatorSums,
    data: FusionData,
    cohort: NDArray[np.intp],
    learnt: NDArray[np.intp],
) -> dict[str, FittedIndicator]:
    """Priors from the `cohort`, one moment a label; weights from all moments that are `learnt` from."""
    priors = [cohort_prior(each, sums, column, cohort) for column, each in enumerate(indicators)]
    directed = [
        np.sign(each.weight) * distance_from_prior(sums.part[learnt, column], sums.whole[learnt, column], *prior)
        for column, (each, prior) in enumerate(zip(indicators, priors, strict=True))
    ]
    design = np.column_stack([*directed, np.ones(len(learnt))])
    *weights, _ = nonnegative_logit(design, data.labels[learnt], data.weights[learnt]).tolist()
    return {
        each.name: FittedIndicator(
            numerator=each.numerator,
            denominator=each.denominator,
            prior=prior,
            strength=strength,
            weight=round(float(np.copysign(weight, each.weight)), _DIGITS),
        )
        for each, (prior, strength), weight in zip(indicators, priors, weights, strict=True)
    }


def cohort_prior(
    indicator: Indicator, sums: IndicatorSums, column: int, cohort: NDArray[np.intp]
) -> tuple[float, float]:
    """The cohort's rate, and the observations that it is worth; those of the skills file where too few students, or a
    denominator that sums values, tell nothing of variances.
    """
    whole = sums.whole_ever[cohort, column]
    known = cohort[whole >= 1]
    part, whole, squares = (each[known, column] for each in (sums.part_ever, sums.whole_ever, sums.squares_ever))
    spare = whole.sum() - len(known)
    if len(known) < MIN_OF_EACH_LABEL or spare <= 0 or any(term.endswith(".sum") for term in indicator.denominator):
        return indicator.prior, indicator.strength
    rate = part.sum() / whole.sum()
    within = max((squares - part * part / whole).sum() / spare, _TINY)
    apart = (whole * (part / whole - rate) ** 2).sum() - (len(known) - 1) * within
    between = max(apart / (whole.sum() - (whole * whole).sum() / whole.sum()), _TINY)
    strength = float(np.clip(within / between, *_STRENGTHS))
    return round(float(np.clip(rate, *_PRIORS)), _DIGITS), round(strength, _DIGITS)


def _estimate(moments: Sequence[Moment], skill: str, fitted: dict[str, FittedIndicator], data: FusionData) -> Estimate:
    source = BehaviourSource(data.skill_set, with_indicators(data.artifact, skill, fitted))
    return estimated(source, moments, (skill,))


def calibrated(estimate: Estimate, data: FusionData) -> Floats:
    """Log-odds of each moment by the estimate, calibrated on the other folds' students; shape (moments,)."""
    return crossfitted([log_odds_of(estimate.p[:, 0])], data.labels, data.weights, data.folds)


def _losses(estimate: Estimate, data: FusionData) -> Floats:
    return losses_of_log_odds(calibrated(estimate, data), data.labels, data.weights)
