"""The figures of predictions, by the names that cards, commands and reports share."""

import math

import numpy as np

from streams.evaluation.metrics import (
    Numbers,
    auc,
    calibration_error_by_chance,
    calibration_slope,
    expected_calibration_error,
    interval_scores,
    log_losses,
    squared_errors,
)
from streams.evaluation.predictions import Predictions


def figures(predictions: Predictions) -> dict[str, float]:
    """What can be said of `predictions`; empty where there are none.

    Always `n`, `predicted` and `observed` (means of p and of the outcome), `brier` (of a continuous outcome the mean
    squared error), `ece`, and `slope` where there is one. Of binary outcomes `log_loss`, `ece_by_chance` (what `ece`
    would be of as many rows if every p were right) and, where both occur, `auc`.
    Of the rows with an interval `width`; of continuous outcomes also `coverage` and `interval_score`: an outcome of 0
    or 1 does not lie within the interval of a probability.
    """
    if not len(predictions):
        return {}
    columns = (predictions.outcome, predictions.p, predictions.low, predictions.high)
    return {"n": float(len(predictions)), **of_columns(*columns, binary=predictions.binary)}


def of_columns(outcome: Numbers, p: Numbers, low: Numbers, high: Numbers, *, binary: bool) -> dict[str, float]:
    """As `figures`, but for `n`, of bare columns."""
    found = {"predicted": float(p.mean()), "observed": float(outcome.mean())}
    if binary:
        found |= {"auc": auc(outcome, p), "log_loss": float(log_losses(outcome, p).mean())}
    found |= {
        "brier": float(squared_errors(outcome, p).mean()),
        "ece": expected_calibration_error(outcome, p),
        "ece_by_chance": calibration_error_by_chance(p) if binary else math.nan,
        "slope": calibration_slope(outcome, p),
        **_of_intervals(outcome, low, high, binary),
    }
    return {name: figure for name, figure in found.items() if not math.isnan(figure)}


def _of_intervals(outcome: Numbers, low: Numbers, high: Numbers, binary: bool) -> dict[str, float]:
    known = ~np.isnan(low)
    if not known.any():
        return {}
    low, high, came = low[known], high[known], outcome[known]
    width = {"width": float((high - low).mean())}
    if binary:
        return width
    covered = (low <= came) & (came <= high)
    return {
        "coverage": float(covered.mean()),
        **width,
        "interval_score": float(interval_scores(came, low, high).mean()),
    }


def is_number_of_things(name: str) -> bool:
    """Whether a figure of that name is a number of things, to be written without decimals."""
    return name in ("n", "unscored") or name.startswith("students")


def card_figures(predictions: Predictions, *, prefix: str = "", suffix: str = "") -> dict[str, float]:
    """`figures` as a card holds them: rounded to four digits, each name between `prefix` and `suffix`."""
    return {f"{prefix}{name}{suffix}": round(figure, 4) for name, figure in figures(predictions).items()}
