"""Each figure against scikit-learn, or against values that can be worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from streams.evaluation.figures import card_figures, figures
from streams.evaluation.metrics import (
    Numbers,
    calibration_error_by_chance,
    calibration_slope,
    expected_calibration_error,
    midranks,
    spearman,
)
from streams.evaluation.predictions import EvaluationError, Predictions


def drawn(n: int = 2_000, seed: int = 0) -> tuple[Numbers, Numbers]:
    """Overconfident predictions, in steps of 0.01 so that many are equal, and what came of them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0, 1, n)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(float)
    return outcome, np.round(1 / (1 + np.exp(-1.6 * log_odds - 0.2)), 2)


def test_binary_figures_are_those_of_scikit_learn() -> None:
    outcome, p = drawn()
    found = figures(Predictions.of(outcome, p))

    certain = np.clip(p, 1e-6, 1 - 1e-6)
    log_odds = np.log(certain / (1 - certain))
    regression = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(log_odds[:, None], outcome)
    assert found["n"] == 2_000
    assert found["auc"] == pytest.approx(roc_auc_score(outcome, p))
    assert found["log_loss"] == pytest.approx(log_loss(outcome, p))
    assert found["brier"] == pytest.approx(brier_score_loss(outcome, p))
    assert found["slope"] == pytest.approx(regression.coef_[0, 0], abs=1e-4)
    assert found["slope"] < 0.75, "what is overconfident has a slope below 1"
    assert found["predicted"] == pytest.approx(p.mean())
    assert found["observed"] == pytest.approx(outcome.mean())


def test_intervals_of_continuous_outcomes_have_known_figures() -> None:
    predictions = Predictions.of(
        [0.5, 0.9, 0.1, 0.5], [0.5, 0.5, 0.5, 0.5], low=[0.4, 0.4, 0.4, np.nan], high=[0.6, 0.6, 0.6, np.nan]
    )
    found = figures(predictions)

    assert found["coverage"] == pytest.approx(1 / 3), "the row without an interval does not count"
    assert found["width"] == pytest.approx(0.2)
    assert found["interval_score"] == pytest.approx(0.2 + (0 + 20 * 0.3 + 20 * 0.3) / 3)
    assert found["brier"] == pytest.approx((0.16 + 0.16) / 4)
    assert not {"auc", "log_loss"} & found.keys(), "a continuous outcome has neither"


def test_an_interval_of_a_probability_is_not_asked_to_cover_an_outcome_of_0_or_1() -> None:
    found = figures(Predictions.of([0.0, 1.0], [0.2, 0.7], low=[0.1, 0.6], high=[0.3, 0.8]))

    assert found["width"] == pytest.approx(0.2)
    assert not {"coverage", "interval_score"} & found.keys()


def test_continuous_outcomes_stay_so_in_a_group_of_ones() -> None:
    predictions = Predictions.of([1.0, 1.0, 0.4], [0.9, 0.8, 0.5], low=[0.7, 0.6, 0.3], high=[1.0, 0.9, 0.6])
    ones = figures(predictions.at(np.array([True, True, False])))

    assert ones["coverage"] == 0.5
    assert "log_loss" not in ones


def test_figures_that_are_not_defined_are_left_out() -> None:
    assert "auc" not in figures(Predictions.of(np.ones(5), np.full(5, 0.5)))
    assert "slope" not in figures(Predictions.of([0, 1, 1], [0.5, 0.5, 0.5])), "all p are equal"
    assert "slope" not in figures(Predictions.of([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])), "p separates them"
    assert figures(Predictions.of([], [])) == {}


@pytest.mark.parametrize(("wrong", "ece"), [(0.0, 0.0), (0.25, 0.25)])
def test_calibration_error_is_the_distance_of_probability_from_frequency(wrong: float, ece: float) -> None:
    p = np.repeat(np.linspace(0.05, 0.65, 10), 1_000)
    outcome = np.concatenate([np.arange(1_000) < round(1_000 * q) for q in np.linspace(0.05, 0.65, 10)]).astype(float)
    assert expected_calibration_error(outcome, p + wrong) == pytest.approx(ece, abs=1e-3)


def test_calibration_error_by_chance_is_what_exact_probabilities_come_to() -> None:
    rng = np.random.default_rng(5)
    p = rng.random(500)
    drawn_again = [expected_calibration_error((rng.random(500) < p).astype(float), p) for _ in range(200)]

    assert calibration_error_by_chance(p) == pytest.approx(np.mean(drawn_again), rel=0.1)
    assert calibration_error_by_chance(np.repeat(p, 4)) == pytest.approx(calibration_error_by_chance(p) / 2)


def test_a_constant_that_is_right_on_average_is_calibrated_however_the_rows_are_ordered() -> None:
    assert expected_calibration_error(np.sort(drawn()[0]), np.full(2_000, drawn()[0].mean())) == pytest.approx(0)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=1, max_size=40), st.randoms())
def test_the_order_of_rows_changes_nothing(rows: list[tuple[bool, int]], random: object) -> None:
    def of(some: list[tuple[bool, int]]) -> dict[str, float]:
        return figures(Predictions.of([float(success) for success, _ in some], [p / 10 for _, p in some]))

    shuffled = sorted(rows, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert of(shuffled) == pytest.approx(of(rows), abs=1e-6)


def test_slope_is_of_fractions_too() -> None:
    p = np.linspace(0.1, 0.9, 50)
    outcome = 1 / (1 + np.exp(-0.5 * np.log(p / (1 - p))))
    assert calibration_slope(outcome, p) == pytest.approx(0.5)


def test_ranks_are_shared_by_equal_values() -> None:
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([9.0, 4.0, 1.0])) == pytest.approx(-1)
    assert math.isnan(spearman(np.ones(3), np.arange(3.0)))


def test_a_card_has_figures_rounded_and_named() -> None:
    assert card_figures(Predictions.of([0, 1, 1], [0.2, 1 / 3, 0.9]), suffix="_holdout")["brier_holdout"] == 0.1648


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"p": [0.5]}, "outcome has shape"),
        ({"p": [np.nan, 0.5]}, "p is not within"),
        ({"outcome": [0.0, 2.0]}, "outcome is not within"),
        ({"low": np.array([0.6, 0.1]), "high": np.array([0.5, 0.2])}, "wrong way round"),
        ({"subgroups": {"sex": np.array(["f"])}}, "sex has shape"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, object], says: str) -> None:
    with pytest.raises(EvaluationError, match=says):
        Predictions.of(**({"outcome": [0.0, 1.0], "p": [0.5, 0.5]} | columns))
