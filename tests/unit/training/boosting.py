"""Classifiers of scikit-learn's to compare with, fitted to random numbers with gaps."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

FEATURES = 5


def numbers(rows: int, seed: int) -> NDArray[np.float64]:
    """Many equal ones, a third of one column missing, some infinite: shape (rows, FEATURES)."""
    rng = np.random.default_rng(seed)
    matrix = np.round(rng.normal(size=(rows, FEATURES)), 1)
    matrix[rng.random(rows) < 0.3, 1] = np.nan
    matrix[rng.random((rows, FEATURES)) < 0.01] = np.inf
    matrix[:, 3] = np.where(rng.random(rows) < 0.5, np.nan, 1.0)  # which splits by being known alone
    return matrix


def fitted(seed: int = 0, rows: int = 300, **settings: Any) -> HistGradientBoostingClassifier:
    """A classifier whose classes depend on all columns, on what is missing too."""
    matrix = numbers(rows, seed)
    filled = np.nan_to_num(matrix, nan=2.0, posinf=3.0, neginf=-3.0)
    classes = filled @ np.array([1.0, 0.5, -1.0, 2.0, 0.2]) + np.random.default_rng(seed).normal(size=rows) > 2
    usual: dict[str, Any] = {"max_iter": 12, "min_samples_leaf": 3, "early_stopping": False, "random_state": seed}
    return HistGradientBoostingClassifier(**(usual | settings)).fit(matrix, classes)
