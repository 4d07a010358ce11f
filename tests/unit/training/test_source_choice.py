"""A source serves where the log loss of students not learnt from falls with it, and not by chance."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.training.source_choice import Choice, choose_sources

STUDENTS = 2_000
RNG = np.random.default_rng(5)
KNOWN: NDArray[np.float64] = RNG.normal(size=STUDENTS)
MORE: NDArray[np.float64] = RNG.normal(size=STUDENTS)
NOISE: NDArray[np.float64] = RNG.normal(size=STUDENTS)
OUTCOMES = (RNG.random(STUDENTS) < 1 / (1 + np.exp(-(0.5 + 1.5 * KNOWN + MORE)))).astype(float)


def choose(**columns: NDArray[np.float64]) -> Choice:
    students = np.arange(STUDENTS).astype(np.str_)
    return choose_sources(columns, OUTCOMES, np.ones(STUDENTS), students, np.arange(STUDENTS) % 5)


def test_a_source_that_says_more_stays_and_its_weight_is_the_true_one() -> None:
    choice = choose(known=KNOWN, more=MORE)

    assert choice.weights == pytest.approx({"known": 1.5, "more": 1.0}, abs=0.2)
    assert choice.intercept == pytest.approx(0.5, abs=0.2)
    gain, (low, high) = choice.gains["more"]
    assert 0 < low < gain < high


@pytest.mark.parametrize("second", [NOISE, KNOWN, np.zeros(STUDENTS)], ids=["noise", "the same", "nothing"])
def test_a_source_that_adds_nothing_has_no_weight(second: NDArray[np.float64]) -> None:
    choice = choose(known=KNOWN, second=second)

    assert choice.weights["second"] == 0 or choice.weights["known"] == 0
    assert max(choice.weights.values()) > 1
    ((gain, (low, _)),) = choice.gains.values()
    assert low <= 0
    assert abs(gain) < 0.002


def test_a_source_that_says_the_opposite_never_has_a_negative_weight() -> None:
    assert choose(opposite=-KNOWN).weights == {"opposite": 0.0}
