"""A bank that knows no item: students who come one after the other teach it how hard items are."""

import asyncio
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from streams.evaluation.metrics import auc
from streams.event_record import event_pipeline
from streams.evidence.artifacts import Card
from streams.mastery.bank import ItemBank
from streams.skills.skills_file import load_skills
from streams.training.errors import TrainingError
from streams.training.mastery.empty_bank import fit_empty_bank
from streams.training.mastery.trainer import MasteryPlan, train_mastery
from streams.training.norm_timeline import NO_TIMELINE, NormPlan, NormTimeline, norms_over
from tests.unit.training.mastery import quizzes

PLAN = MasteryPlan(name="start", skill="mastery", weights={"mastery": 1.0}, folds=3)
DAY_US = 86_400_000_000


@cache
def values() -> list[bytes]:
    return quizzes.in_turn(students_a_day=20)


@cache
def timeline() -> NormTimeline:
    histories, pipeline = quizzes.histories_of(values()), event_pipeline(load_skills("mastery"))
    return asyncio.run(norms_over(histories.events(), pipeline, NormPlan(DAY_US, {})))


@cache
def trained() -> tuple[Card, dict[str, ItemBank]]:
    collection = quizzes.collected(values())
    return train_mastery(collection.answers(), collection.moments(), PLAN, timeline())


def test_it_knows_no_item_and_no_component_but_how_much_norms_of_them_say() -> None:
    bank = trained()[1]["mastery"]

    assert bank.items == {}
    assert bank.with_item.components == bank.without_item.components == {}
    assert 0.4 < bank.with_item.learnt_items < 1.6
    assert 0.4 < bank.with_item.learnt_components < 1.6
    assert 0.4 < bank.without_item.learnt_components < 1.6
    assert bank.without_item.all_wins > 0 > bank.without_item.all_fails


def test_answers_are_predicted_by_what_students_of_the_days_before_knew() -> None:
    answers = quizzes.collected(values()).answers()
    fold = np.arange(len(answers.students)) % 3
    fitted = fit_empty_bank(answers, timeline(), fold, 3)
    first_day = answers.times_us < answers.times_us.min() + DAY_US // 2

    assert auc(answers.outcome[~first_day], fitted.p[~first_day]) > auc(answers.outcome[first_day], fitted.p[first_day])
    assert auc(answers.outcome[~first_day], fitted.p[~first_day]) > 0.7


def test_its_card_has_figures_and_intervals() -> None:
    card = trained()[0].skills["mastery"]
    assert 0.65 < card.metrics["auc"] < 0.85
    assert card.metrics["ece"] < 0.05
    assert card.intervals is not None


def test_the_same_history_makes_the_same_bank() -> None:
    collection = quizzes.collected(values())
    assert train_mastery(collection.answers(), collection.moments(), PLAN, timeline()) == trained()


def test_where_no_norm_came_in_time_nothing_can_be_learnt() -> None:
    collection = quizzes.collected(quizzes.lines())
    with pytest.raises(TrainingError, match="ten students"):
        train_mastery(collection.answers(), collection.moments(), PLAN, NO_TIMELINE)


def test_a_bank_that_is_not_empty_reads_no_norms_in_training() -> None:
    collection = quizzes.collected(quizzes.lines())
    answers, moments = collection.answers(), collection.moments()
    later = replace(answers, times_us=answers.times_us + DAY_US)
    assert train_mastery(answers, moments, PLAN) == train_mastery(later, moments, PLAN)
