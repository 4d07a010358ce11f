"""Training mastery on a simulated class whose items and components are known."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from streams.evidence.artifacts import Card, load_artifact, save_artifact
from streams.mastery.bank import ItemBank, read_bank, write_bank
from streams.mastery.counts import AnswerCounts
from streams.mastery.model import Mastery
from streams.rows.components import component_code
from streams.training.errors import TrainingError
from streams.training.labels import StudentGroups
from streams.training.mastery.conformal import half_widths
from streams.training.mastery.regression import Columns, fit_logistic, recalibration
from streams.training.mastery.trainer import MasteryPlan, train_mastery
from tests.events import raw
from tests.unit.training.mastery import quizzes

PLAN = MasteryPlan(name="quizzes", skill="mastery", weights={"mastery": 1.0}, folds=3)


def train(values: list[bytes]) -> tuple[Card, dict[str, ItemBank]]:
    collection = quizzes.collected(values)
    return train_mastery(collection.answers(), collection.moments(), PLAN)


@cache
def trained() -> tuple[Card, dict[str, ItemBank]]:
    return train(quizzes.lines())


def test_items_and_components_are_as_hard_as_they_were_made() -> None:
    bank = trained()[1]["mastery"]

    easiness = {name: part.easiness for name, part in bank.with_item.components.items()}
    assert easiness["angles"] - easiness["fractions"] > 0.8, "made 1.6 apart, and shrunken"
    for component in quizzes.EASINESS:
        of_items = [bank.items[f"{component}-{item}"] for item in range(quizzes.ITEMS)]
        assert np.corrcoef(of_items, range(quizzes.ITEMS))[0, 1] > 0.9


def test_right_answers_speak_for_a_student_and_wrong_ones_against() -> None:
    bank = trained()[1]["mastery"]
    for model in (bank.with_item, bank.without_item):
        assert model.all_wins > 0 > model.all_fails
        for component in model.components.values():
            assert model.wins + component.wins >= 0
            assert model.fails + component.fails <= 0


def tossed(student: int, minute: int, item: int) -> float:
    """Right or not by nothing but chance, and always the same."""
    return float(blake2b(f"{student}/{minute}/{item}".encode(), digest_size=1).digest()[0] % 2)


def in_turn(student: int, minute: int, item: int) -> float:
    """Right every second time, so that the counts tell the next answer for certain."""
    return float(minute % 2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("right", [tossed, in_turn])
def test_where_chance_or_certainty_rules_the_bank_can_still_be_read_and_no_win_speaks_against_anybody(
    right: Callable[[int, int, int], float],
) -> None:
    attempts = [
        raw(
            "attempt",
            f"s{student}",
            minute=minute,
            item_id=f"i{item}",
            score=right(student, minute, item),
            kcs=[f"k{item % 3}"],
        )
        for minute in range(24)
        for student in range(60)
        for item in [(student + minute) % 7]
    ]
    bank = train(attempts)[1]["mastery"]

    assert read_bank(write_bank(bank)) == bank
    for model in (bank.with_item, bank.without_item):
        for component in model.components.values():
            assert model.wins + component.wins >= -1e-5
            assert model.fails + component.fails <= 1e-5


def test_students_who_are_one_person_are_counted_as_one() -> None:
    collection = quizzes.collected(quizzes.lines())
    one = replace(PLAN, groups=StudentGroups(re.compile("s")))
    with pytest.raises(TrainingError, match="1 students have answers, 50 are needed"):
        train_mastery(collection.answers(), collection.moments(), one)


@pytest.mark.parametrize("name", quizzes.EASINESS)
@pytest.mark.parametrize(("wins", "fails"), [(1, 0), (0, 1), (5, 5), (30, 2), (2, 30)])
def test_a_right_answer_raises_the_score_and_a_wrong_one_lowers_it(name: str, wins: int, fails: int) -> None:
    mastery = Mastery(trained()[1]["mastery"])
    code = component_code(name.encode())

    def outlook(right: int, wrong: int) -> float:
        records = np.array([(code, right, wrong)], [("code", "u4"), ("wins", "u4"), ("fails", "u4")])
        return float(mastery.outlook(AnswerCounts.of_records(1, np.zeros(1, np.intp), records))[0])

    assert outlook(wins, fails + 1) < outlook(wins, fails) < outlook(wins + 1, fails)


def test_the_card_has_figures_of_students_who_were_not_learnt_from() -> None:
    card = trained()[0].skills["mastery"]

    assert (card.examples, card.students) == (quizzes.STUDENTS * quizzes.ANSWERS, quizzes.STUDENTS)
    assert 0.70 < card.metrics["auc"] < 0.85, "more would be a leak: this is nearly what abilities and items allow"
    assert card.metrics["ece"] < 0.03
    assert card.metrics["item_free_ece"] < 0.03
    assert card.metrics["coverage"] == pytest.approx(0.9, abs=0.03)
    assert card.intervals is not None
    assert list(card.intervals.half_widths) == sorted(card.intervals.half_widths, reverse=True)


def test_the_same_history_gives_the_same_bytes(tmp_path: Path) -> None:
    card, banks = train(quizzes.lines())
    for name, made in (("one", trained()), ("two", (card, banks))):
        save_artifact(tmp_path / name, *made)
    for file in ("card.json", "mastery.bank.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert load_artifact(str(tmp_path / "one")).banks == banks
    assert json.loads(write_bank(banks["mastery"]))["version"] == 1


def test_answers_without_items_are_enough() -> None:
    values = [value.replace(b'"item_id":"', b'"item_id":"no-item:') for value in quizzes.lines()]
    card, banks = train(values)

    assert banks["mastery"].items == {}
    assert banks["mastery"].with_item == banks["mastery"].without_item
    assert card.skills["mastery"].metrics["auc"] < trained()[0].skills["mastery"].metrics["auc"]


def test_items_that_only_some_answers_have_are_learnt_from_those() -> None:
    values = [
        value.replace(b'"item_id":"', b'"item_id":"no-item:') if number % 2 else value
        for number, value in enumerate(quizzes.lines())
    ]
    _, banks = train(values)
    assert len(banks["mastery"].items) == quizzes.ITEMS * len(quizzes.EASINESS)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            [raw("attempt", f"s{number}", minute=number) for number in range(50)],
            "no attempt names knowledge components",
        ),
        (quizzes.lines(students=5, answers=10), "5 students have answers, 50 are needed"),
        (quizzes.lines(students=60, answers=4), "0 students have 10 answers after a first, 50 are needed"),
        (
            [raw("attempt", f"s{number}", minute=1, kcs=["angles"], score=1.0) for number in range(50)],
            "all 50 answers are 1: nothing to learn",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_with_the_reason(values: list[bytes], says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        train(values)


def test_the_penalised_fit_is_where_the_slope_is_nothing() -> None:
    rng = np.random.default_rng(2)
    matrix, weight = rng.normal(size=(300, 3)), rng.uniform(0.5, 1.5, 300)
    outcome = np.asarray(rng.random(300) < 0.3, np.float64)
    columns = Columns.dense(2.0, *matrix.T)

    found = fit_logistic(columns, outcome, weight)

    p = 1 / (1 + np.exp(-(matrix @ found)))
    assert matrix.T @ (weight * (p - outcome)) + 2.0 * found == pytest.approx(np.zeros(3), abs=1e-2)


def test_recalibration_finds_the_scale_that_was_lost() -> None:
    rng = np.random.default_rng(3)
    log_odds = rng.normal(size=20_000)
    outcome = np.asarray(rng.random(20_000) < 1 / (1 + np.exp(-(0.5 + 2 * log_odds))), np.float64)
    assert recalibration(log_odds, outcome, np.ones(20_000)) == pytest.approx((0.5, 2.0), abs=0.1)


def test_half_widths_hold_nine_of_ten_and_never_rise() -> None:
    rng = np.random.default_rng(4)
    evidence = rng.integers(1, 40, 8_000).astype(np.float64)
    distance = np.abs(rng.normal(size=8_000)) / (5 + np.sqrt(evidence))
    edges, widths = half_widths((4.5, 9.5, 20.5), evidence, distance, 0.5)

    held = distance <= np.array(widths)[np.searchsorted(edges, evidence)]
    assert held.mean() == pytest.approx(0.9, abs=0.01)
    assert list(widths) == sorted(widths, reverse=True)


def test_bins_of_few_join_the_one_below_and_too_few_say_nothing() -> None:
    few = np.array([1.0] * 5)
    assert half_widths((4.5, 9.5), few, few / 10, 0.5) == ((), (0.5,))
    many = np.concatenate([np.full(200, 1.0), np.full(30, 6.0), np.full(200, 12.0)])
    assert half_widths((4.5, 9.5), many, many / 100, 0.5)[0] == (9.5,)
