"""How far figures would be off by chance, had other students come: the bootstrap over students.

A student's rows are drawn together (the cluster bootstrap: Davison and Hinkley, Bootstrap Methods, 1997, section 3.8),
intervals are the percentiles of what is found.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evaluation.figures import of_columns
from streams.evaluation.metrics import Numbers, log_losses, squared_errors
from streams.evaluation.predictions import Names, Predictions

REPEATS: Final = 200
_PERCENTILES: Final = (2.5, 97.5)

Interval = tuple[float, float]


def bootstrap(predictions: Predictions, repeats: int = REPEATS, seed: int = 0) -> dict[str, Interval]:
    """95 % intervals of those `figures` that are found in most draws; the same for the same seed.

    Empty without repeats, and of less than two students.
    """
    students, of_student = np.unique(predictions.student, return_inverse=True)
    if len(students) < 2:
        return {}
    found: dict[str, list[float]] = {}
    rng, order = np.random.default_rng(seed), np.argsort(of_student, kind="stable")
    counts = np.bincount(of_student)
    starts = np.cumsum(counts) - counts
    binary = predictions.binary
    for _ in range(repeats):
        drawn = rng.integers(len(students), size=len(students))
        rows = order[_runs(starts[drawn], counts[drawn])]
        columns = (column[rows] for column in (predictions.outcome, predictions.p, predictions.low, predictions.high))
        for name, figure in of_columns(*columns, binary=binary).items():
            found.setdefault(name, []).append(figure)
    return {name: _interval(values) for name, values in found.items() if 2 * len(values) > repeats}


def loss_difference(
    predictions: Predictions, other: Predictions, repeats: int = REPEATS, seed: int = 0
) -> tuple[float, Interval]:
    """How much lower the mean loss of `predictions` is than that of `other` on the same rows, and its 95 % interval.

    The loss is log loss, of continuous outcomes the squared error. Above 0: `predictions` are better.
    """
    losses = log_losses if predictions.binary else squared_errors
    gain: Numbers = losses(other.outcome, other.p) - losses(predictions.outcome, predictions.p)
    return float(gain.mean()), mean_interval(predictions.student, gain, repeats, seed)


def mean_interval(student: Names, values: Numbers, repeats: int = REPEATS, seed: int = 0) -> Interval:
    """The 95 % interval of the mean of `values`, a row each; the mean itself without repeats, or with one student."""
    students, of_student = np.unique(student, return_inverse=True)
    total, counts = np.bincount(of_student, values), np.bincount(of_student)
    if len(students) < 2 or not repeats:
        return float(values.mean()), float(values.mean())
    rng = np.random.default_rng(seed)
    draws = (rng.integers(len(students), size=len(students)) for _ in range(repeats))
    return _interval([float(total[drawn].sum() / counts[drawn].sum()) for drawn in draws])


def _runs(starts: NDArray[np.intp], counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Every start followed by as many successors as its count says, one run after the other."""
    ends = np.cumsum(counts)
    return np.asarray(np.repeat(starts - ends + counts, counts) + np.arange(ends[-1]))


def _interval(values: list[float]) -> Interval:
    low, high = np.percentile(values, _PERCENTILES)
    return float(low), float(high)
