"""What something simple would have said of the same rows.

A baseline is fitted to the evaluated students themselves, cross-fitted: each is predicted by what was learnt from the
others. So it knows this cohort, which a model trained on earlier ones does not: where it wins, that is a part of why.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold
from threadpoolctl import ThreadpoolController

from streams.evaluation.metrics import LEVEL, Numbers, logistic_fit, logit
from streams.evaluation.predictions import Predictions
from streams.evaluation.subject import Rival

FOLDS: Final = 5
MEAN_COUNTS_FOR: Final = 5.0
"""How many scores the overall mean counts for when a student's own is shrunken to it."""
_LEAF: Final = 40


def baselines(
    predictions: Predictions, score_total: Numbers, score_n: Numbers, features: Numbers, seed: int = 0
) -> dict[str, Rival]:
    """Those that can be had: `constant`; `shrunken_mean` of a student's scores so far, of which there were `score_n`
    with a sum of `score_total`, where there are any; `boosted_trees` on `features`, of shape (n, columns), where any
    says something. None at all of fewer than FOLDS students.
    """
    if len(np.unique(predictions.student)) < FOLDS:
        return {}
    splits = list(GroupKFold(FOLDS, shuffle=True, random_state=seed).split(features, groups=predictions.student))
    found = {"constant": _constant(predictions, splits)}
    if score_n.any():
        found["shrunken_mean"] = _crossfitted(predictions, splits, _shrunken_mean(score_total, score_n))
    if informative := [column for column in range(features.shape[1]) if _is_informative(features[:, column])]:
        found["boosted_trees"] = _crossfitted(predictions, splits, _boosted_trees(features[:, informative], seed))
    return {name: Rival.of_all(each) for name, each in found.items()}


_Rows = NDArray[np.intp]
_Splits = Sequence[tuple[_Rows, _Rows]]
_Learner = Callable[[_Rows, _Rows, Numbers, bool], Numbers]
"""From rows to learn from, rows to predict, all outcomes, and whether these are binary, to p of the second."""


def _crossfitted(predictions: Predictions, splits: _Splits, learner: _Learner) -> Predictions:
    p = np.empty(len(predictions))
    for inside, outside in splits:
        p[outside] = learner(inside, outside, predictions.outcome, predictions.binary)
    return predictions.predicting(np.clip(p, 0, 1))


def _constant(predictions: Predictions, splits: _Splits) -> Predictions:
    """The others' mean and, of continuous outcomes, the interval that holds LEVEL of theirs."""
    mean = _crossfitted(predictions, splits, _mean)
    if predictions.binary:
        return mean
    low, high = np.empty(len(predictions)), np.empty(len(predictions))
    for inside, outside in splits:
        ends = np.quantile(predictions.outcome[inside], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        low[outside], high[outside] = ends
    return replace(mean, low=low, high=high)


def _mean(inside: _Rows, outside: _Rows, outcome: Numbers, _binary: bool) -> Numbers:
    return np.full(len(outside), outcome[inside].mean())


def _shrunken_mean(total: Numbers, n: Numbers) -> _Learner:
    """The mean of a student's scores, shrunken to that of all, and put on the scale of the outcome."""

    def learn(inside: _Rows, outside: _Rows, outcome: Numbers, binary: bool) -> Numbers:
        prior = total[inside].sum() / max(n[inside].sum(), 1.0)
        log_odds = logit((total + MEAN_COUNTS_FOR * prior) / (n + MEAN_COUNTS_FOR))
        fitted = logistic_fit(log_odds[inside], outcome[inside])
        if fitted is None:
            return _mean(inside, outside, outcome, binary)
        return np.asarray(1 / (1 + np.exp(-(fitted[0] + fitted[1] * log_odds[outside]))))

    return learn


def _boosted_trees(features: Numbers, seed: int) -> _Learner:
    def learn(inside: _Rows, outside: _Rows, outcome: Numbers, binary: bool) -> Numbers:
        known = outcome[inside]
        if known.min() == known.max():
            return _mean(inside, outside, outcome, binary)
        shape: Mapping[str, Any] = {
            "max_depth": 5,
            "learning_rate": 0.08,
            "l2_regularization": 20.0,
            "min_samples_leaf": _LEAF,
            "early_stopping": False,
            "random_state": seed,
        }
        model = (HistGradientBoostingClassifier if binary else HistGradientBoostingRegressor)(**shape)
        with ThreadpoolController().limit(limits=1):
            model.fit(features[inside], known)
            others = features[outside]
            return np.asarray(model.predict_proba(others)[:, 1] if binary else model.predict(others))

    return learn


def _is_informative(column: Numbers) -> bool:
    """Whether a column varies, and is known of enough rows for every fold: one of NaN alone cannot be binned."""
    known = column[~np.isnan(column)]
    return len(known) > FOLDS * _LEAF // 2 and bool(known.min() < known.max())
