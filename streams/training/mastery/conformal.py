"""Half-widths of intervals of a later mean: split conformal, by amount of evidence.

Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, 4.5 (Mondrian): each bin of evidence has its
own quantile of the distances, on students whom no fitted part saw. A later mean is the noisier the fewer answers it is
of; how many will come is not known when it is predicted, so whatever came is in the quantile.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from sklearn.isotonic import IsotonicRegression

from streams.evaluation.metrics import LEVEL
from streams.rows.row_batch import Floats

MIN_IN_BIN: Final = 100
_DIGITS: Final = 4


def half_widths(
    edges: Sequence[float], evidence: Floats, distance: Floats, widest: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The edges that are kept, and for each bin a half-width that holds LEVEL of the `distance` of unseen students.

    A bin of less than MIN_IN_BIN joins the one below. More evidence is never less sure (isotonic, weighted by number);
    none is more than `widest`, which is what too few to say have.
    """
    wide, sizes = _merged(edges, evidence)
    bins = np.searchsorted(wide, evidence, side="right")
    quantiles = [_quantile(distance[bins == each], widest) for each in range(len(sizes))]
    falling = IsotonicRegression(increasing=False).fit_transform(np.arange(len(sizes)), quantiles, sample_weight=sizes)
    return tuple(wide), tuple(min(round(float(each), _DIGITS), widest) for each in falling)


def _merged(edges: Sequence[float], evidence: Floats) -> tuple[list[float], list[int]]:
    """The edges that are kept, and how many there are in each bin."""
    wide: list[float] = []
    sizes = [int(np.sum(evidence < edges[0]))]
    for low, high in zip(edges, (*edges[1:], np.inf), strict=True):
        size = int(np.sum((evidence >= low) & (evidence < high)))
        if size >= MIN_IN_BIN and sizes[-1] >= MIN_IN_BIN:
            wide.append(low)
            sizes.append(size)
        else:
            sizes[-1] += size
    return wide, sizes


def _quantile(distance: Floats, widest: float) -> float:
    """With the correction for a finite number."""
    level = LEVEL * (len(distance) + 1) / max(len(distance), 1)
    return widest if level > 1 else float(np.quantile(distance, level))
