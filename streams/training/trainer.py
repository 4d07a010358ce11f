"""Training an artifact: for each skill a classifier, its honest figures, and how to fuse it with the other sources.

moments ──► features ──► k folds by person ──► out-of-fold estimates ──► metrics, fusion weights
                    └──► the final model, on all moments
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

import msgspec
import numpy as np
from sklearn.model_selection import GroupKFold

from streams.evaluation.figures import card_figures
from streams.evaluation.predictions import Predictions
from streams.evidence.artifacts import CARD_VERSION, Card, SkillCard
from streams.evidence.features import revision_of
from streams.evidence.model import ModelSource
from streams.evidence.registry import Types, types_of
from streams.evidence.source import Estimate
from streams.rows.row_batch import Floats
from streams.skills.skill_set import SkillSet
from streams.training.classifier import fit, matching
from streams.training.errors import TrainingError
from streams.training.estimates import (
    estimates_beside_model,
    feature_matrix,
    joined,
    model_estimate,
    provisional,
    reordered,
)
from streams.training.fusion_fit import fit_fusion
from streams.training.labels import MAX_ORDINALS, StudentGroups, ordinals_of
from streams.training.moments import Moment

EARLIER_WEIGHT: Final = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train. `inputs` are patterns of features (see `matching`); `labels_source` is for the card."""

    name: str
    skill_set: SkillSet
    inputs: tuple[str, ...] = ()
    folds: int = 5
    seed: int = 0
    groups: StudentGroups = field(default_factory=StudentGroups)
    labels_source: str = "not said"


@dataclass(frozen=True, slots=True)
class Trained:
    """What `save_artifact` stores; the card's file hashes are still empty."""

    card: Card
    models: dict[str, Any]


def train(moments: Sequence[Moment], plan: Plan) -> Trained:
    """Train a model for each skill that has labels. Deterministic; takes seconds to minutes.

    Raises TrainingError where a skill's labels cannot be learnt from; SkillsError as `types_of` does, before all else.
    """
    types = types_of(plan.skill_set)
    cards, models = {}, {}
    for skill in plan.skill_set.names:
        of_skill = [moment for moment in moments if moment.label.skill == skill]
        if of_skill:
            try:
                cards[skill], models[skill] = _train_skill(skill, of_skill, plan, types)
            except TrainingError as error:
                raise TrainingError(f"{skill}: {error}") from None
    if not cards:
        raise TrainingError("no label has a single event by its as_of: are the student ids the same in both files?")
    libraries = ("skillstream", "scikit-learn", "skops", "numpy")
    trained_with = {"python": platform.python_version(), **{name: version(name) for name in libraries}}
    card = Card(version=CARD_VERSION, name=plan.name, trained_with=trained_with, skills=cards)
    return Trained(card, models)


def _train_skill(skill: str, moments: Sequence[Moment], plan: Plan, types: Types) -> tuple[SkillCard, Any]:
    people = np.array([plan.groups.of(moment.label.student) for moment in moments])
    if len(set(people)) < plan.folds:
        raise TrainingError(f"{len(set(people))} students are too few for {plan.folds} folds")
    names = matching(plan.inputs)
    matrix = feature_matrix(moments, names)
    labels = np.array([float(moment.label.label) for moment in moments])
    weights = np.array([1.0 if moment.own else EARLIER_WEIGHT for moment in moments])
    parts, held = [], []
    for inside, outside in GroupKFold(plan.folds, shuffle=True, random_state=plan.seed).split(matrix, groups=people):
        fitted = fit(matrix[inside], names, labels[inside], weights[inside], plan.seed)
        parts.append(model_estimate([moments[at] for at in outside], skill, fitted))
        held.append(outside)
    unseen = reordered(joined(parts), np.argsort(np.concatenate(held)))
    final = fit(matrix, names, labels, weights, plan.seed)
    one_skill = msgspec.structs.replace(plan.skill_set, skills={skill: plan.skill_set.skills[skill]})
    artifact = provisional(skill, final)
    estimates = {ModelSource.name: unseen, **estimates_beside_model(moments, one_skill, artifact, types)}
    fusion = fit_fusion(estimates, labels, weights, one_skill, artifact, types)
    card = SkillCard(
        file=f"{skill}.skops",
        sha256="",
        features=final.features,
        revisions={name: revision for name in final.features if (revision := revision_of(name)) != 1},
        labels=plan.labels_source,
        examples=len({moment.label for moment in moments}),
        students=len({moment.label.student for moment in moments}),
        metrics=_figures(moments, labels, unseen),
        fusion=fusion,
    )
    return card, final.model


def _figures(moments: Sequence[Moment], labels: Floats, unseen: Estimate) -> dict[str, float]:
    """Out-of-fold figures at the labels' own `as_of`, by step before it, and by which of a student's labels it is."""
    p = np.where(np.isnan(unseen.p[:, 0]), 0.5, unseen.p[:, 0])
    predictions = Predictions.of(labels, p)
    own = np.array([moment.own for moment in moments])
    figures = card_figures(predictions.at(own))
    for step in range(1, moments[0].steps):
        at = np.array([moment.step == step for moment in moments])
        figures |= card_figures(predictions.at(at), suffix=f"_at_{round(100 * step / moments[0].steps)}_percent")
    ordinals = ordinals_of([moment.label for moment in moments])
    if 1 < (last := int(ordinals.max())) <= MAX_ORDINALS:
        for ordinal in range(1, last + 1):
            at = own & (ordinals == ordinal)
            figures |= card_figures(predictions.at(at), suffix=f"_of_label_{ordinal}")
    return figures
