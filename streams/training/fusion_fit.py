"""Fitting the fusion of one skill: for every set of sources their weights and an intercept.

A set is fitted to the students who have all its sources, whatever else they have, as if the rest had failed: so every
set is calibrated. The terms come from `Fusion` itself, with weights of one: what is fitted is what is served. Weights
are non-negative; log-likelihood is concave, so a projected Newton finds its top. Where there is one source, this is
Platt's calibration (Advances in Large Margin Classifiers, 1999) of estimates of students not learnt from. Not of
cohorts: what a model of one knows too little of, one of several knows (record 41).

Each source's κ is chosen for the greatest likelihood: a model trained at every amount of evidence needs no tempering,
for it says itself how sure it is. Which sources of a set serve at all is chosen in `source_choice`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from streams.training.estimates import reordered, without
from streams.training.source_choice import Choice, choose_sources, nonnegative_logit

MIN_OF_EACH_LABEL: Final = 50
DROPPED_WEIGHT: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionData:
    """What a fusion is fitted to: `estimates`, one of each of `types` and of shape (moments, 1), of moments not learnt
    from; for each moment its label, what it counts, whose it is and in which of some parts of the students that one is.
    """

    estimates: Mapping[str, Estimate]
    labels: Floats
    weights: Floats
    students: NDArray[np.str_]
    folds: NDArray[np.intp]
    skill_set: SkillSet
    artifact: Artifact
    types: Types
    seed: int = 0

    def at(self, rows: NDArray[np.intp]) -> "FusionData":
        """Those moments alone."""
        estimates = {name: reordered(estimate, rows) for name, estimate in self.estimates.items()}
        columns = {name: getattr(self, name)[rows] for name in ("labels", "weights", "students", "folds")}
        return replace(self, estimates=estimates, **columns)

    def with_estimate(self, source: str, estimate: Estimate) -> "FusionData":
        """The same moments, of which that source says something else."""
        return replace(self, estimates={**self.estimates, source: estimate})

    @property
    def names(self) -> list[str]:
        """The sources, in their order."""
        return [each.name for each in self.types]


@dataclass(frozen=True, slots=True)
class FittedFusion:
    """A fit, and by mask of several sources how each source was judged."""

    fit: FusionFit
    choices: Mapping[str, Choice]


@dataclass(frozen=True, slots=True)
class Terms:
    """Of the moments at `rows`, which have a set of sources: what each counts (1 where no source was dropped, else
    DROPPED_WEIGHT), and each source's log-odds at a weight of one, shape (rows, sources).
    """

    rows: NDArray[np.intp]
    share: Floats
    log_odds: Floats


def fit_fusion(data: FusionData, kappa: Mapping[str, float] | None = None) -> FittedFusion | None:
    """Fit, with each source's κ chosen, or as given. None: too little to fit to.

    A source never seen keeps its configured weight; a set never seen is served as its largest part seen.
    """
    if min(data.labels.sum(), (1 - data.labels).sum()) < MIN_OF_EACH_LABEL:
        return None
    chosen = _best_kappa(data) if kappa is None else dict(kappa)
    terms = _terms(data, chosen)
    if not terms:
        return None
    choices = {mask: _choose(mask, of_mask, data) for mask, of_mask in terms.items()}
    configured = next(iter(data.skill_set.skills.values())).weights
    weights, intercepts = {}, {}
    for mask in masks(data.names):
        seen_part = _nearest(mask, list(terms))
        choice = choices[seen_part] if seen_part else None
        fitted = choice.weights if choice else {}
        never_seen = {name for name in data.names if not any(name in seen.split("+") for seen in terms)}
        weights[mask] = {
            name: fitted.get(name, configured.get(name, 0.0) if name in never_seen else 0.0) for name in mask.split("+")
        }
        intercepts[mask] = choice.intercept if choice else 0.0
    fullest = max(terms, key=lambda mask: mask.count("+"))
    overall = {name: weights[fullest].get(name, configured.get(name, 0.0)) for name in data.names}
    fit = FusionFit(weights=overall, intercepts=intercepts, kappa=chosen, mask_weights=weights)
    return FittedFusion(fit, choices)


def _best_kappa(data: FusionData) -> dict[str, float]:
    """The κ of every source that has any to try: those under which all sources together are likeliest."""
    tried = {each.name: each.kappas for each in data.types if each.kappas}
    kappas = [dict(zip(tried, values, strict=True)) for values in product(*tried.values())]
    return max(kappas, key=lambda kappa: _log_likelihood(data, kappa))


def _log_likelihood(data: FusionData, kappa: Mapping[str, float]) -> float:
    total = 0.0
    for terms in _terms(data, kappa).values():
        labels, importance = data.labels[terms.rows], data.weights[terms.rows] * terms.share
        design = np.column_stack([terms.log_odds, np.ones(len(terms.rows))])
        log_odds = design @ nonnegative_logit(design, labels, importance)
        total += float(importance @ (labels * log_odds - np.logaddexp(0.0, log_odds)))
    return total


def _choose(mask: str, terms: Terms, data: FusionData) -> Choice:
    rows = terms.rows
    importance = data.weights[rows] * terms.share
    columns = {name: terms.log_odds[:, data.names.index(name)] for name in mask.split("+")}
    return choose_sources(columns, data.labels[rows], importance, data.students[rows], data.folds[rows], data.seed)


def _terms(data: FusionData, kappa: Mapping[str, float]) -> dict[str, Terms]:
    """By set of sources; sets that hardly occur are left out."""
    fusion = _plain(data, kappa)
    present = {name: estimate.n[:, 0] > 0 for name, estimate in data.estimates.items()}
    terms = {}
    for mask in masks(data.names):
        named = mask.split("+")
        rows = np.flatnonzero(np.vstack([present[name] for name in named]).all(axis=0))
        labels = data.labels[rows]
        if min(labels.sum(), (1 - labels).sum()) >= MIN_OF_EACH_LABEL:
            whole = np.all(np.vstack([present[name] == (name in named) for name in present]), axis=0)
            log_odds = fusion.fuse(without(data.estimates, named)).log_odds
            of_sources = np.column_stack([log_odds[source][rows, 0] for source in data.names])
            terms[mask] = Terms(rows, np.where(whole[rows], 1.0, DROPPED_WEIGHT), of_sources)
    return terms


def fused_score(data: FusionData, fit: FusionFit) -> Floats:
    """The score of each moment under `fit`, 0.5 where no source is present; shape (moments,)."""
    score = fusion_of(data, fit).fuse(data.estimates).score[:, 0]
    return np.where(np.isnan(score), 0.5, score)


def _plain(data: FusionData, kappa: Mapping[str, float]) -> Fusion:
    """The fusion with weights of one and no intercepts."""
    return fusion_of(data, FusionFit(weights=dict.fromkeys(data.names, 1.0), intercepts={}, kappa=dict(kappa)))


def fusion_of(data: FusionData, fit: FusionFit) -> Fusion:
    """The fusion under `fit`, of estimates of shape (moments, 1)."""
    (skill,) = data.skill_set.names
    card = msgspec.structs.replace(data.artifact.card.skills[skill], fusion=fit)
    whole = msgspec.structs.replace(data.artifact.card, skills={skill: card})
    return Fusion(data.skill_set, Artifact(whole, data.artifact.models, data.artifact.digest), data.types)


def _nearest(mask: str, seen: Sequence[str]) -> str:
    """`mask`, or its largest part seen (the earlier source first), or none."""
    named = set(mask.split("+"))
    parts = [each for each in seen if set(each.split("+")) <= named]
    return max(parts, key=lambda each: each.count("+"), default="")
