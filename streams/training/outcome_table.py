"""Fitting the intervals of a continuous outcome: conformal, by set of sources, evidence and what the sources say.

Split conformal prediction within groups (Mondrian: Vovk et al., Algorithmic Learning in a Random World, 2005, section
4.5): an interval's ends are quantiles of how far outcomes lay from scores by models that had not seen their students,
or their cohort. The level is not taken on trust, for cohorts differ, and where many outcomes are 0 or 1 an end there
covers all of them: it is the one at which tables made of other students cover 90 %, cohorts counting alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evaluation.metrics import LEVEL
from streams.evidence.artifacts import FusionFit
from streams.evidence.outcome_intervals import IntervalEnds, OutcomeIntervals
from streams.rows.row_batch import Floats
from streams.scoring.fusion import masks
from streams.training.estimates import without
from streams.training.folds import Fold
from streams.training.fusion_fit import FusionData, fusion_of

EVIDENCE_BINS: Final = 4
SAID_BINS: Final = 6
MIN_IN_GROUP: Final = 50
_MISSED: Final = (0.12, 0.11, 0.10, 0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02)
"""Shares that the ends may miss of those that they were made of, for intervals to miss 10 % of others."""
_DIGITS: Final = 4

MomentIndices = NDArray[np.intp]
"""Indices of moments."""
Groups = Sequence[MomentIndices]


@dataclass(frozen=True, slots=True)
class FittedIntervals:
    """The table, and of each moment the ends by tables that its fold had no part in; NaN where it has none."""

    table: OutcomeIntervals
    low: Floats
    high: Floats


def fit_intervals(data: FusionData, fit: FusionFit, folds: Sequence[Fold]) -> FittedIntervals | None:
    """None where every outcome is 0 or 1: those do not lie within an interval of a probability."""
    if np.all((data.labels == 0) | (data.labels == 1)):
        return None
    by_mask = {mask: scored for mask, scored in _by_mask(data, fit) if len(scored.rows) >= MIN_IN_GROUP}
    if not by_mask:
        return None
    held_back = [fold.outside for fold in folds]
    peers = [np.flatnonzero(data.folds == part) for part in np.unique(data.folds)]
    groups = held_back if folds[0].cohort else [np.arange(len(data.labels))]
    missed = next((each for each in _MISSED if _covered(by_mask, peers, groups, each) >= LEVEL), _MISSED[-1])
    low, high = (np.full(len(data.labels), np.nan) for _ in range(2))
    for held, below, above in _of_parts(by_mask, held_back, missed):
        low[held.rows], high[held.rows] = below, above
    return FittedIntervals(_table(by_mask, missed), low, high)


@dataclass(frozen=True, slots=True)
class _Scored:
    """The moments at `rows`, scored as if only the sources of one set had been there."""

    rows: MomentIndices
    score: Floats
    evidence: Floats
    said: Floats
    outcome: Floats

    def at(self, chosen: NDArray[np.bool_]) -> "_Scored":
        score, evidence, said, outcome = (
            column[chosen] for column in (self.score, self.evidence, self.said, self.outcome)
        )
        return _Scored(self.rows[chosen], score, evidence, said, outcome)


def _by_mask(data: FusionData, fit: FusionFit) -> Iterator[tuple[str, _Scored]]:
    fusion = fusion_of(data, fit)
    present = {name: estimate.n[:, 0] > 0 for name, estimate in data.estimates.items()}
    for mask in masks(data.names):
        named = mask.split("+")
        rows = np.flatnonzero(np.vstack([present[name] for name in named]).all(axis=0) & (data.weights > 0))
        estimates = without(data.estimates, named)
        score, evidence, said = (
            column[rows, 0]
            for column in (fusion.fuse(estimates).score, fusion.evidence(estimates), fusion.said(estimates))
        )
        yield mask, _Scored(rows, score, evidence, said, data.labels[rows])


def _covered(by_mask: Mapping[str, _Scored], parts: Groups, groups: Groups, missed: float) -> float:
    """The share of outcomes within their intervals, by tables made without their own of `parts`: mean over `groups`."""
    rows, inside = [], []
    for held, low, high in _of_parts(by_mask, parts, missed):
        rows.append(held.rows)
        inside.append((low <= held.outcome) & (held.outcome <= high))
    known, covered = np.concatenate([*rows, []]), np.concatenate([*inside, []])
    shares = [covered[there].mean() for there in (np.isin(known, group) for group in groups) if there.any()]
    return float(np.mean(shares)) if shares else 0.0


def _of_parts(by_mask: Mapping[str, _Scored], parts: Groups, missed: float) -> Iterator[tuple[_Scored, Floats, Floats]]:
    """The moments of each part that have the most sources, and the ends of their intervals by a table of the others."""
    fullest = _fullest(by_mask)
    scored = by_mask[fullest]
    for part in parts:
        outside = np.isin(scored.rows, part)
        if outside.any() and np.count_nonzero(~outside) >= MIN_IN_GROUP:
            held, table = scored.at(outside), _table({fullest: scored.at(~outside)}, missed)
            below, above = table.look_up(fullest, held.evidence, held.said)
            yield held, np.clip(held.score + below, 0, 1), np.clip(held.score + above, 0, 1)


def _table(by_mask: Mapping[str, _Scored], missed: float) -> OutcomeIntervals:
    """A table of the masks seen; a source in none of them changes nothing."""
    whole = by_mask[_fullest(by_mask)]
    evidence_edges, said_edges = _edges(whole.evidence, EVIDENCE_BINS), _edges(whole.said, SAID_BINS)
    ends: dict[str, IntervalEnds] = {}
    for mask in sorted(by_mask, key=lambda mask: -mask.count("+")):
        supersets = [other for other in ends if set(mask.split("+")) < set(other.split("+"))]
        least = np.max([np.zeros(len(evidence_edges) + 1), *(ends[other].widths.max(axis=1) for other in supersets)], 0)
        ends[mask] = _widened(*_ends(by_mask[mask], evidence_edges, said_edges, missed), least)
    low, high = np.quantile(whole.outcome, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return OutcomeIntervals(
        prior_width=max(round(float(high - low), _DIGITS), 10**-_DIGITS),
        evidence_edges=evidence_edges,
        said_edges=said_edges,
        ends=ends,
    )


def _fullest(by_mask: Mapping[str, _Scored]) -> str:
    return max(by_mask, key=lambda mask: mask.count("+"))


def _edges(values: Floats, bins: int) -> tuple[float, ...]:
    """Between bins of equal size, fewer where many values are equal."""
    return tuple(np.unique(np.round(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]), _DIGITS)).tolist())


def _ends(
    scored: _Scored, evidence_edges: Sequence[float], said_edges: Sequence[float], missed: float
) -> tuple[Floats, Floats]:
    """Quantiles of outcome − score, shape (bins of evidence, bins of what is said); where a group has too few, of all
    with as much evidence, or else of all.
    """
    error = scored.outcome - scored.score
    evidence = np.searchsorted(evidence_edges, scored.evidence, side="right")
    said = np.searchsorted(said_edges, scored.said, side="right")
    low, high = (np.zeros((len(evidence_edges) + 1, len(said_edges) + 1)) for _ in range(2))
    for group in np.ndindex(*low.shape):
        as_much = evidence == group[0]
        several = (error[as_much & (said == group[1])], error[as_much], error)
        chosen = next((each for each in several if len(each) >= MIN_IN_GROUP), error)
        share = min(1.0, (1 - missed / 2) * (1 + 1 / len(chosen)))
        low[group] = min(0.0, float(np.quantile(chosen, 1 - share, method="lower")))
        high[group] = max(0.0, float(np.quantile(chosen, share, method="higher")))
    return low, high


def _widened(low: Floats, high: Floats, least: Floats) -> IntervalEnds:
    """The ends, each as wide as `least` for its evidence, and as that with more evidence; widened on both sides."""
    low, high = np.floor(low * 1e4) / 1e4, np.ceil(high * 1e4) / 1e4
    for row in reversed(range(len(low))):
        more = high[row + 1] - low[row + 1] if row + 1 < len(low) else np.zeros(low.shape[1])
        lacking = np.maximum(np.maximum(least[row], more) - (high[row] - low[row]), 0.0) / 2
        low[row], high[row] = low[row] - lacking, high[row] + lacking
        below, above = (
            np.maximum(-1 - low[row], 0),
            np.maximum(high[row] - 1, 0),
        )  # beyond what can be: to the other end
        low[row], high[row] = np.clip(low[row] - above, -1, 0), np.clip(high[row] + below, 0, 1)
    return IntervalEnds(low=_grid(low), high=_grid(high))


def _grid(values: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(each, 6) for each in row) for row in values.tolist())
