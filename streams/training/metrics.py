"""How good probabilities are: ranking (AUC), distance (Brier), calibration (ECE)."""

import math
from typing import Final

import numpy as np
from sklearn.metrics import roc_auc_score

from streams.rows.row_batch import Floats

BINS: Final = 10


def metrics(labels: Floats, p: Floats, suffix: str = "") -> dict[str, float]:
    """`n`, `auc`, `brier`, `ece` of `p` against `labels` (0 or 1), both of shape (n,), named with `suffix`.

    AUC is NaN, and left out, where only one of the two labels occurs.
    """
    if not len(labels):
        return {}
    figures = {"n": float(len(labels)), "auc": _auc(labels, p), "brier": float(np.mean((p - labels) ** 2))}
    figures["ece"] = expected_calibration_error(labels, p)
    return {f"{name}{suffix}": round(figure, 4) for name, figure in figures.items() if not math.isnan(figure)}


def expected_calibration_error(labels: Floats, p: Floats, bins: int = BINS) -> float:
    """Mean distance between frequency and mean probability over `bins` bins of equal size, weighted by size."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(part) * abs(float(labels[part].mean()) - float(p[part].mean())) for part in parts]
    return sum(gaps) / len(labels)


def _auc(labels: Floats, p: Floats) -> float:
    return float(roc_auc_score(labels, p)) if 0 < labels.sum() < len(labels) else math.nan
