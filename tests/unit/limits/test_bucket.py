"""One bucket's arithmetic: never over in any window, never starving, exact waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.limits.bucket import Bucket, calls_per_hour, calls_per_minute
from tests.unit.limits.promise import is_honoured, most_in_any_window

NOW_US = 1_800_000_000_000_000
MINUTE_US = 60_000_000

buckets = st.builds(
    Bucket,
    st.just("calls"),
    limit=st.integers(1, 200),
    window_s=st.integers(1, 3600),
    burst=st.integers(1, 300),
)


def greedy(bucket: Bucket, tat_us: int, attempts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What the bucket grants of `attempts` (gap in µs, cost)."""
    now_us, log = NOW_US, []
    for gap_us, cost in attempts:
        now_us += gap_us
        taken = bucket.take(tat_us, cost, now_us)
        tat_us = taken.tat_us
        if taken.admitted:
            log.append((now_us, cost))
    return log


def eager(bucket: Bucket, tat_us: int, until_us: int) -> list[tuple[int, int]]:
    """Grants of someone who asks again at the very microsecond that each refusal names."""
    now_us, log = NOW_US, []
    while now_us <= until_us:
        taken = bucket.take(tat_us, 1, now_us)
        tat_us = taken.tat_us
        if taken.admitted:
            log.append((now_us, 1))
        else:
            now_us += taken.retry_after_us
    return log


def test_partial_refills_do_not_mint_calls() -> None:
    """Regression: a refill clock that stood still on partial refill admitted 600 calls under 50 a minute."""
    bucket = calls_per_minute(50)
    log = greedy(bucket, NOW_US, [(100_000, 1)] * 6000)

    assert 49 <= most_in_any_window(log, MINUTE_US) <= 50
    assert is_honoured(log, bucket)
    assert 445 <= len(log) <= 455  # ten minutes at 45 a minute, and the burst


@given(buckets, st.lists(st.tuples(st.integers(0, 20_000_000), st.integers(0, 7)), max_size=300))
def test_no_window_ever_admits_more_than_the_limit(bucket: Bucket, attempts: list[tuple[int, int]]) -> None:
    assert is_honoured(greedy(bucket, NOW_US, attempts), bucket)


@given(buckets)
def test_the_keenest_caller_gets_the_rate_and_never_more_than_the_limit(bucket: Bucket) -> None:
    log = eager(bucket, NOW_US, NOW_US + 3 * bucket.window_us)

    assert is_honoured(log, bucket)
    assert len(log) == bucket.depth + 3 * bucket.window_us // bucket.emission_us


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 50])
def test_small_limits_hold_whatever_burst_is_asked_for(limit: int) -> None:
    bucket = Bucket("calls", limit, 60, burst=5)
    log = eager(bucket, NOW_US, NOW_US + 10 * MINUTE_US)

    assert max(1, limit - 1) <= most_in_any_window(log, MINUTE_US) <= limit
    assert len(log) >= 10  # and they do not starve


@given(buckets, st.integers(0, 10**9), st.integers(1, 10))
def test_the_wait_is_exact_to_the_microsecond(bucket: Bucket, debt_us: int, cost: int) -> None:
    cost = min(cost, bucket.depth)
    refused = bucket.take(NOW_US + debt_us, cost, NOW_US)
    if refused.admitted:
        return
    ready_us = NOW_US + refused.retry_after_us

    assert refused.tat_us == NOW_US + debt_us
    assert bucket.take(refused.tat_us, cost, ready_us).admitted
    assert not bucket.take(refused.tat_us, cost, ready_us - 1).admitted


@given(buckets, st.integers(62, 1000))
def test_a_slowed_bucket_keeps_the_limit_and_still_admits(bucket: Bucket, rate_permille: int) -> None:
    now_us, tat_us, log = NOW_US, NOW_US, []
    for _ in range(3 * bucket.depth):
        taken = bucket.take(tat_us, 1, now_us, rate_permille)
        if not taken.admitted:
            now_us += taken.retry_after_us
            taken = bucket.take(tat_us, 1, now_us, rate_permille)
        assert taken.admitted
        tat_us = taken.tat_us
        log.append((now_us, 1))

    assert is_honoured(log, bucket)


def test_an_empty_bucket_admits_its_first_unit_after_one_emission() -> None:
    bucket = calls_per_hour(500)
    taken = bucket.take(bucket.empty_at(NOW_US), 1, NOW_US)

    assert not taken.admitted
    assert taken.retry_after_us == bucket.emission_us


@given(buckets, st.integers(1, 20))
def test_shares_together_stay_within_the_whole(bucket: Bucket, workers: int) -> None:
    share = bucket.share(workers)
    if share is None:
        assert bucket.limit < workers
        return

    assert share.limit * workers <= bucket.limit
    # Either no faster than the whole, or so slow that the first unit comes after a full window.
    assert share.emission_us >= (workers * bucket.window_us) / max(1, bucket.limit - bucket.depth) - 1 or (
        share.emission_us > bucket.window_us
    )


def test_the_default_shares_are_usable() -> None:
    share = calls_per_minute(50).share(4)

    assert share is not None
    assert share.limit == 12
    assert 60_000_000 / share.emission_us == pytest.approx(11, rel=1e-6)


@pytest.mark.parametrize(("limit", "window_s", "burst"), [(0, 60, 5), (50, 0, 5), (50, 60, 0), (10**9, 60, 5)])
def test_a_bucket_that_cannot_be_counted_is_refused(limit: int, window_s: int, burst: int) -> None:
    with pytest.raises(ValueError, match="Bucket"):
        Bucket("calls", limit, window_s, burst)
