"""Training on labels with cohorts, and on students who withdrew."""

import asyncio
from functools import cache

import pytest

from streams.evidence.artifacts import Artifact
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import Label, StudentGroups
from streams.training.moments import Moment, moments_of
from streams.training.trainer import Plan, Trained, train
from tests.events import default_skills, raw
from tests.unit.training import simulated

SKILL = "problem_solving"
PLAN = Plan("cohorts", default_skills(), inputs=("varied_*.n", "controls_*", "withdrew.n"), folds=3)
LEFT = range(0, simulated.STUDENTS, 3)


def labels() -> list[Label]:
    """Half of the class is of each year; whoever will leave does not solve the task."""
    return [
        Label(
            f"s{n}", SKILL, simulated.as_of_us(8), simulated.solved(n) * (n not in LEFT), (("cohort", str(n // 2 % 2)),)
        )
        for n in range(simulated.STUDENTS)
    ]


def lines() -> list[bytes]:
    return [*simulated.lines(), *(raw("session", f"s{n}", phase="withdrawn", minute=20) for n in LEFT)]


@cache
def moments() -> list[Moment]:
    process = moments_of(simulated.records(lines()), labels(), default_skills(), counts=(3, 5), withdrawn=True)
    return asyncio.run(process)[0]


@cache
def trained() -> Trained:
    return train(moments(), PLAN)


def test_cohorts_are_held_back_and_the_figures_are_what_to_expect_of_one_more() -> None:
    card = trained().card.skills[SKILL]
    figures = card.metrics

    assert card.held_out == "one cohort at a time: 0, 1"
    assert figures["n"] == simulated.STUDENTS
    of_cohorts = [figures[f"fused_brier_of_cohort_{cohort}"] for cohort in (0, 1)]
    assert figures["fused_brier"] == pytest.approx(sum(of_cohorts) / 2, abs=1e-4)
    assert figures["n_at_3_events"] == figures["n_at_5_events"] == simulated.STUDENTS


def test_without_cohorts_students_are_held_back_and_the_fusion_is_fitted_to_them_in_any_case() -> None:
    plain = [
        Moment(Label(each.label.student, SKILL, each.label.as_of_us, each.label.label), each.stage, each.row)
        for each in moments()
    ]
    card = train(plain, PLAN).card.skills[SKILL]

    assert card.held_out == "one of 3 parts of the students at a time"
    assert card.fusion == trained().card.skills[SKILL].fusion


async def test_a_student_who_withdrew_scores_low_from_then_on() -> None:
    artifact = Artifact(trained().card, trained().models, "0" * 64)
    careful = simulated.lines(seed=9, students=2)[::2]  # s0 varies one thing at a time
    later = [Label("s0", SKILL, simulated.as_of_us(minute), 1) for minute in (15, 25, 35)]
    leaves = raw("session", "s0", phase="withdrawn", minute=20)
    goes_on = raw("control", "s0", minute=30, controls={"top": 1.0}, changed=1)
    states, _ = await moments_of(simulated.records([*careful, leaves, goes_on]), later, default_skills())
    scored = await score_moments(states, default_skills(), artifact)
    before, after, still = predictions_of(scored, default_skills(), artifact, StudentGroups())[SKILL].p

    assert before > 0.5
    assert max(after, still) < 0.15
