"""The figures of intervals of a later mean, by the names that cards and evaluations share."""

from streams.evaluation.metrics import interval_scores
from streams.rows.row_batch import Floats


def interval_figures(outcome: Floats, low: Floats, high: Floats, suffix: str = "") -> dict[str, float]:
    """`coverage`, `width` and `interval_score`, each name with the suffix; empty where there are no outcomes."""
    if not len(outcome):
        return {}
    figures = {
        "coverage": float(((low <= outcome) & (outcome <= high)).mean()),
        "width": float((high - low).mean()),
        "interval_score": float(interval_scores(outcome, low, high).mean()),
    }
    return {name + suffix: figure for name, figure in figures.items()}
