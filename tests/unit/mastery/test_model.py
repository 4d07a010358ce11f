"""Predictions from a row and a bank: the formula, and what is unknown."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from streams.mastery.bank import OutlookModel
from streams.mastery.counts import AnswerCounts, Questions
from streams.mastery.model import Mastery
from streams.rows.row import Row
from streams.rows.row_batch import RowBatch
from tests.events import row_batch_of
from tests.unit.mastery.banks import ANGLES, BANK, FRACTIONS, row_of

MASTERY = Mastery(BANK)
NAMES = (FRACTIONS, ANGLES, "unknown")
counts_of = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=3)


def log_odds(p: float) -> float:
    return math.log(p / (1 - p))


def test_the_formula_is_that_of_the_docstring() -> None:
    row = row_of({FRACTIONS: (3, 1), ANGLES: (0, 2)})
    each = [
        -0.4 + (0.5 + 0.0625) * math.log(4) + (-0.25 - 0.05) * math.log(2),
        0.7 + 0.5 * math.log(1) - 0.25 * math.log(3),
    ]
    overall = 0.125 * math.log(4) - 0.3 * math.log(4)

    assert log_odds(MASTERY.predict(row, "hard", [FRACTIONS, ANGLES])) == pytest.approx(
        0.2 - 1.5 + sum(each) / 2 + overall
    )
    assert log_odds(MASTERY.predict(row, None, [FRACTIONS])) == pytest.approx(0.35 + each[0] + overall)


def test_an_item_of_an_unknown_name_is_as_hard_as_its_components() -> None:
    row = row_of({FRACTIONS: (1, 1)})
    assert MASTERY.predict(row, "never seen", [FRACTIONS]) == MASTERY.predict(row, None, [FRACTIONS])
    assert MASTERY.predict(row, "hard", [FRACTIONS]) < MASTERY.predict(row, "easy", [FRACTIONS])


def test_an_unknown_component_is_the_usual_one_and_its_counts_count() -> None:
    nothing = MASTERY.predict(Row(), None, ["unknown"])
    assert log_odds(nothing) == pytest.approx(0.35 - 0.1)
    assert MASTERY.predict(row_of({"unknown": (4, 0)}), None, ["unknown"]) > nothing


@pytest.mark.parametrize("most", [-100.0, 100.0])
def test_a_bank_of_the_largest_coefficients_still_gives_probabilities(most: float) -> None:
    whole = dict.fromkeys(("intercept", "wins", "fails", "untouched", "all_wins", "all_fails"), most)
    model = structs.replace(BANK.without_item, **whole)
    outlook = structs.replace(BANK.outlook, **dict.fromkeys(OutlookModel.__struct_fields__, most))
    mastery = Mastery(structs.replace(BANK, without_item=model, outlook=outlook))
    counts = AnswerCounts.of(RowBatch.of_rows([row_of({ANGLES: (40, 40), FRACTIONS: (30, 0)})], ()))

    for found in (mastery.of_components(counts), mastery.outlook(counts)):
        assert np.all((found >= 0) & (found <= 1))


def test_without_components_all_answers_decide() -> None:
    assert log_odds(MASTERY.predict(row_of({ANGLES: (2, 0)}), None, [])) == pytest.approx(0.35 + 0.125 * math.log(3))


def test_a_component_that_is_named_twice_counts_once() -> None:
    row = row_of({FRACTIONS: (1, 0)})
    assert MASTERY.predict(row, None, [FRACTIONS, FRACTIONS, ANGLES]) == MASTERY.predict(row, None, [FRACTIONS, ANGLES])


@settings(max_examples=25, deadline=None)
@given(many=st.lists(counts_of, min_size=1, max_size=4), names=st.lists(st.sampled_from(NAMES), max_size=3))
def test_a_row_has_the_same_prediction_in_any_batch(
    many: list[dict[str, tuple[int, int]]], names: Sequence[str]
) -> None:
    rows = [row_of(counts) for counts in many]
    questions = Questions.of(range(len(rows)), ["hard"] * len(rows), [names] * len(rows))

    together = MASTERY.predict_many(AnswerCounts.of(row_batch_of(*rows)), questions)

    assert together.tolist() == pytest.approx([MASTERY.predict(row, "hard", names) for row in rows], abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(counts=counts_of, name=st.sampled_from(NAMES))
def test_a_win_never_lowers_and_a_fail_never_raises_what_is_predicted(
    counts: dict[str, tuple[int, int]], name: str
) -> None:
    wins, fails = counts.setdefault(name, (1, 0))
    before = MASTERY.predict(row_of(counts), None, [name])
    won = counts | {name: (wins + 1, fails)}
    lost = counts | {name: (wins, fails + 1)}

    assert MASTERY.predict(row_of(won), None, [name]) > before > MASTERY.predict(row_of(lost), None, [name])
    assert outlook({FRACTIONS: (5, 1)}) > outlook({FRACTIONS: (1, 5)})


def outlook(counts: dict[str, tuple[int, int]]) -> float:
    return float(MASTERY.outlook(AnswerCounts.of(row_batch_of(row_of(counts))))[0])


def test_the_outlook_of_nobody_is_unknown() -> None:
    found = MASTERY.outlook(AnswerCounts.of(row_batch_of(Row(), row_of({ANGLES: (1, 0)}))))
    assert np.isnan(found).tolist() == [True, False]


def test_intervals_lie_within_0_and_1_and_narrow_with_answers() -> None:
    counts = AnswerCounts.of(row_batch_of(row_of({FRACTIONS: (2, 0)}), row_of({ANGLES: (3, 2)})))
    low, high = MASTERY.intervals(counts, np.array([0.9, 0.5]))
    assert low.tolist() == pytest.approx([0.55, 0.25])
    assert high.tolist() == pytest.approx([1.0, 0.75])


def test_no_rows_have_no_predictions() -> None:
    counts = AnswerCounts.of(RowBatch.of([], ()))
    assert MASTERY.of_components(counts).shape == (0,)
    assert MASTERY.outlook(counts).shape == (0,)
