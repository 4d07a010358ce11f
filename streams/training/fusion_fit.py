"""Fitting the fusion of one skill: weights of the sources, and an intercept for every set of them.

Each student counts once with all sources that are present, and again with each smaller set of them, as if the others
had failed, so that every subset is calibrated. The terms come from `Fusion` itself, with weights of one: what is
fitted is what is served. Weights are non-negative; log-likelihood is concave, so a projected Newton finds its top.
Each source's κ is chosen with them, for the greatest likelihood: a model trained at every amount of evidence needs no
tempering, for it says itself how sure it is.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact, FusionFit
from streams.evidence.registry import Types
from streams.evidence.source import Estimate
from streams.rows.row_batch import Floats
from streams.scoring.fusion import Fusion, masks
from streams.skills.skill_set import SkillSet
from streams.training.estimates import without

MIN_OF_EACH_LABEL: Final = 50
DROPPED_WEIGHT: Final = 0.1
_RIDGE: Final = 1e-3
_STEPS: Final = 50


def fit_fusion(
    estimates: Mapping[str, Estimate],
    labels: Floats,
    weights: Floats,
    skill_set: SkillSet,
    artifact: Artifact,
    types: Types,
) -> FusionFit | None:
    """Fit to out-of-fold estimates, one of each of `types` and of shape (moments, 1). None: too little to fit to.

    A source never seen keeps its configured weight; a set never seen takes the intercept of its largest part seen.
    """
    if min(labels.sum(), (1 - labels).sum()) < MIN_OF_EACH_LABEL:
        return None
    tried = {each.name: each.kappas for each in types if each.kappas}
    kappas = [dict(zip(tried, values, strict=True)) for values in product(*tried.values())]
    fits = [_fit(estimates, labels, weights, skill_set, artifact, types, kappa) for kappa in kappas]
    return max((fit for fit in fits if fit), key=lambda fit: fit[0], default=(0.0, None))[1]


def _fit(
    estimates: Mapping[str, Estimate],
    labels: Floats,
    weights: Floats,
    skill_set: SkillSet,
    artifact: Artifact,
    types: Types,
    kappa: dict[str, float],
) -> tuple[float, FusionFit] | None:
    """Log-likelihood and fit at one κ a source."""
    names = [each.name for each in types]
    terms = _terms(estimates, names, _plain(skill_set, artifact, types, kappa))
    if not terms:
        return None
    seen = list(terms)
    rows = np.concatenate([row_indices for row_indices, _, _ in terms.values()])
    importance = weights[rows] * np.concatenate([share for _, share, _ in terms.values()])
    masked = np.repeat(np.eye(len(seen)), [len(row_indices) for row_indices, _, _ in terms.values()], axis=0)
    design = np.hstack([np.concatenate([log_odds for _, _, log_odds in terms.values()]), masked])
    fitted = nonnegative_logit(design, labels[rows], importance, free=range(len(names), design.shape[1]))
    ever = np.any(design, axis=0)
    configured = next(iter(skill_set.skills.values())).weights
    found = {
        source: round(float(fitted[k]), 4) if ever[k] else configured.get(source, 0.0) for k, source in enumerate(names)
    }
    intercepts = dict(zip(seen, (round(float(b), 4) for b in fitted[len(names) :]), strict=True))
    fit = FusionFit(weights=found, intercepts={mask: _nearest(mask, intercepts) for mask in masks(names)}, kappa=kappa)
    return _log_likelihood(design @ fitted, labels[rows], importance), fit


def nonnegative_logit(design: Floats, labels: Floats, importance: Floats, free: range) -> Floats:
    """Coefficients of a logistic regression, those outside `free` at least 0; shape (columns,)."""
    columns = design.shape[1]
    bounded: NDArray[np.bool_] = np.array([column not in free for column in range(columns)])
    coefficients = np.zeros(columns)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-design @ coefficients))
        gradient = design.T @ (importance * (labels - p)) - _RIDGE * coefficients
        moving: NDArray[np.bool_] = ~(bounded & (coefficients <= 0) & (gradient <= 0))
        part = design[:, moving]
        curvature = part.T @ (part * (importance * p * (1 - p))[:, None]) + _RIDGE * np.eye(int(moving.sum()))
        step = np.zeros(columns)
        step[moving] = np.linalg.solve(curvature, gradient[moving])
        coefficients = coefficients + step
        coefficients[bounded] = np.maximum(coefficients[bounded], 0.0)
        if np.abs(step).max(initial=0.0) < 1e-8:
            break
    return coefficients


def _plain(skill_set: SkillSet, artifact: Artifact, types: Types, kappa: dict[str, float]) -> Fusion:
    """The fusion with weights of one and no intercepts."""
    (skill,) = skill_set.names
    unit = FusionFit(weights={each.name: 1.0 for each in types}, intercepts={}, kappa=kappa)
    card = msgspec.structs.replace(artifact.card.skills[skill], fusion=unit)
    whole = msgspec.structs.replace(artifact.card, skills={skill: card})
    return Fusion(skill_set, Artifact(whole, artifact.models, artifact.digest), types)


def _terms(
    estimates: Mapping[str, Estimate], names: Sequence[str], fusion: Fusion
) -> dict[str, tuple[NDArray[np.intp], Floats, Floats]]:
    """By set of sources: the moments that have it, what each counts there (1 where no source was dropped, else
    DROPPED_WEIGHT), and the log-odds of each source at a weight of one. Sets that hardly occur are left out.
    """
    terms = {}
    present = {name: estimate.n[:, 0] > 0 for name, estimate in estimates.items()}
    for mask in masks(names):
        named = mask.split("+")
        row_indices = np.flatnonzero(np.vstack([present[name] for name in named]).all(axis=0))
        if len(row_indices) >= MIN_OF_EACH_LABEL:
            whole = np.all(np.vstack([present[name] == (name in named) for name in present]), axis=0)
            log_odds = fusion.fuse(without(estimates, named)).log_odds
            present_log_odds = np.column_stack([log_odds[source][row_indices, 0] for source in names])
            terms[mask] = row_indices, np.where(whole[row_indices], 1.0, DROPPED_WEIGHT), present_log_odds
    return terms


def _log_likelihood(log_odds: Floats, labels: Floats, importance: Floats) -> float:
    return float(importance @ (labels * log_odds - np.logaddexp(0.0, log_odds)))


def _nearest(mask: str, intercepts: Mapping[str, float]) -> float:
    """The intercept of `mask`, or of its largest seen part (the earlier source first), or 0."""
    named = set(mask.split("+"))
    parts = [seen for seen in intercepts if set(seen.split("+")) <= named]
    return intercepts[max(parts, key=lambda seen: seen.count("+"))] if parts else 0.0
