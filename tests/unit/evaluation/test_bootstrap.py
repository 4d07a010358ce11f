"""Intervals by drawing students again."""

import numpy as np
import pytest

from streams.evaluation.bootstrap import bootstrap, loss_difference
from streams.evaluation.predictions import Predictions
from tests.unit.evaluation.test_figures import drawn


def test_an_interval_surrounds_its_figure_and_is_as_wide_as_theory_says() -> None:
    outcome, p = drawn(1_000)
    low, high = bootstrap(Predictions.of(outcome, p), 200, 1)["observed"]

    error = np.sqrt(outcome.mean() * (1 - outcome.mean()) / 1_000)
    assert low < outcome.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_rows_of_one_student_are_drawn_together() -> None:
    outcome, p = drawn(200)
    alone = bootstrap(Predictions.of(outcome, p), 200)["observed"]
    repeated = Predictions.of(np.repeat(outcome, 9), np.repeat(p, 9), student=np.repeat(np.arange(200), 9).astype(str))
    together = bootstrap(repeated, 200)["observed"]
    apart = bootstrap(Predictions.of(np.repeat(outcome, 9), np.repeat(p, 9)), 200)["observed"]

    assert np.ptp(together) == pytest.approx(np.ptp(alone), rel=0.05), "nine copies of a student say no more than one"
    assert np.ptp(apart) < np.ptp(together) / 2


def test_the_same_seed_gives_the_same_intervals_and_another_gives_others() -> None:
    predictions = Predictions.of(*drawn(100))

    assert bootstrap(predictions, 20, 1) == bootstrap(predictions, 20, 1) != bootstrap(predictions, 20, 2)
    assert bootstrap(predictions, 0) == {}
    assert bootstrap(Predictions.of([1.0], [0.5])) == {}


def test_a_figure_that_most_draws_lack_has_no_interval() -> None:
    assert "auc" not in bootstrap(Predictions.of(np.ones(20), np.linspace(0.1, 0.9, 20)), 20)


def test_a_better_prediction_has_a_lower_loss_and_its_gain_an_interval() -> None:
    outcome, p = drawn()
    predictions = Predictions.of(outcome, p)
    better, (low, high) = loss_difference(predictions, predictions.predicting(np.full(len(p), outcome.mean())), 50)

    assert low < better < high
    assert low > 0
    assert loss_difference(predictions, predictions, 50) == (0, (0, 0))
