"""The search for the highest rate within a bound."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.latency.sustainable import LADDER, highest


@given(st.integers(0, len(LADDER)))
def test_bisection_finds_the_highest_rate_within_the_bound_in_few_trials(well: int) -> None:
    tried: set[int] = set()

    def p99_ms(rate: int) -> float:
        tried.add(rate)
        return 99.0 if rate in LADDER[:well] else float("inf")

    assert highest(p99_ms, 100) == (LADDER[well - 1] if well else 0)
    assert len(tried) <= 6


def test_the_ladder_rises_by_about_a_seventh() -> None:
    steps = [above / below for below, above in pairwise(LADDER)]
    assert min(steps) > 1.1
    assert max(steps) < 1.2
