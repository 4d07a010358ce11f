"""What something simple would have said of the same rows.

A baseline is fitted to the evaluated students themselves, cross-fitted: each is predicted by what was learnt from the
others. So it knows this cohort, which a model trained on earlier ones does not: where it wins, that is a part of why.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from sklearn.model_selection import GroupKFold

from streams.evaluation.learners import LEAF, Learner, RowIndices, boosted_trees, mean, regression
from streams.evaluation.metrics import LEVEL, Numbers, logistic_fit, logit
from streams.evaluation.predictions import Predictions
from streams.evaluation.subject import Rival

FOLDS: Final = 5
MEAN_COUNTS_FOR: Final = 5.0
"""How many scores the overall mean counts for when a student's own is shrunken to it."""


def baselines(
    predictions: Predictions, score_total: Numbers, score_n: Numbers, features: Numbers, seed: int = 0
) -> dict[str, Rival]:
    """Those that can be had: `constant`; `shrunken_mean` of a student's scores so far, of which there were `score_n`
    with a sum of `score_total`, where there are any; `regression` and `boosted_trees` on `features`, of shape (n,
    columns), where any says something. None at all of fewer than FOLDS students.

    Of continuous outcomes each has an interval: the constant that of LEVEL of the outcomes, the others one of LEVEL of
    their errors.
    """
    if len(np.unique(predictions.student)) < FOLDS:
        return {}
    splits = list(GroupKFold(FOLDS, shuffle=True, random_state=seed).split(features, groups=predictions.student))
    learners: dict[str, Learner] = {}
    if score_n.any():
        learners["shrunken_mean"] = _shrunken_mean(score_total, score_n)
    if informative := [column for column in range(features.shape[1]) if _is_informative(features[:, column])]:
        learners["regression"] = regression(features[:, informative])
        learners["boosted_trees"] = boosted_trees(features[:, informative], seed)
    found = {"constant": _constant(predictions, splits)}
    found |= {name: _with_interval(_crossfitted(predictions, splits, each), splits) for name, each in learners.items()}
    return {name: Rival.of_all(each) for name, each in found.items()}


_Splits = Sequence[tuple[RowIndices, RowIndices]]


def _crossfitted(predictions: Predictions, splits: _Splits, learner: Learner) -> Predictions:
    p = np.empty(len(predictions))
    for inside, outside in splits:
        p[outside] = learner(inside, outside, predictions.outcome, predictions.binary)
    return predictions.predicting(np.clip(p, 0, 1))


def _constant(predictions: Predictions, splits: _Splits) -> Predictions:
    """The others' mean and, of continuous outcomes, the interval that holds LEVEL of theirs."""
    everybody = _crossfitted(predictions, splits, mean)
    if predictions.binary:
        return everybody
    low, high = np.empty(len(predictions)), np.empty(len(predictions))
    for inside, outside in splits:
        ends = np.quantile(predictions.outcome[inside], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        low[outside], high[outside] = ends
    return replace(everybody, low=low, high=high)


def _with_interval(predictions: Predictions, splits: _Splits) -> Predictions:
    """With p ± as much as LEVEL of the others are off, of continuous outcomes (split conformal: Vovk et al. 2005)."""
    if predictions.binary:
        return predictions
    error, half = np.abs(predictions.outcome - predictions.p), np.empty(len(predictions))
    for inside, outside in splits:
        half[outside] = np.quantile(error[inside], LEVEL)
    low, high = np.clip(predictions.p - half, 0, 1), np.clip(predictions.p + half, 0, 1)
    return replace(predictions, low=low, high=high)


def _shrunken_mean(total: Numbers, n: Numbers) -> Learner:
    """The mean of a student's scores, shrunken to that of all, and put on the scale of the outcome."""

    def learn(inside: RowIndices, outside: RowIndices, outcome: Numbers, binary: bool) -> Numbers:
        prior = total[inside].sum() / max(n[inside].sum(), 1.0)
        log_odds = logit((total + MEAN_COUNTS_FOR * prior) / (n + MEAN_COUNTS_FOR))
        fitted = logistic_fit(log_odds[inside], outcome[inside])
        if fitted is None:
            return mean(inside, outside, outcome, binary)
        return np.asarray(1 / (1 + np.exp(-(fitted[0] + fitted[1] * log_odds[outside]))))

    return learn


def _is_informative(column: Numbers) -> bool:
    """Whether a column varies, and is known of enough rows to be learnt from."""
    known = column[~np.isnan(column)]
    return len(known) > FOLDS * LEAF // 2 and bool(known.min() < known.max())
