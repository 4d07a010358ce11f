"""The same predictions, part by part: by present sources, amount of evidence, confidence, and groups of students."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from streams.evaluation.bootstrap import mean_interval
from streams.evaluation.figures import figures
from streams.evaluation.metrics import spearman
from streams.evaluation.predictions import Names, Predictions

NamedFigures = dict[str, float]
EVIDENCE_EDGES: Final = (1, 3, 5, 10, 20, 50, 100, 200, 500, 1_000)
DECILES: Final = 10
MIN_IN_DECILE: Final = 100
"""Fewer students than these are no group to compare errors of."""
MIN_IN_SUBGROUP: Final = 100
"""Students of a subgroup, for it to count when the largest gap is sought."""
MAX_SUBGROUPS: Final = 200
"""A column with more values names no groups, but students or times."""


def by_name(predictions: Predictions, names: Names) -> dict[str, NamedFigures]:
    """The figures of the rows of each name, in the names' order."""
    return {str(name): whole(predictions.at(names == name)) for name in np.unique(names)}


def by_evidence(predictions: Predictions) -> dict[str, NamedFigures]:
    """The figures by how much was known, in bins whose edges are the same for all; empty where it is not said."""
    known = predictions.at(~np.isnan(predictions.evidence))
    index = np.searchsorted(EVIDENCE_EDGES, known.evidence, side="right")
    return {_bin_name(int(each)): whole(known.at(index == each)) for each in np.unique(index)}


def by_confidence(predictions: Predictions) -> list[NamedFigures]:
    """NamedFigures by decile of confidence, the least confident first, with the means of confidence and of `error`.

    The error is the distance of p from a continuous outcome, and the Brier score of a binary one. Rows of equal
    confidence share a decile, and there are never so many that one would have less than MIN_IN_DECILE students.
    """
    known = predictions.at(~np.isnan(predictions.confidence))
    groups = min(DECILES, len(np.unique(known.student)) // MIN_IN_DECILE)
    if groups < 2:
        return []
    edges = np.unique(np.quantile(known.confidence, np.linspace(0, 1, groups + 1)[1:-1]))
    index = np.searchsorted(edges, known.confidence, side="left")
    return [whole(part) | _error(part) for part in (known.at(index == each) for each in np.unique(index))]


def error_over_confidence(deciles: list[NamedFigures]) -> float | None:
    """Spearman's correlation of the deciles' confidence and error: −1 where each more confident one errs less.

    None of less than three deciles.
    """
    confidence, error = (np.array([each[name] for each in deciles]) for name in ("confidence", "error"))
    found = spearman(confidence, error) if len(deciles) > 2 else math.nan
    return None if math.isnan(found) else found


def by_subgroup(predictions: Predictions, repeats: int, seed: int) -> dict[str, dict[str, NamedFigures]]:
    """By column and value: the figures, and `gap`, mean predicted minus observed, with its 95 % interval.

    Columns with more than MAX_SUBGROUPS values are left out; see `names_no_groups`.
    """
    return {
        column: {
            str(value): whole(part) | _gap(part, repeats, seed)
            for value in sorted(set(values.tolist()), key=_by_number)
            if len(part := predictions.at(values == value))
        }
        for column, values in predictions.subgroups.items()
        if not names_no_groups(values)
    }


def _by_number(value: str) -> tuple[float, str]:
    """Numbers by size, names behind them."""
    try:
        number = float(value)
    except ValueError:
        number = math.inf
    return number if math.isfinite(number) else math.inf, value


def names_no_groups(values: Names) -> bool:
    """Whether a column has too many values to compare them all."""
    return len(np.unique(values)) > MAX_SUBGROUPS


def largest_gaps(subgroups: Mapping[str, Mapping[str, NamedFigures]]) -> dict[str, tuple[str, float]]:
    """By column the value whose gap is the largest, of those with MIN_IN_SUBGROUP students, and the gap."""
    found = {}
    for column, values in subgroups.items():
        enough = {value: each["gap"] for value, each in values.items() if each["students"] >= MIN_IN_SUBGROUP}
        if enough:
            value = max(enough, key=lambda name: abs(enough[name]))
            found[column] = value, enough[value]
    return found


def whole(predictions: Predictions) -> NamedFigures:
    """The figures of all rows, and how many students they are of."""
    return {"students": float(len(np.unique(predictions.student))), **figures(predictions)}


def _error(predictions: Predictions) -> NamedFigures:
    distance = np.abs(predictions.p - predictions.outcome)
    error = distance**2 if predictions.binary else distance
    return {"confidence": float(predictions.confidence.mean()), "error": float(error.mean())}


def _gap(predictions: Predictions, repeats: int, seed: int) -> NamedFigures:
    low, high = mean_interval(predictions.student, gaps := predictions.p - predictions.outcome, repeats, seed)
    return {"gap": float(gaps.mean()), "gap_low": low, "gap_high": high}


def _bin_name(index: int) -> str:
    low = EVIDENCE_EDGES[index - 1] if index else 0
    if index == len(EVIDENCE_EDGES):
        return f"{low}+"
    return f"{low}-{EVIDENCE_EDGES[index] - 1}" if EVIDENCE_EDGES[index] - 1 > low else f"{low}"
