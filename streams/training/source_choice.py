"""Which sources of a set serve: the best single one, and those that make it better on students not learnt from.

A source stays only if the log loss falls with it where neither the models nor the weights saw the student, and not by
chance: the 95 % interval of the gain, from drawing students again, is above 0. Weights are held back from parts of the
students, not from cohorts as models are: of two cohorts the intercept would be fitted to the one, judged by the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evaluation.bootstrap import Interval, mean_interval
from streams.rows.row_batch import Floats

_RIDGE: Final = 1e-3
_STEPS: Final = 50
_DIGITS: Final = 4
_STEEPEST: Final = 40.0  # log-odds beyond which a probability is 0 or 1 in any case
_LONGEST: Final = 5.0  # step, where the curvature hardly says how far to go


@dataclass(frozen=True, slots=True)
class Choice:
    """The weights of all sources of a set, 0 of those that do not serve, and its intercept.

    `gains`: how much the log loss falls by each source but the best, beside those chosen before it, and its interval.
    """

    weights: dict[str, float]
    intercept: float
    gains: Mapping[str, tuple[float, Interval]]


def choose_sources(
    columns: Mapping[str, Floats],
    labels: Floats,
    importance: Floats,
    students: NDArray[np.str_],
    folds: NDArray[np.intp],
    seed: int = 0,
) -> Choice:
    """Choose among `columns`, each source's log-odds at a weight of one. All arrays have shape (moments,)."""

    def losses(names: list[str]) -> Floats:
        log_odds = crossfitted([columns[name] for name in names], labels, importance, folds)
        return losses_of_log_odds(log_odds, labels, importance)

    single = {name: losses([name]) for name in columns}
    first, *rest = sorted(columns, key=lambda name: float(single[name].sum()))
    chosen, known, gains = [first], single[first], {}
    for name in rest:
        beside = losses([*chosen, name])
        gain = known - beside
        interval = mean_interval(students, gain, seed=seed)
        gains[name] = (float(gain.mean()), interval)
        if interval[0] > 0:
            chosen, known = [*chosen, name], beside
    coefficients = nonnegative_logit(_design([columns[name] for name in chosen]), labels, importance)
    *weights, intercept = (round(float(each), _DIGITS) for each in coefficients)
    return Choice(dict.fromkeys(columns, 0.0) | dict(zip(chosen, weights, strict=True)), intercept, gains)


def crossfitted(columns: Sequence[Floats], labels: Floats, importance: Floats, folds: NDArray[np.intp]) -> Floats:
    """Log-odds of each moment by a logistic regression on `columns` that was fitted to the other folds' students."""
    design = _design(columns)
    log_odds = np.empty(len(labels))
    for fold in np.unique(folds):
        held = folds == fold
        others = ~held if not held.all() else held
        log_odds[held] = design[held] @ nonnegative_logit(design[others], labels[others], importance[others])
    return log_odds


def losses_of_log_odds(log_odds: Floats, labels: Floats, importance: Floats) -> Floats:
    """Of each moment, times what it counts."""
    return np.asarray(importance * (np.logaddexp(0.0, log_odds) - labels * log_odds))


def _design(columns: Sequence[Floats]) -> Floats:
    return np.column_stack([*columns, np.ones(len(columns[0]))])


def nonnegative_logit(design: Floats, labels: Floats, importance: Floats) -> Floats:
    """Coefficients of a logistic regression, all but the last (the intercept's) at least 0; shape (columns,)."""
    columns = design.shape[1]
    bounded: NDArray[np.bool_] = np.arange(columns) < columns - 1
    coefficients = np.zeros(columns)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(design @ coefficients, -_STEEPEST, _STEEPEST)))
        gradient = design.T @ (importance * (labels - p)) - _RIDGE * coefficients
        moving: NDArray[np.bool_] = ~(bounded & (coefficients <= 0) & (gradient <= 0))
        part = design[:, moving]
        curvature = part.T @ (part * (importance * p * (1 - p))[:, None]) + _RIDGE * np.eye(int(moving.sum()))
        step = np.zeros(columns)
        step[moving] = np.linalg.solve(curvature, gradient[moving])
        coefficients = coefficients + np.clip(step, -_LONGEST, _LONGEST)
        coefficients[bounded] = np.maximum(coefficients[bounded], 0.0)
        if np.abs(step).max(initial=0.0) < 1e-8:
            break
    return coefficients
