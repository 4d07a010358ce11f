"""Logistic regression with a penalty a column, for matrices that are mostly empty."""

import math
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags, hstack

from streams.rows.layout import Indices
from streams.rows.row_batch import Floats

_STEPS: Final = 300
_REMEMBERED: Final = 20
_SMALLEST_CURVATURE: Final = 1e-9
MOST_STRETCHED: Final = 4.0
_LEAST_SHARE: Final = 1e-4
_MAX_LOG_ODDS: Final = 500.0  # beyond these exp overflows


@dataclass(frozen=True, slots=True)
class Columns:
    """Some columns of a matrix, and how strongly each of them is drawn to 0 (`penalty`, as of ½·penalty·β²)."""

    matrix: Any
    penalty: Floats

    @classmethod
    def dense(cls, penalty: float, *columns: Floats) -> Self:
        """These columns."""
        return cls(csr_matrix(np.stack(columns, axis=1)), np.full(len(columns), penalty))

    @classmethod
    def one_hot(cls, rows: int, width: int, penalty: float, row: Indices, column: Indices, value: Floats) -> Self:
        """`width` columns that are 0 but for these values; those of one place add up."""
        return cls(csr_matrix((value, (row, column)), shape=(rows, width)), np.full(width, penalty))

    @classmethod
    def beside(cls, *parts: "Columns") -> Self:
        """All columns of all parts, in their order."""
        joined = csr_matrix(hstack([part.matrix for part in parts], format="csr"))
        return cls(joined, np.concatenate([part.penalty for part in parts]))

    def of(self, rows: Indices) -> "Columns":
        """The same columns of these rows."""
        return Columns(self.matrix[rows], self.penalty)


def fit_logistic(columns: Columns, outcome: Floats, weight: Floats) -> Floats:
    """The coefficients that minimise Σ weight·(log loss) + ½·Σ penalty·β². `outcome` lies within 0 and 1.

    Deterministic. L-BFGS, on columns that are scaled by the curvature at 0: without that, items that were answered once
    and columns that every answer has need many times the steps.
    """
    if not len(outcome):
        return np.zeros(len(columns.penalty))
    mean = float(np.average(outcome, weights=weight))
    squares = np.asarray((columns.matrix.multiply(columns.matrix)).T @ weight).reshape(-1)
    scale = 1 / np.sqrt(np.maximum(squares * mean * (1 - mean) + columns.penalty, _SMALLEST_CURVATURE))
    matrix = csr_matrix(columns.matrix @ diags(scale))
    transposed, penalty = csr_matrix(matrix.T), columns.penalty * scale**2

    def loss(scaled: Floats) -> tuple[float, Floats]:
        log_odds = matrix @ scaled
        losses = weight * (np.logaddexp(0, log_odds) - outcome * log_odds)
        slope = transposed @ (weight * (sigmoid(log_odds) - outcome))
        return float(losses.sum() + 0.5 * (penalty * scaled**2).sum()), slope + penalty * scaled

    options = {"maxiter": _STEPS, "maxcor": _REMEMBERED, "ftol": 1e-10, "gtol": 1e-3}
    found = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x * scale)


def recalibration(log_odds: Floats, outcome: Floats, weight: Floats) -> tuple[float, float]:
    """a and b of the calibrated log-odds a + b·log_odds (Platt scaling), fitted on students that were held out.

    b lies within 0 and MOST_STRETCHED: where chance alone was learnt it would turn all signs round, and where every
    answer can be told it would have no end.
    """
    columns = Columns.dense(1e-6, np.ones(len(log_odds)), log_odds)
    intercept, slope = fit_logistic(columns, outcome, weight).tolist()
    if slope < 0:
        mean = float(np.clip(np.average(outcome, weights=weight), _LEAST_SHARE, 1 - _LEAST_SHARE))
        return math.log(mean / (1 - mean)), 0.0
    factor = min(1.0, MOST_STRETCHED / slope) if slope else 1.0
    return intercept * factor, slope * factor


def sigmoid(log_odds: Floats) -> Floats:
    """The probabilities, without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -_MAX_LOG_ODDS, _MAX_LOG_ODDS))))
