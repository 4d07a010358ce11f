"""Easiness that is learnt while running: from the item to its component, the cohort and the bank."""

import math

import numpy as np
import pytest
from msgspec import structs

from streams.mastery.bank import AnswerModel, ItemBank, read_bank, write_bank
from streams.mastery.counts import AnswerCounts, Questions
from streams.mastery.model import Mastery
from streams.norms.view import NormView
from streams.rows.row import Row
from tests.events import event, folded, row_batch_of
from tests.norms import Fields, snapshot_of
from tests.unit.mastery.banks import ANGLES, BANK, FRACTIONS, row_of

USUAL = 0.6
"""The share of right answers over the components of VIEW."""


NOBODY = Row()


def of(wins: int, answers: int) -> Fields:
    return {"wins": wins, "answers": answers}


VIEW = NormView(
    snapshot_of(
        items={"hard": of(90, 100), "new": of(2, 30), "of no component": of(27, 30)},
        components={FRACTIONS: of(40, 100), "new": of(80, 100)},
        cohorts={"course:weak": of(20, 100)},
    )
)
EMPTY_MODEL = AnswerModel(
    intercept=0.5, wins=0.5, fails=-0.5, untouched=0, all_wins=0.25, all_fails=-0.25, components={}
)
EMPTY = structs.replace(BANK, items={}, with_item=EMPTY_MODEL, without_item=EMPTY_MODEL)


def log_odds(p: float) -> float:
    return math.log(p / (1 - p))


def component(wins: int, answers: int) -> float:
    """ê of a component, by the docstring."""
    return log_odds((wins + 20 * USUAL) / (answers + 20)) - log_odds(USUAL)


def item(wins: int, answers: int, of_component: float) -> float:
    """ê of an item whose components have this easiness."""
    level = log_odds(USUAL) + of_component
    return log_odds((wins + 8 / (1 + math.exp(-level))) / (answers + 8)) - level


def predicted(bank: ItemBank, asked: str | None, *names: str, row: Row = NOBODY) -> float:
    """Log-odds of a right answer under VIEW."""
    return log_odds(Mastery(bank, VIEW).predict(row, asked, names))


def test_an_item_then_its_component_then_the_cohort_then_the_bank() -> None:
    of_new = component(80, 100)
    weak = folded(event("hint", "ada", course_id="weak"))

    assert predicted(EMPTY, "new", "new") == pytest.approx(0.5 + of_new + item(2, 30, of_new))
    assert predicted(EMPTY, "nobody's", "new") == predicted(EMPTY, None, "new") == pytest.approx(0.5 + of_new)
    assert predicted(EMPTY, None, "nobody's", row=weak) == pytest.approx(0.5 + component(20, 100))
    assert predicted(EMPTY, None, "nobody's") == pytest.approx(0.5), "of no cohort: the usual one"
    assert predicted(BANK, None, ANGLES, row=weak) == pytest.approx(0.35 + 0.7 - 0.1), "what the bank knows"


def test_the_bank_is_the_prior() -> None:
    of_fractions = (100 * -0.4 + 100 * component(40, 100)) / 200
    of_hard = (30 * -1.5 + 100 * item(90, 100, component(40, 100))) / 130

    assert predicted(BANK, None, FRACTIONS) == pytest.approx(0.35 + of_fractions - 0.1)
    assert predicted(BANK, "hard", FRACTIONS) == pytest.approx(0.2 + of_fractions - 0.1 + of_hard)
    assert predicted(BANK, "easy", FRACTIONS) == pytest.approx(0.2 + of_fractions - 0.1 + 1.5), (
        "no norm: the bank alone"
    )


def test_weights_say_what_learnt_easiness_counts_for() -> None:
    model = structs.replace(EMPTY_MODEL, learnt_components=0.5, learnt_items=2.0)
    of_new = component(80, 100)

    assert predicted(structs.replace(EMPTY, with_item=model), "new", "new") == pytest.approx(
        0.5 + 0.5 * of_new + 2 * item(2, 30, of_new)
    )


def test_an_item_of_two_components_is_compared_with_their_mean() -> None:
    mean = (component(80, 100) + component(40, 100)) / 2
    assert predicted(EMPTY, "new", "new", FRACTIONS) == pytest.approx(0.5 + mean + item(2, 30, mean))


def test_an_item_that_names_no_component_is_compared_with_all() -> None:
    assert predicted(EMPTY, "of no component") == pytest.approx(0.5 + item(27, 30, 0))


def test_without_norms_predictions_are_as_before() -> None:
    counts = AnswerCounts.of(row_batch_of(row_of({FRACTIONS: (3, 1)}), row_of({ANGLES: (0, 2), "new": (1, 0)})))
    questions = Questions.of([0, 1, 1], ["hard", "new", None], [[FRACTIONS], [ANGLES, "new"], ["nobody's"]])
    plain, once = Mastery(BANK), Mastery(BANK, VIEW).with_norms(None)

    assert once.predict_many(counts, questions).tobytes() == plain.predict_many(counts, questions).tobytes()
    assert once.of_components(counts).tobytes() == plain.of_components(counts).tobytes()
    assert once.outlook(counts).tobytes() == plain.outlook(counts).tobytes()


def test_norms_that_say_nothing_of_answers_change_nothing() -> None:
    counts = AnswerCounts.of(row_batch_of(row_of({FRACTIONS: (3, 1)})))
    handed_in = NormView(snapshot_of(items={"essay": {"scored": 40}}, cohorts={"course:weak": {}}))
    questions = Questions.of([0, 0], ["essay", "hard"], [[FRACTIONS], [ANGLES]])

    assert Mastery(BANK, handed_in).predict_many(counts, questions).tolist() == (
        Mastery(BANK).predict_many(counts, questions).tolist()
    )


@pytest.mark.parametrize("right", [0, 1000])
def test_where_all_answers_are_alike_there_are_still_probabilities(right: int) -> None:
    view = NormView(snapshot_of(items={"i": of(right, 1000)}, components={"k": of(right, 1000)}))
    p = Mastery(EMPTY, view).predict(Row(), "i", ["k"])
    assert 0 < p < 1


def test_the_outlook_knows_of_components_that_norms_say_are_easy() -> None:
    counts = AnswerCounts.of(row_batch_of(row_of({"new": (2, 2)}), row_of({FRACTIONS: (2, 2)})))
    easy, hard = Mastery(EMPTY, VIEW).of_components(counts)
    assert easy > hard
    assert np.all(np.diff(Mastery(EMPTY, VIEW).outlook(counts)) < 0)


def test_a_bank_of_before_reads_and_writes_as_it_did() -> None:
    stored = write_bank(BANK)
    assert b"learnt" not in stored
    assert read_bank(stored) == BANK
    learning = structs.replace(EMPTY, with_item=structs.replace(EMPTY_MODEL, learnt_items=0.9))
    assert read_bank(write_bank(learning)) == learning
