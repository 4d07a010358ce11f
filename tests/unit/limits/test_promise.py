"""The check itself must be able to fail: it agrees with brute force, and finds what is planted."""

from hypothesis import given
from hypothesis import strategies as st

from streams.limits.bucket import Bucket
from tests.unit.limits.promise import GrantLog, is_honoured, most_in_any_window

logs = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 4)), max_size=40).map(sorted)


@given(logs, st.integers(1, 60))
def test_the_most_in_a_window_agrees_with_brute_force(log: GrantLog, window_us: int) -> None:
    brute = [sum(n for at, n in log if start <= at <= start + window_us) for start in range(201)]
    assert most_in_any_window(log, window_us) == max(brute)


def test_one_call_too_many_is_found() -> None:
    bucket = Bucket("calls", 3, 60)
    fair = [(0, 1), (30_000_000, 1), (60_000_000, 1)]

    assert is_honoured(fair, bucket)
    assert not is_honoured([*fair, (60_000_000, 1)], bucket)
