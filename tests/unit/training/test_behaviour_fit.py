"""Indicators are fitted where that foresees unseen students better than what was chosen by hand."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
import numpy as np
import pytest

from streams.evidence.artifacts import Artifact
from streams.evidence.behaviour import BehaviourSource
from streams.evidence.weighted_indicators import distance_from_prior
from streams.skills.skill_set import Indicator, SkillSet
from streams.training.behaviour_fit import IndicatorSums, cohort_prior
from streams.training.estimates import row_batches
from streams.training.moments import Moment, moments_of
from streams.training.trainer import Plan, Trained, train
from tests.events import default_skills
from tests.unit.training import simulated

SKILL: Final = "problem_solving"
ONE: Final = Indicator(
    name="one_at_a_time", numerator=("varied_one.n",), denominator=("set_controls.n",), prior=0.4, weight=0.2
)
SOME: Final = Indicator(
    name="all_at_once", numerator=("varied_some.n",), denominator=("set_controls.n",), prior=0.5, weight=1.0
)
"""Which way it speaks is wrong: who varies all at once solves less."""


def skills(*indicators: Indicator) -> SkillSet:
    """The default skills, of which one has these indicators."""
    skill = msgspec.structs.replace(default_skills().skills[SKILL], indicators=indicators)
    return msgspec.structs.replace(default_skills(), skills={**default_skills().skills, SKILL: skill})


@cache
def moments() -> Sequence[Moment]:
    process = moments_of(simulated.records(simulated.lines()), simulated.labels(), default_skills(), 1, counts=(3, 6))
    return asyncio.run(process)[0]


@cache
def trained(*indicators: Indicator) -> Trained:
    return train(moments(), Plan("fitted", skills(*indicators), folds=3, inputs=("set_controls.*", "varied_*")))


def test_weights_that_are_better_than_by_hand_are_on_the_card_and_never_against_their_direction() -> None:
    card = trained(ONE, SOME).card.skills[SKILL]

    assert card.indicators["one_at_a_time"].weight > 0.5
    assert card.indicators["all_at_once"].weight == 0.0
    assert card.metrics["gain_of_fitted_indicators_low"] > 0
    assert card.metrics["gain_of_fitted_indicators"] > card.metrics["gain_of_fitted_indicators_low"]


def test_behaviour_speaks_as_the_card_has_its_indicators() -> None:
    made = trained(ONE, SOME)
    source = BehaviourSource(skills(ONE, SOME), Artifact(made.card, made.models, "0" * 64))
    [rows] = row_batches(moments()[:5], default_skills().names)
    column = default_skills().names.index(SKILL)

    found = source.compute(rows)

    fitted = made.card.skills[SKILL].indicators["one_at_a_time"]
    sums = IndicatorSums.of(moments()[:5], [ONE])
    log_odds = fitted.weight * distance_from_prior(sums.part[:, 0], sums.whole[:, 0], fitted.prior, fitted.strength)
    assert np.log(found.p / (1 - found.p))[:, column] == pytest.approx(log_odds)
    assert found.n[:, column] == pytest.approx(sums.whole[:, 0]), "what has no weight is no evidence"


def test_an_indicator_that_means_another_rate_by_now_is_silent() -> None:
    made = trained(ONE, SOME)
    other = msgspec.structs.replace(ONE, numerator=("varied_some.n",))
    source = BehaviourSource(skills(other, SOME), Artifact(made.card, made.models, "0" * 64))
    [rows] = row_batches(moments()[:5], default_skills().names)

    assert not source.compute(rows).n[:, default_skills().names.index(SKILL)].any()


def test_what_is_as_good_by_hand_stays_so() -> None:
    fitted = trained(ONE, SOME).card.skills[SKILL].indicators["one_at_a_time"]
    by_hand = msgspec.structs.replace(ONE, prior=fitted.prior, strength=fitted.strength, weight=1.0)

    card = trained(by_hand).card.skills[SKILL]

    assert card.indicators == {}
    assert "gain_of_fitted_indicators" not in card.metrics


def test_the_fit_is_the_same_each_time() -> None:
    again = train(moments(), Plan("fitted", skills(ONE, SOME), folds=3, inputs=("set_controls.*", "varied_*")))

    assert msgspec.json.encode(again.card) == msgspec.json.encode(trained(ONE, SOME).card)


def test_a_prior_is_the_cohorts_rate_and_worth_as_much_as_students_are_alike() -> None:
    rng = np.random.default_rng(3)
    whole = rng.integers(1, 40, 5_000).astype(float)
    part = rng.binomial(whole.astype(int), rng.beta(0.3 * 8, 0.7 * 8, 5_000)).astype(float)
    sums = IndicatorSums(*(each[:, None] for each in (part, whole, part, whole, part)))

    prior, strength = cohort_prior(ONE, sums, 0, np.arange(5_000))

    assert prior == pytest.approx(0.3, abs=0.02)
    assert strength == pytest.approx(8, rel=0.15)


def test_of_few_students_the_prior_is_that_of_the_skills_file() -> None:
    few = np.ones((20, 1))

    assert cohort_prior(ONE, IndicatorSums(*[few] * 5), 0, np.arange(20)) == (ONE.prior, ONE.strength)
