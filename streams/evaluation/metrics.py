"""The formulas: how far probabilities and intervals are from what came of them.

`outcome` and `p` have shape (n,) and lie within [0, 1]. A continuous outcome (a later mean score) is as good as a
binary one, but for AUC and log loss. Where a figure is not defined it is NaN.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

BINS: Final = 10
LEVEL: Final = 0.9
"""What share of outcomes an interval is meant to cover."""
_EDGE: Final = 1e-15
_STEPS: Final = 50


def auc(outcome: Numbers, p: Numbers) -> float:
    """The chance that of one success and one failure the success has the higher p, ties as a half; of binary outcomes.

    The Mann-Whitney form: Hanley and McNeil, Radiology 143, 1982. NaN where only one of the two occurs.
    """
    successes = float(outcome.sum())
    failures = len(outcome) - successes
    if not successes or not failures:
        return math.nan
    above = float(midranks(p) @ outcome) - successes * (successes + 1) / 2
    return above / (successes * failures)


def log_losses(outcome: Numbers, p: Numbers) -> Numbers:
    """Minus the logarithm of the probability that was given to what came; shape (n,). Good, JRSS B 14, 1952."""
    certain = np.clip(p, _EDGE, 1 - _EDGE)
    return np.asarray(-(outcome * np.log(certain) + (1 - outcome) * np.log1p(-certain)))


def squared_errors(outcome: Numbers, p: Numbers) -> Numbers:
    """Whose mean is the Brier score (Brier, Monthly Weather Review 78, 1950); of a continuous outcome the MSE."""
    return np.asarray((p - outcome) ** 2)


def reliability(outcome: Numbers, p: Numbers, bins: int = BINS) -> list[tuple[int, float, float]]:
    """Bins of equal size by rising p: how many, mean p, mean outcome.

    Equal p share their outcomes evenly, so that the order of rows does not matter where a bin ends among them.
    """
    order = np.argsort(p, kind="stable")
    _, tied = np.unique(p, return_inverse=True)
    shared = (np.bincount(tied, outcome) / np.bincount(tied))[tied]
    return [
        (len(part), float(p[part].mean()), float(shared[part].mean()))
        for part in np.array_split(order, bins)
        if len(part)
    ]


def expected_calibration_error(outcome: Numbers, p: Numbers, bins: int = BINS) -> float:
    """Mean distance between mean outcome and mean p over `bins` bins of equal size, weighted by size.

    Naeini, Cooper and Hauskrecht, AAAI 2015, with bins of equal size: Nixon et al., CVPR workshops 2019. Of few rows it
    is above 0 by chance.
    """
    return sum(n * abs(observed - predicted) for n, predicted, observed in reliability(outcome, p, bins)) / len(p)


def calibration_error_by_chance(p: Numbers, bins: int = BINS) -> float:
    """What the expected calibration error of independent binary outcomes would be if every p were exactly right.

    A bin's mean outcome is off its mean p by the mean distance of a normal distribution, sqrt(2/π) times its deviation.
    """
    binned = np.array_split(np.sort(p), bins)
    return math.sqrt(2 / math.pi) * sum(math.sqrt((part * (1 - part)).sum()) for part in binned) / len(p)


def calibration_slope(outcome: Numbers, p: Numbers) -> float:
    """The slope of a logistic regression, with intercept, of outcome on logit p; 1 is right, below 1 is overconfident.

    Cox, Biometrika 45, 1958; of continuous outcomes the fractional logit of Papke and Wooldridge, J. Appl. Econometrics
    11, 1996. NaN where p is constant, or where p separates the outcomes so that there is no finite slope.
    """
    fitted = logistic_fit(logit(p), outcome)
    return fitted[1] if fitted else math.nan


def logit(p: Numbers) -> Numbers:
    """Log-odds of probabilities, which are kept a millionth off 0 and 1."""
    certain = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(certain / (1 - certain)))


def logistic_fit(values: Numbers, outcome: Numbers) -> tuple[float, float] | None:
    """Intercept and slope of the logistic regression of `outcome` on `values`, by Newton's method.

    None where there is no finite one.
    """
    if not len(values) or np.ptp(values) < 1e-9:
        return None
    design = np.column_stack([np.ones(len(values)), values])
    coefficients = np.zeros(2)
    for _ in range(_STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(design @ coefficients, -40, 40)))
        curvature = design.T @ (design * (fitted * (1 - fitted))[:, None])
        if not np.linalg.cond(curvature) < 1e12:
            return None
        step = np.linalg.solve(curvature, design.T @ (outcome - fitted))
        coefficients = coefficients + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-9:
            return float(coefficients[0]), float(coefficients[1])
    return None


def interval_scores(outcome: Numbers, low: Numbers, high: Numbers, level: float = LEVEL) -> Numbers:
    """Width, and 2/(1 − level) times how far outside of it the outcome is: small is good.

    Gneiting and Raftery, JASA 102, 2007, equation 43.
    """
    outside = np.maximum(low - outcome, 0) + np.maximum(outcome - high, 0)
    return np.asarray(high - low + 2 / (1 - level) * outside)


def spearman(one: Numbers, other: Numbers) -> float:
    """Spearman's rank correlation, of mid-ranks; NaN where one of them is constant."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return math.nan
    return float(np.corrcoef(midranks(one), midranks(other))[0, 1])


def midranks(values: Numbers) -> Numbers:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])
