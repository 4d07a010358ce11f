"""Fitting the fusion of one skill: weights of the sources, and an intercept for every set of them.

Each student counts once with all sources that are present, and again with each smaller set of them, as if the others
had failed, so that every subset is calibrated. The terms come from `Fusion` itself, with weights of one: what is
fitted is what is served. Weights are non-negative; log-likelihood is concave, so a projected Newton finds its top.
Each source's κ is chosen with them, for the greatest likelihood: a model trained at every amount of evidence needs no
tempering, for it says itself how sure it is.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact, FusionFit
from streams.evidence.source import Opinion
from streams.scoring.fusion import Fusion, masks
from streams.skills.skill_set import SOURCES, SkillSet
from streams.training.estimates import without

MIN_OF_EACH_LABEL: Final = 50
DROPPED_WEIGHT: Final = 0.1
KAPPAS: Final = {"model": (0.0, 1.0, 4.0, 16.0), "behaviour": (0.0, 2.0, 8.0)}
_RIDGE: Final = 1e-3
_STEPS: Final = 50

Array = NDArray[np.float64]


def fit_pool(
    opinions: Mapping[str, Opinion], labels: Array, weights: Array, skill_set: SkillSet, artifact: Artifact
) -> FusionFit | None:
    """Fit to out-of-fold opinions, each of shape (moments, 1). None where there is too little to fit to.

    A source never seen keeps its configured weight; a set never seen takes the intercept of its largest part seen.
    """
    if min(labels.sum(), (1 - labels).sum()) < MIN_OF_EACH_LABEL:
        return None
    kappas = [dict(zip(KAPPAS, values, strict=True)) for values in product(*KAPPAS.values())]
    fits = [_fit(opinions, labels, weights, skill_set, artifact, kappa) for kappa in kappas]
    return max((fit for fit in fits if fit), key=lambda fit: fit[0], default=(0.0, None))[1]


def _fit(
    opinions: Mapping[str, Opinion],
    labels: Array,
    weights: Array,
    skill_set: SkillSet,
    artifact: Artifact,
    kappa: dict[str, float],
) -> tuple[float, FusionFit] | None:
    """Log-likelihood and fit at one κ a source."""
    terms = _terms(opinions, _plain(skill_set, artifact, kappa))
    if not terms:
        return None
    seen = list(terms)
    rows = np.concatenate([lines for lines, _, _ in terms.values()])
    importance = weights[rows] * np.concatenate([share for _, share, _ in terms.values()])
    masked = np.repeat(np.eye(len(seen)), [len(lines) for lines, _, _ in terms.values()], axis=0)
    design = np.hstack([np.concatenate([log_odds for _, _, log_odds in terms.values()]), masked])
    fitted = nonnegative_logit(design, labels[rows], importance, free=range(len(SOURCES), design.shape[1]))
    ever = np.any(design, axis=0)
    configured = next(iter(skill_set.skills.values())).weights
    found = {
        source: round(float(fitted[k]), 4) if ever[k] else configured.get(source, 0.0)
        for k, source in enumerate(SOURCES)
    }
    intercepts = dict(zip(seen, (round(float(b), 4) for b in fitted[len(SOURCES) :]), strict=True))
    fit = FusionFit(weights=found, intercepts={mask: _nearest(mask, intercepts) for mask in masks()}, kappa=kappa)
    return _log_likelihood(design @ fitted, labels[rows], importance), fit


def nonnegative_logit(design: Array, labels: Array, importance: Array, free: range) -> Array:
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


def _plain(skill_set: SkillSet, artifact: Artifact, kappa: dict[str, float]) -> Fusion:
    """The fusion with weights of one and no intercepts."""
    (skill,) = skill_set.names
    unit = FusionFit(weights=dict.fromkeys(SOURCES, 1.0), intercepts={}, kappa=kappa)
    card = msgspec.structs.replace(artifact.card.skills[skill], fusion=unit)
    whole = msgspec.structs.replace(artifact.card, skills={skill: card})
    return Fusion(skill_set, Artifact(whole, artifact.models, artifact.digest))


def _terms(opinions: Mapping[str, Opinion], fusion: Fusion) -> dict[str, tuple[NDArray[np.intp], Array, Array]]:
    """By set of sources: the moments that have it, what each counts there (1 where no source was dropped, else
    DROPPED_WEIGHT), and the log-odds of each source at a weight of one. Sets that hardly occur are left out.
    """
    terms = {}
    present = {name: opinion.n[:, 0] > 0 for name, opinion in opinions.items()}
    for mask in masks():
        named = mask.split("+")
        lines = np.flatnonzero(np.vstack([present[name] for name in named]).all(axis=0))
        if len(lines) >= MIN_OF_EACH_LABEL:
            whole = np.all(np.vstack([present[name] == (name in named) for name in present]), axis=0)
            log_odds = fusion.fuse(without(opinions, named)).log_odds
            told = np.column_stack([log_odds[source][lines, 0] for source in SOURCES])
            terms[mask] = lines, np.where(whole[lines], 1.0, DROPPED_WEIGHT), told
    return terms


def _log_likelihood(log_odds: Array, labels: Array, importance: Array) -> float:
    return float(importance @ (labels * log_odds - np.logaddexp(0.0, log_odds)))


def _nearest(mask: str, intercepts: Mapping[str, float]) -> float:
    """The intercept of `mask`, or of its largest seen part (the earlier source first), or 0."""
    named = set(mask.split("+"))
    parts = [seen for seen in intercepts if set(seen.split("+")) <= named]
    return intercepts[max(parts, key=lambda seen: seen.count("+"))] if parts else 0.0
