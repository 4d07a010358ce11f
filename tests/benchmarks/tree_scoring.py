"""Boosted trees scored by numpy alone, against scikit-learn's own `predict_proba` of the same rows, with one thread."""

import time
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import ThreadpoolController

from streams.evidence.scikit_trees import trees_of
from streams.evidence.tree_scorer import TreeScorer
from tests.benchmarks.measure import Benchmark, Measure

_FEATURES = 34
_AT_LEAST_S = 0.2


def trees_of_rows(rows: int) -> Benchmark:
    """How long one call of so many rows takes, each the best of five turns; CPU time."""

    def measured() -> Measure:
        model, scorer = _fitted()
        matrix = _numbers(rows, 1)
        assert np.array_equal(scorer.probability(matrix), model.predict_proba(matrix)[:, 1])
        with ThreadpoolController().limit(limits=1):
            theirs, ours = [], []
            for _ in range(5):
                theirs.append(_call_us(lambda: model.predict_proba(matrix)))
                ours.append(_call_us(lambda: scorer.probability(matrix)))
        return Measure(min(ours), "us", "scikit-learn's predict_proba", min(ours) / min(theirs))

    return measured


@cache
def _fitted() -> tuple[HistGradientBoostingClassifier, TreeScorer]:
    """As many trees of such a size as the artifacts that we ship have."""
    matrix = _numbers(5_000, 0)
    classes = np.nan_to_num(matrix[:, :6]).sum(axis=1) + np.random.default_rng(0).normal(size=len(matrix)) > 0
    model = HistGradientBoostingClassifier(max_iter=100, max_depth=5, min_samples_leaf=40, early_stopping=False)
    model.fit(matrix, classes)
    return model, TreeScorer(trees_of(model))


def _numbers(rows: int, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    matrix = np.round(rng.normal(size=(rows, _FEATURES)), 1)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    return matrix


def _call_us(call: Callable[[], object]) -> float:
    calls, began_s = 0, time.process_time()
    while (took_s := time.process_time() - began_s) < _AT_LEAST_S / 5:
        call()
        calls += 1
    return took_s / calls * 1e6
