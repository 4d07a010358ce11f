"""Training on a continuous outcome: its score is its mean, its interval covers 90 % of students not learnt from."""

import asyncio
import random
from functools import cache

import numpy as np
import pytest

from streams.evidence.artifacts import Artifact
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import Label, StudentGroups
from streams.training.moments import Moment, moments_of
from streams.training.trainer import Plan, Trained, train
from tests.events import default_skills
from tests.unit.training import simulated

SKILL = "problem_solving"
STUDENTS = 400


@cache
def moments(seed: int) -> list[Moment]:
    """Who varies one control at a time gets some 0.8 of the task right, others 0.4, with different spread."""
    rng = random.Random(seed)
    labels = [
        Label(
            f"s{n}",
            SKILL,
            simulated.as_of_us(99),
            round(rng.uniform(0.7, 0.9) if n % 2 == 0 else rng.random() * 0.8, 3),
        )
        for n in range(STUDENTS)
    ]
    records = simulated.records(simulated.lines(seed, STUDENTS))
    return asyncio.run(moments_of(records, labels, default_skills(), counts=(3, 5)))[0]


@cache
def trained() -> Trained:
    return train(moments(1), Plan("later", default_skills(), inputs=("varied_*.n", "controls_*"), folds=3))


def test_unseen_students_outcomes_are_within_their_intervals_nine_times_in_ten() -> None:
    artifact = Artifact(trained().card, trained().models, "0" * 64)
    unseen = [moment for moment in moments(2) if moment.own]
    scored = asyncio.run(score_moments(unseen, default_skills(), artifact))
    found = predictions_of(scored, default_skills(), artifact, StudentGroups())[SKILL]

    covered = (found.low <= found.outcome) & (found.outcome <= found.high)
    assert 0.85 < covered.mean() < 0.96
    assert np.mean(found.p - found.outcome) == pytest.approx(0, abs=0.03)
    width, sure = found.high - found.low, found.p > np.median(found.p)
    assert width[sure].mean() < 0.7 * width[~sure].mean(), "their outcomes differ less"
    assert found.confidence[sure].mean() > found.confidence[~sure].mean() + 0.2


@cache
def of_two_cohorts(seed: int) -> list[Moment]:
    """One cohort does worse than the other, and nothing in the events says so."""
    rng = random.Random(seed)
    labels = [
        Label(
            f"s{n}",
            SKILL,
            simulated.as_of_us(99),
            round(min(max(rng.gauss(0.42 + 0.16 * (n // 2 % 2), 0.1), 0), 1), 3),
            (("cohort", str(n // 2 % 2)),),
        )
        for n in range(STUDENTS)
    ]
    records = simulated.records(simulated.lines(seed, STUDENTS))
    return asyncio.run(moments_of(records, labels, default_skills()))[0]


def test_a_shift_between_cohorts_is_covered_once_not_twice() -> None:
    made = train(of_two_cohorts(1), Plan("two", default_skills(), inputs=("varied_*.n",), folds=3))
    artifact = Artifact(made.card, made.models, "0" * 64)
    scored = asyncio.run(score_moments(of_two_cohorts(2), default_skills(), artifact))
    found = predictions_of(scored, default_skills(), artifact, StudentGroups())[SKILL]

    covered = (found.low <= found.outcome) & (found.outcome <= found.high)
    assert 0.85 < covered.mean() < 0.95


def test_the_card_has_figures_of_intervals_and_none_of_ranking() -> None:
    card = trained().card.skills[SKILL]

    assert 0.85 < card.metrics["fused_coverage"] < 0.97
    assert card.metrics["fused_width"] < card.outcome_intervals.prior_width if card.outcome_intervals else False
    assert {"fused_interval_score", "fused_coverage_at_3_events"} <= card.metrics.keys()
    assert "fused_auc" not in card.metrics


def test_a_binary_outcome_has_no_intervals_of_it() -> None:
    binary = [
        Moment(
            Label(each.label.student, SKILL, each.label.as_of_us, float(each.label.label > 0.6)), each.stage, each.row
        )
        for each in moments(1)
    ]
    assert (
        train(binary, Plan("b", default_skills(), inputs=("varied_*.n",), folds=2)).card.skills[SKILL].outcome_intervals
        is None
    )
