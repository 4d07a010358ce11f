"""What baselines learn with: plain regression, and boosted trees, on features of which some may be missing.

A learner takes the rows to learn from, those to predict, all outcomes, and whether these are binary.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import ThreadpoolController

from streams.evaluation.metrics import Numbers

RowIndices = NDArray[np.intp]
Learner = Callable[[RowIndices, RowIndices, Numbers, bool], Numbers]

LEAF: Final = 40
_MOST_ITERATIONS: Final = 1_000
_MOST_DEVIATIONS: Final = 5.0


def mean(inside: RowIndices, outside: RowIndices, outcome: Numbers, _binary: bool) -> Numbers:
    """Everybody the mean of the others."""
    return np.full(len(outside), outcome[inside].mean())


def regression(features: Numbers) -> Learner:
    """Logistic regression, of continuous outcomes ridge regression; that a feature is missing is one more."""

    def learn(inside: RowIndices, outside: RowIndices, outcome: Numbers, binary: bool) -> Numbers:
        design = _standardised(features, inside)
        model = LogisticRegression(max_iter=_MOST_ITERATIONS) if binary else Ridge()
        return _fit_and_predict(model, design, inside, outside, outcome, binary)

    return learn


def boosted_trees(features: Numbers, seed: int) -> Learner:
    """Gradient-boosted trees, which take missing features as such."""

    def learn(inside: RowIndices, outside: RowIndices, outcome: Numbers, binary: bool) -> Numbers:
        shape: Mapping[str, Any] = {
            "max_depth": 5,
            "learning_rate": 0.08,
            "l2_regularization": 20.0,
            "min_samples_leaf": LEAF,
            "early_stopping": False,
            "random_state": seed,
        }
        model = (HistGradientBoostingClassifier if binary else HistGradientBoostingRegressor)(**shape)
        seen = features[:, ~np.isnan(features[inside]).all(axis=0)]  # a column of NaN alone cannot be binned
        return _fit_and_predict(model, seen, inside, outside, outcome, binary)

    return learn


def _fit_and_predict(
    model: Any, design: Numbers, inside: RowIndices, outside: RowIndices, outcome: Numbers, binary: bool
) -> Numbers:
    known = outcome[inside]
    if known.min() == known.max() or not design.shape[1]:
        return mean(inside, outside, outcome, binary)
    # One thread: the same sums on every machine.
    with ThreadpoolController().limit(limits=1):
        model.fit(design[inside], known)
        others = design[outside]
        return np.asarray(model.predict_proba(others)[:, 1] if binary else model.predict(others))


def _standardised(features: Numbers, inside: RowIndices) -> Numbers:
    """Each feature in standard deviations from its mean among `inside`, and beside it whether it is missing."""
    missing = np.isnan(features)
    known = np.maximum((~missing[inside]).sum(axis=0), 1)
    centre = np.where(missing, 0.0, features)[inside].sum(axis=0) / known
    off = np.where(missing, 0.0, features - centre)
    spread = np.sqrt((off[inside] ** 2).sum(axis=0) / known)
    scaled = off / np.where(spread > 0, spread, 1.0)
    return np.hstack([np.clip(scaled, -_MOST_DEVIATIONS, _MOST_DEVIATIONS), missing.astype(np.float64)])
