"""For how long a record has waited, read off samples of where its partition ended."""

from bisect import bisect_right
from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.health.lag.history import MAX_POINTS, EndHistory

GAPS_S = st.lists(st.floats(0.001, 100), min_size=2, max_size=60)


@settings(max_examples=60)
@given(appended_after_s=GAPS_S, sampled_after_s=GAPS_S)
def test_an_estimate_is_within_the_two_samples_between_which_the_record_came(
    appended_after_s: list[float], sampled_after_s: list[float]
) -> None:
    appended_s, sampled_s = list(accumulate(appended_after_s)), list(accumulate(sampled_after_s))
    ends = [bisect_right(appended_s, at_s) for at_s in sampled_s]
    history, now_s = EndHistory(), sampled_s[-1]
    for at_s, end in zip(sampled_s, ends, strict=True):
        history.note(at_s, end, 0)

    for offset in range(ends[0], ends[-1]):
        before_s, after_s = next(
            (before_s, after_s)
            for (before_s, start), (after_s, end) in pairwise(zip(sampled_s, ends, strict=True))
            if start <= offset < end
        )
        waited_s = history.waited_s(now_s, offset)
        assert waited_s is not None
        assert before_s - 1e-6 <= now_s - waited_s <= after_s + 1e-6
    for offset in range(ends[0]):
        assert history.waited_s(now_s, offset) is None, "it came before the first sample"
    assert history.waited_s(now_s, ends[-1]) == 0.0


@settings(max_examples=40)
@given(grown=st.lists(st.integers(0, 50), min_size=1, max_size=400), limit=st.integers(4, MAX_POINTS))
def test_it_is_bounded_and_an_older_record_never_waited_less(grown: list[int], limit: int) -> None:
    history, end = EndHistory(limit), 0
    for second, more in enumerate(grown):
        end += more
        history.note(float(second), end, 0)
        assert len(history) <= limit

    waited = [history.waited_s(float(len(grown)), offset) for offset in range(grown[0], end)]
    known = [seconds for seconds in waited if seconds is not None]
    assert len(known) == len(waited)
    assert known == sorted(known, reverse=True)
    assert all(0 <= seconds <= len(grown) for seconds in known)


def test_where_points_are_forgotten_an_outage_of_days_is_known_to_the_minute() -> None:
    history, now_s, end = EndHistory(), 0.0, 0
    while now_s < 3 * 86_400:  # a school's day: nothing at night
        now_s += 60
        end += 600 if now_s % 86_400 > 43_200 else 0
        history.note(now_s, end, 0)

    assert len(history) <= MAX_POINTS
    for offset, appended_s in ((1, 43_260), (215_999, 64_800), (432_000, 129_600), (432_001, 129_660)):
        waited_s = history.waited_s(now_s, offset)
        assert waited_s is not None
        assert abs(now_s - waited_s - appended_s) <= 120, offset


def test_what_was_read_is_forgotten_and_what_waits_is_not() -> None:
    history = EndHistory()
    for second in range(1_000):
        history.note(float(second), end=10 * second, next_offset=max(0, 10 * second - 25))

    assert len(history) <= 4
    assert history.waited_s(1_000.0, 9_970) == 3.0


def test_a_partition_that_stood_still_before_the_record_came_does_not_make_it_older() -> None:
    history = EndHistory()
    for second in range(100):
        history.note(float(second), end=5, next_offset=5)
    history.note(100.0, end=6, next_offset=5)

    assert history.waited_s(110.0, 5) == 11.0


def test_a_record_from_before_the_first_sample_is_as_old_as_it_says_itself() -> None:
    history = EndHistory()
    history.note(1_000.0, end=100, next_offset=40)
    assert not history.is_sampled(40)
    assert history.waited_s(1_000.0, 40) is None

    history.seed(1_000.0, 40, age_s=600.0)
    assert history.waited_s(1_000.0, 40) == 600.0
    assert history.waited_s(1_000.0, 70) == 300.0, "between them, until that one is asked, too"
    assert history.waited_s(1_000.0, 39) is None
    history.note(1_005.0, end=110, next_offset=100)
    assert history.is_sampled(100)
    assert history.waited_s(1_005.0, 100) == 5.0


def test_a_record_that_says_it_is_of_the_future_is_as_old_as_the_first_sample() -> None:
    history = EndHistory()
    history.note(1_000.0, end=100, next_offset=40)
    history.seed(1_060.0, 40, age_s=0.0)

    assert history.waited_s(1_060.0, 40) == 60.0


def test_a_topic_that_begins_anew_has_no_history() -> None:
    history = EndHistory()
    history.note(0.0, end=100, next_offset=0)
    history.note(5.0, end=3, next_offset=0)

    assert history.waited_s(6.0, 50) == 0.0
    assert history.waited_s(6.0, 2) is None
