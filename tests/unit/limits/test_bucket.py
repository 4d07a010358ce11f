"""One bucket with its window: equal to the model in exact fractions, never over, all of it used, exact waits."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.limits.bucket import Bucket, calls_per_hour, calls_per_minute, tokens_per_minute
from streams.limits.ledger import Admitted, LimitLedger, Refused
from tests.unit.limits.model import ModelBucket
from tests.unit.limits.promise import is_honoured, most_in_any_window

NOW_US = 1_800_000_000_000_000
MINUTE_US = 60_000_000

buckets = st.builds(
    Bucket,
    st.just("calls"),
    limit=st.integers(1, 200),
    window_s=st.integers(1, 3600),
    burst=st.none() | st.integers(1, 300),
    pace=st.integers(0, 8),
)
# Rates of which a unit takes whole microseconds, so that nothing is rounded and the two must agree to the microsecond.
whole_buckets = st.builds(
    Bucket,
    st.just("calls"),
    limit=st.sampled_from([1, 2, 4, 5, 8, 10, 20]),
    window_s=st.integers(1, 4),
    burst=st.none() | st.integers(1, 9),
    pace=st.sampled_from([0, 1, 2, 4, 5]),
)


def full(*kept: Bucket) -> LimitLedger:
    ledger = LimitLedger(kept, NOW_US)
    ledger.fill(NOW_US)
    return ledger


def eager(ledger: LimitLedger, until_us: int, now_us: int = NOW_US) -> list[tuple[int, int]]:
    """Grants of someone who asks again at the very microsecond that each refusal names."""
    log = []
    while now_us <= until_us:
        answer = ledger.reserve([1] * len(ledger.buckets), now_us)
        if isinstance(answer, Admitted):
            log.append((now_us, 1))
        else:
            now_us += answer.retry_after_us
    return log


@settings(max_examples=60)
@given(whole_buckets, st.lists(st.integers(0, 1_500_000) | st.sampled_from([0, 1]), max_size=40))
def test_the_ledger_grants_what_the_model_in_exact_fractions_grants(bucket: Bucket, gaps_us: list[int]) -> None:
    ledger, model, now_us = full(bucket), ModelBucket(bucket, NOW_US), NOW_US
    for gap_us in gaps_us:
        now_us += 1 + gap_us  # at one microsecond there is one grant
        answer = ledger.reserve([1], now_us)
        assert isinstance(answer, Admitted) == model.admits(now_us)
        if isinstance(answer, Refused):
            now_us += answer.retry_after_us
            assert not model.admits(now_us - 1)
            assert model.admits(now_us)
            assert isinstance(ledger.reserve([1], now_us), Admitted)
        model.take(now_us)


@settings(max_examples=60)
@given(buckets, st.lists(st.integers(0, 20_000_000), max_size=200))
def test_no_window_ever_admits_more_than_the_limit(bucket: Bucket, gaps_us: list[int]) -> None:
    ledger, now_us, log = full(bucket), NOW_US, []
    for gap_us in gaps_us:
        now_us += gap_us
        if isinstance(ledger.reserve([1], now_us), Admitted):
            log.append((now_us, 1))
    assert is_honoured(log, bucket)


@settings(max_examples=30)
@given(buckets, st.sampled_from(["empty", "full"]))
def test_the_keenest_caller_gets_the_whole_limit_in_every_window(bucket: Bucket, start: str) -> None:
    ledger = LimitLedger([bucket], NOW_US) if start == "empty" else full(bucket)
    log = eager(ledger, NOW_US + 3 * bucket.counted_us)
    assert is_honoured(log, bucket)
    assert sum(at_us > NOW_US + 2 * bucket.counted_us for at_us, _ in log) >= bucket.limit - 1
    assert most_in_any_window(log, bucket.counted_us + 1) >= bucket.limit


def test_the_minute_alone_is_used_up_when_saturated() -> None:
    log = eager(full(calls_per_minute(50)), NOW_US + 60 * MINUTE_US)
    assert most_in_any_window(log, MINUTE_US) == 50
    assert len(log) >= 0.995 * 50 * 60


@pytest.mark.parametrize("spending", ["even", "burst"])
def test_the_hour_is_used_up_in_the_second_to_fourth_hour_of_a_day(spending: str) -> None:
    ledger = full(calls_per_minute(50), calls_per_hour(500, "even" if spending == "even" else "burst"))
    hours = [(at_us - NOW_US) / 3.6e9 for at_us, _ in eager(ledger, NOW_US + 4 * 3_600_000_000)]
    assert sum(1 <= hour < 4 for hour in hours) >= 0.995 * 1500
    silence_s = max(after - before for before, after in pairwise(hours)) * 3600
    assert (silence_s <= 60) == (spending == "even")


def test_a_class_of_thirty_that_ends_at_once_after_an_idle_hour_is_served_within_a_minute() -> None:
    ledger = full(calls_per_minute(50), calls_per_hour(500))
    log = eager(ledger, NOW_US + MINUTE_US)[:30]
    free_at_us = [NOW_US] * 4  # four calls at once, of two seconds each
    for granted_us, _ in log:
        free_at_us.sort()
        free_at_us[0] = max(free_at_us[0], granted_us) + 2_000_000
    assert len(log) == 30
    assert max(free_at_us) <= NOW_US + MINUTE_US


def test_no_short_window_of_the_provider_sees_more_than_four_times_the_rate() -> None:
    log = eager(full(calls_per_minute(50)), NOW_US + 3 * MINUTE_US)
    assert most_in_any_window(log, 1_499_999) == 5
    assert most_in_any_window(log, 10_000_000) <= 5 + 4 * 50 / 6


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 50])
def test_small_limits_hold_and_do_not_starve(limit: int) -> None:
    bucket = Bucket("calls", limit, 60, burst=5)
    log = eager(full(bucket), NOW_US + 10 * MINUTE_US)
    assert most_in_any_window(log, MINUTE_US) == limit
    assert len(log) >= 9 * limit


@settings(max_examples=60)
@given(buckets, st.integers(62, 1000), st.integers(0, 100))
def test_the_wait_is_exact_to_the_microsecond(bucket: Bucket, slowed_permille: int, spent: int) -> None:
    ledger, now_us = full(bucket), NOW_US
    ledger.slowed_permille = slowed_permille
    for _ in range(spent):
        ledger.reserve([1], now_us)
        now_us += 1
    refused = ledger.reserve([1], now_us)
    if isinstance(refused, Admitted):
        return
    if slowed_permille == 1000:  # while slowed it may be sooner, as the rate grows meanwhile
        assert isinstance(ledger.reserve([1], now_us + refused.retry_after_us - 1), Refused)
    assert isinstance(ledger.reserve([1], now_us + refused.retry_after_us), Admitted)


def test_large_limits_keep_a_bounded_log_and_are_used_up() -> None:
    bucket = Bucket("calls", 6_000, 60)
    ledger = full(bucket)
    log = [(at_us, 1) for at_us in range(NOW_US, NOW_US + 130_000_000, 8_000)]
    granted = [entry for entry in log if isinstance(ledger.reserve([1], entry[0]), Admitted)]
    assert is_honoured(granted, bucket)
    assert len(granted) >= 0.995 * 12_000
    assert len(ledger.states[0].log) <= 1_001


@pytest.mark.parametrize(
    ("limit", "window_s", "burst"), [(0, 60, 5), (50, 0, 5), (50, 60, 0), (10**9, 60, 5), (10**9, 86_400, 5)]
)
def test_a_bucket_that_cannot_be_counted_is_refused(limit: int, window_s: int, burst: int) -> None:
    with pytest.raises(ValueError, match="Bucket"):
        Bucket("calls", limit, window_s, burst)


def test_the_usual_buckets() -> None:
    assert [each.charge_us(1) for each in (calls_per_minute(50), calls_per_hour(500))] == [1_200_000, 7_200_000]
    assert calls_per_hour(500).at_once == 100
    assert calls_per_hour(500, "burst").at_once == 500
    assert Fraction(tokens_per_minute(40_000).charge_us(40_000), MINUTE_US) == 1
    assert Bucket("tokens/day", 5_000_000, 86_400, unit="tokens").charge_us(1) == 17_280
