"""Training mastery: the item bank, the outlook and its intervals, and their honest figures.

history ──walk──► answers ──► folds by student ──► bank, p of unseen students ──► figures
             └──► moments ──────────────────────► outlook, its half-widths by evidence
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.metadata import version
from typing import Final

import msgspec
import numpy as np

from streams.evaluation.figures import card_figures
from streams.evaluation.metrics import LEVEL
from streams.evaluation.predictions import Predictions
from streams.evidence.artifacts import CARD_VERSION, Card, ConformalTable, FusionFit, SkillCard, narrowing
from streams.evidence.mastery import MasterySource
from streams.mastery.bank import HalfWidths, ItemBank
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.training.errors import TrainingError
from streams.training.labels import StudentGroups
from streams.training.mastery.answers import AnswerHistory, Moments
from streams.training.mastery.bank_fit import fit_bank
from streams.training.mastery.collection import MIN_LATER
from streams.training.mastery.conformal import half_widths
from streams.training.mastery.crossfit import FittedBank
from streams.training.mastery.empty_bank import fit_empty_bank
from streams.training.mastery.intervals import interval_figures
from streams.training.mastery.outlook_evaluation import INTERVALS_AT
from streams.training.mastery.outlook_fit import fit_outlook, unseen_features
from streams.training.norm_timeline import NO_TIMELINE, NormTimeline

SOURCE: Final = MasterySource.name
MIN_STUDENTS: Final = 50
FIRST_ANSWERS: Final = 200
"""The figures are of a student's first so many answers."""
MIN_LATER_IN_COMPONENT: Final = 5
OUTLOOK_EDGES: Final = (1.5, 3.5, 5.5, 8.5, 11.5, 15.5, 21.5, 29.5, 41.5, 59.5, 84.5, 119.5, 169.5)
COMPONENT_EDGES: Final = (0.5, 1.5, 2.5, 3.5, 5.5, 8.5, 12.5, 20.5, 40.5)
"""Of the number of counted answers; halves, so that no number lies on one."""
OUTCOME: Final = "the next answer, as the events tell it; intervals: the mean of all later answers, 10 or more"


@dataclass(frozen=True, slots=True, kw_only=True)
class MasteryPlan:
    """How to train `skill`, and by whom students are grouped into `folds`.

    `weights` are those that sources have when scores are fused: all that may be present, by the skill set.
    """

    name: str
    skill: str
    weights: Mapping[str, float]
    folds: int = 5
    seed: int = 0
    groups: StudentGroups = field(default_factory=StudentGroups)


def train_mastery(
    answers: AnswerHistory, moments: Moments, plan: MasteryPlan, norms: NormTimeline | None = None
) -> tuple[Card, dict[str, ItemBank]]:
    """A card whose file hashes are still empty, and the bank of its skill. Deterministic; takes a minute or so.

    With `norms` the bank is empty: it leaves items and components to those that were in force at each answer. Raises
    TrainingError where the answers are too few, of too few students, or all alike, and where no norm was of use.
    """
    _require_enough(answers, moments, plan.groups)
    fold_of = _folds(answers.students, plan)
    if norms is None:
        fitted = fit_bank(answers, fold_of, plan.folds)
    else:
        fitted = fit_empty_bank(answers, norms, fold_of, plan.folds)
    fold = fold_of[moments.student]
    features = unseen_features(moments, fitted.unseen, fold, norms or NO_TIMELINE)
    outlook, unseen_mean = fit_outlook(features, moments.outcome, fold, plan.folds)
    evidence = moments.counts.all_wins + moments.counts.all_fails
    distance, scale = np.abs(moments.outcome - unseen_mean), narrowing(unseen_mean)
    edges, widths = half_widths(OUTLOOK_EDGES, evidence, distance / scale, 0.5)
    half = np.array(widths)[np.searchsorted(edges, evidence, side="right")] * scale
    of_components = later_in_component(answers, fitted.p_of_uses)
    component_edges, component_widths = half_widths(COMPONENT_EDGES, *of_components, 1.0)
    figures = _figures_of_answers(answers, fitted) | _figures_of_moments(moments, unseen_mean, half)
    skill_card = SkillCard(
        file="",
        sha256="",
        features=(),
        labels=OUTCOME,
        examples=len(answers),
        students=len(set(answers.student.tolist())),
        metrics=figures,
        fusion=FusionFit(
            weights=dict(plan.weights),
            intercepts={},
            kappa={MasterySource.name: 0.0},
        ),
        intervals=ConformalTable(
            edges=edges, half_widths=widths, width_of_nothing=round(_width_of_all(moments.outcome), 4), scaled_by=SOURCE
        ),
    )
    libraries = ("skillstream", "scikit-learn", "scipy", "numpy")
    trained_with = {"python": platform.python_version(), **{name: version(name) for name in libraries}}
    bank = msgspec.structs.replace(
        fitted.bank,
        outlook=outlook,
        component_intervals=HalfWidths(edges=component_edges, half_widths=component_widths),
    )
    card = Card(version=CARD_VERSION, name=plan.name, trained_with=trained_with, skills={plan.skill: skill_card})
    return card, {plan.skill: bank}


def _width_of_all(outcome: Floats) -> float:
    """Of the interval that holds LEVEL of all outcomes, whoever they are of."""
    low, high = np.quantile(outcome, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return max(float(high - low), 10.0**-4)


def _require_enough(answers: AnswerHistory, moments: Moments, groups: StudentGroups) -> None:
    if not len(answers):
        raise TrainingError("no attempt names knowledge components (`kcs`): there is no answer to learn from")
    if 0 < answers.outcome.sum() < len(answers):
        for found, what in ((answers, "answers"), (moments, f"{MIN_LATER} answers after a first")):
            students = len({groups.of(answers.students[each]) for each in np.unique(found.student).tolist()})
            if students < MIN_STUDENTS:
                raise TrainingError(f"{students} students have {what}, {MIN_STUDENTS} are needed")
    else:
        raise TrainingError(f"all {len(answers)} answers are {answers.outcome[0]:g}: nothing to learn")


def _folds(students: Sequence[str], plan: MasteryPlan) -> Indices:
    """Each student's fold, which depends on nothing but the group and the seed."""
    people = [plan.groups.of(student) for student in students]
    digests = [blake2b(f"{plan.seed}/{group}".encode(), digest_size=4).digest() for group in people]
    return np.array([int.from_bytes(digest) % plan.folds for digest in digests], np.intp)


def later_in_component(answers: AnswerHistory, p: Floats) -> tuple[Floats, Floats]:
    """Of each use that MIN_LATER_IN_COMPONENT or more answers of its student in its component follow, itself among
    them: how many were before, and how far `p` is from the mean of these.
    """
    _, pair = np.unique(
        np.stack([answers.student[answers.owner], answers.component], axis=1), axis=0, return_inverse=True
    )
    outcome = answers.outcome[answers.owner]
    before = answers.wins + answers.fails
    later = np.bincount(pair)[pair] - before
    right = np.bincount(pair, outcome)[pair] - answers.wins
    known = later >= MIN_LATER_IN_COMPONENT
    return before[known], np.abs(np.clip(right[known] / later[known], 0, 1) - p[known])


def _figures_of_answers(answers: AnswerHistory, fitted: FittedBank) -> dict[str, float]:
    first = answers.ordinal < FIRST_ANSWERS
    uses = first[answers.owner]
    of_components = Predictions.of(answers.outcome[answers.owner[uses]], fitted.p_of_uses[uses])
    return {
        **card_figures(Predictions.of(answers.outcome[first], fitted.p[first])),
        "item_free_ece": card_figures(of_components)["ece"],
    }


def _figures_of_moments(moments: Moments, mean: Floats, half: Floats) -> dict[str, float]:
    """Of the intervals, at all moments together and at some."""
    low = np.clip(mean - half, 0, 1 - 2 * half)
    found = interval_figures(moments.outcome, low, low + 2 * half)
    for answered in INTERVALS_AT:
        at = moments.answered == answered
        found |= interval_figures(moments.outcome[at], low[at], (low + 2 * half)[at], f"_at_{answered}")
    return {name: round(figure, 4) for name, figure in found.items()}
