"""What saw labels has to carry a score, not to be a part of it."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.scoring.fusion import Fused
from streams.scoring.validated import is_validated

LOG_ODDS = st.floats(-12, 12)


def validated(log_odds: Mapping[str, float], absent: str = "") -> bool:
    """Whether a score is that is made of these log-odds; the model alone saw labels."""
    nothing = np.zeros((1, 1))
    fused = Fused(
        *(nothing,) * 4,
        log_odds={name: np.full((1, 1), value) for name, value in log_odds.items()},
        carries={name: np.full((1, 1), name != absent) for name in log_odds},
    )
    return bool(is_validated(fused, {"model"}, np.nonzero(nothing == 0))[0])


@pytest.mark.parametrize(
    ("model", "behaviour", "expected"),
    [(1.0, 0.9, True), (-1.0, 0.9, True), (1.0, -1.1, False), (0.2, 0.9, False), (0.0, 0.0, True), (0.0, 0.1, False)],
)
def test_a_score_is_validated_where_the_trained_source_adds_at_least_half(
    model: float, behaviour: float, expected: bool
) -> None:
    assert validated({"model": model, "behaviour": behaviour}) is expected


def test_a_trained_source_that_is_absent_validates_nothing() -> None:
    assert not validated({"model": 0.0, "language": 0.0}, absent="model")
    assert not validated({"language": 0.3})


@given(LOG_ODDS, LOG_ODDS, LOG_ODDS)
def test_sources_that_contradict_each_other_do_not_cancel_out(model: float, language: float, behaviour: float) -> None:
    found = validated({"model": model, "language": language, "behaviour": behaviour})

    assert found == (abs(model) >= abs(language) + abs(behaviour))
