"""Training an artifact: for each skill a classifier, its honest figures, and how to fuse it with the other sources.

moments ──► features ──► k folds of students ──────────────────► estimates of those held out ──► fusion
                    ├──► a fold for each cohort, if there are any ─► estimates of those held out ──► intervals, figures
                    └──► the final model, on all moments
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.evaluation.predictions import Predictions
from streams.evidence.artifacts import CARD_VERSION, Card, SkillCard
from streams.evidence.behaviour import BehaviourSource
from streams.evidence.features import revision_of
from streams.evidence.model import ModelSource
from streams.evidence.registry import Types, types_of
from streams.evidence.trees import BoostedTrees
from streams.skills.skill_set import SkillSet
from streams.training.behaviour_fit import fit_behaviour
from streams.training.card_metrics import card_metrics, choice_metrics, gain_metrics
from streams.training.errors import TrainingError
from streams.training.estimates import estimates_beside_model, provisional
from streams.training.examples import Examples
from streams.training.folds import Fold, by_student, folds_of
from streams.training.fusion_fit import FittedFusion, FusionData, fit_fusion, fused_score
from streams.training.labels import StudentGroups
from streams.training.moments import WITHDRAWN, Moment
from streams.training.outcome_table import FittedIntervals, fit_intervals


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train. `inputs` are patterns of features (see `matching`); `labels_source` is for the card;
    `platforms` are those of the history.
    """

    name: str
    skill_set: SkillSet
    inputs: tuple[str, ...] = ()
    folds: int = 5
    seed: int = 0
    groups: StudentGroups = field(default_factory=StudentGroups)
    labels_source: str = "not said"
    platforms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trained:
    """What `save_artifact` stores; the card's files have no names and hashes yet."""

    card: Card
    models: dict[str, Any]


def train(moments: Sequence[Moment], plan: Plan, left_out: Mapping[str, str] | None = None) -> Trained:
    """Train a model for each skill that has labels. Deterministic; takes seconds to minutes.

    `left_out` says why some skills cannot be learnt: where it is given, others that cannot join them. Raises
    TrainingError where a skill's labels cannot be learnt from, and none may be left out, or none is left; SkillsError
    as `types_of` does, before all else.
    """
    types = types_of(plan.skill_set)
    cards, models = {}, {}
    unlearnt = dict(left_out or {})
    for skill in plan.skill_set.names:
        of_skill = [moment for moment in moments if moment.label.skill == skill]
        if of_skill:
            try:
                cards[skill], models[skill] = _train_skill(skill, of_skill, plan, types)
            except TrainingError as error:
                if left_out is None:
                    raise TrainingError(f"{skill}: {error}") from None
                unlearnt[skill] = str(error)
    if not cards and unlearnt:
        raise TrainingError("; ".join(f"{skill}: {why}" for skill, why in unlearnt.items()))
    if not cards:
        raise TrainingError("no label has a single event by its as_of: are the student ids the same in both files?")
    libraries = ("skillstream", "scikit-learn", "numpy")
    trained_with = {"python": platform.python_version(), **{name: version(name) for name in libraries}}
    card = Card(
        version=CARD_VERSION,
        name=plan.name,
        trained_with=trained_with,
        skills=cards,
        left_out=unlearnt,
        platforms=dict(plan.platforms),
    )
    return Trained(card, models)


def _train_skill(skill: str, moments: Sequence[Moment], plan: Plan, types: Types) -> tuple[SkillCard, BoostedTrees]:
    labels = [moment.label for moment in moments]
    if len(different := {label.label for label in labels}) == 1:
        raise TrainingError(f"all {len(set(labels))} labels are {different.pop():g}: nothing to learn")
    folds = folds_of(labels, plan.groups, plan.folds, plan.seed)
    students = np.array([plan.groups.of(label.student) for label in labels])
    examples = Examples.of(moments, plan.inputs, plan.seed)
    by_people = by_student(students, plan.folds, plan.seed)
    of_peers = examples.held_back(by_people)
    unseen = examples.held_back(folds) if folds[0].cohort else of_peers
    final = examples.fit()
    one_skill = msgspec.structs.replace(plan.skill_set, skills={skill: plan.skill_set.skills[skill]})
    trained_on = examples.trained_on(final.features)
    artifact = provisional(skill, final, trained_on, plan.platforms)
    data = FusionData(
        estimates={ModelSource.name: unseen, **estimates_beside_model(moments, one_skill, artifact, types)},
        labels=examples.outcomes,
        weights=np.where([moment.stage == WITHDRAWN for moment in moments], 0.0, examples.weights),
        students=students,
        folds=_fold_of(by_people, len(moments)),
        skill_set=one_skill,
        artifact=artifact,
        types=types,
        seed=plan.seed,
    )
    behaviour = fit_behaviour(moments, by_people, data)
    if behaviour is not None:
        data = data.with_estimate(BehaviourSource.name, behaviour.estimate)
    fusion = fit_fusion(data.with_estimate(ModelSource.name, of_peers))
    intervals = fit_intervals(data, fusion.fit, folds) if fusion else None
    card = SkillCard(
        file="",
        sha256="",
        features=final.features,
        revisions={name: revision for name in final.features if (revision := revision_of(name)) != 1},
        labels=plan.labels_source,
        examples=len(set(labels)),
        students=len({label.student for label in labels}),
        metrics=_metrics(moments, folds, data, fusion, intervals) | gain_metrics(behaviour),
        fusion=fusion.fit if fusion else None,
        outcome_intervals=intervals.table if intervals else None,
        held_out=_in_words(folds),
        trained_on=trained_on,
        indicators=behaviour.indicators if behaviour else {},
    )
    return card, final.model


def _metrics(
    moments: Sequence[Moment],
    folds: Sequence[Fold],
    data: FusionData,
    fusion: FittedFusion | None,
    intervals: FittedIntervals | None,
) -> dict[str, float]:
    """Of the model alone; of the score and its intervals; of what each source is worth.

    The fusion saw these moments, but a few numbers fitted to thousands, alike for all cohorts, flatter no cohort.
    """
    model = data.estimates[ModelSource.name].p[:, 0]
    outcomes = data.labels
    figures = card_metrics(moments, folds, Predictions.of(outcomes, np.where(np.isnan(model), 0.5, model)))
    if fusion is None:
        return figures
    ends = {"low": intervals.low, "high": intervals.high} if intervals else {}
    fused = Predictions.of(outcomes, fused_score(data, fusion.fit), **ends)
    return figures | card_metrics(moments, folds, fused, prefix="fused_") | choice_metrics(fusion.choices)


def _fold_of(folds: Sequence[Fold], moments: int) -> NDArray[np.intp]:
    """The number of the fold that each moment is outside of."""
    numbers = np.zeros(moments, np.intp)
    for number, fold in enumerate(folds):
        numbers[fold.outside] = number
    return numbers


def _in_words(folds: Sequence[Fold]) -> str:
    if folds[0].cohort:
        return f"one cohort at a time: {', '.join(fold.cohort for fold in folds)}"
    return f"one of {len(folds)} parts of the students at a time"
