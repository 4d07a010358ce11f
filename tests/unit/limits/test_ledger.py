"""Reservations over several buckets: refunds give back what was not used, holds hold, the rate comes back."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.limits.bucket import Bucket, calls_per_hour, calls_per_minute, tokens_per_minute
from streams.limits.ledger import HOLD, RESTORE_US, Admitted, LimitLedger, Portion, Refused, most_granted
from tests.unit.limits.promise import is_honoured

NOW_US = 1_800_000_000_000_000
TOKENS = Bucket("tokens", 40, 1, unit="tokens")


def full(*buckets: Bucket) -> LimitLedger:
    ledger = LimitLedger(buckets, NOW_US)
    ledger.fill(NOW_US)
    return ledger


def reserved(ledger: LimitLedger, costs: list[int], now_us: int) -> int:
    answer = ledger.reserve(costs, now_us)
    assert isinstance(answer, Admitted), answer
    return answer.reservation


def test_a_refusal_by_one_bucket_takes_nothing_from_the_others() -> None:
    ledger = full(Bucket("calls", 5, 60), tokens_per_minute(4000))
    reserved(ledger, [1, 4000], NOW_US)
    for _ in range(100):
        assert ledger.reserve([1, 1000], NOW_US) == Refused("tokens/minute", 60_200_001)
    for _ in range(4):
        reserved(ledger, [1, 0], NOW_US)
    assert isinstance(ledger.reserve([1, 0], NOW_US), Refused)


def test_the_bucket_that_makes_room_last_is_named() -> None:
    ledger = full(Bucket("calls/minute", 5, 60), calls_per_hour(5, "burst"))
    for _ in range(5):
        reserved(ledger, [1, 1], NOW_US)
    assert ledger.reserve([1, 1], NOW_US) == Refused("calls/hour", 3_601_000_001)


def test_a_refund_comes_back_whole_and_only_while_the_grant_counts() -> None:
    ledger = full(TOKENS)
    first = reserved(ledger, [40], NOW_US)
    ledger.settle(first, [40], [34], NOW_US)
    reserved(ledger, [6], NOW_US)
    assert isinstance(ledger.reserve([1], NOW_US), Refused)
    later_us = NOW_US + 1_100_000
    reserved(ledger, [40], later_us)
    ledger.settle(first, [34], [0], later_us)
    assert isinstance(ledger.reserve([1], later_us), Refused)


def test_use_beyond_the_reservation_is_owed_but_never_more_than_a_window() -> None:
    ledger = full(TOKENS)
    first = reserved(ledger, [10], NOW_US)
    ledger.settle(first, [10], [10_000_000], NOW_US)

    refused = ledger.reserve([1], NOW_US)
    assert isinstance(refused, Refused)
    assert 1_000_000 <= refused.retry_after_us <= 2_000_000


steps = st.lists(
    st.tuples(
        st.integers(0, 300_000),  # gap in µs
        st.integers(1, 10),  # tokens to reserve
        st.integers(0, 10),  # tokens used, at most those reserved
        st.integers(1, 6),  # steps until settled
        st.sampled_from([False] * 19 + [True]),  # 429?
    ),
    max_size=120,
)


@settings(max_examples=50)
@given(steps, st.sampled_from([40, 1500]))
def test_real_usage_never_exceeds_any_window_however_late_it_is_settled(
    schedule: list[tuple[int, int, int, int, bool]], limit: int
) -> None:
    bucket = Bucket("tokens", limit, 1, unit="tokens")
    ledger = full(bucket)
    now_us, log = NOW_US, []
    due: list[tuple[int, int, int, int]] = []
    for step, (gap_us, tokens, used, delay, overloaded) in enumerate(schedule):
        now_us += gap_us
        for at_step, reservation, cost, real in [d for d in due if d[0] <= step]:
            due.remove((at_step, reservation, cost, real))
            ledger.settle(reservation, [cost], [real], now_us)
        answer = ledger.reserve([tokens], now_us)
        if isinstance(answer, Admitted):
            log.append((now_us, min(used, tokens)))
            due.append((step + delay, answer.reservation, tokens, min(used, tokens)))
        if overloaded:
            ledger.hold(100_000, now_us)

    assert is_honoured(log, bucket)


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_after_any_refunds_the_window_is_as_if_only_real_usage_had_been_charged(seed: int) -> None:
    bucket = Bucket("tokens", 900, 60, unit="tokens")
    rng, ledger, now_us, used = random.Random(seed), full(bucket), NOW_US, 0
    for _ in range(60):
        now_us += rng.choice([0, 1000, 20_000, 150_000])
        cost = rng.randrange(1, 40)
        answer = ledger.reserve([cost], now_us)
        if isinstance(answer, Admitted):
            real = rng.randrange(cost + 1)
            ledger.settle(answer.reservation, [cost], [real], now_us + rng.randrange(1000))
            used += real
    if used < 900:
        assert isinstance(ledger.reserve([900 - used], now_us + 1000), Admitted)
    assert isinstance(ledger.reserve([1], now_us + 1000), Refused)


def test_refunds_let_real_usage_reach_the_limit() -> None:
    """Reserve 10, use 2, settle a little later, without end: what is refunded must be spendable."""
    ledger, now_us, used = full(TOKENS), NOW_US, 0
    for _ in range(1000):
        answer = ledger.reserve([10], now_us)
        if isinstance(answer, Admitted):
            used += 2
            ledger.settle(answer.reservation, [10], [2], now_us + 5_000)
        now_us += 10_000

    assert 0.75 * 40 * 10 <= used <= 40 * 11


def test_a_hold_refuses_until_its_end_and_the_longest_one_wins() -> None:
    ledger = full(calls_per_minute(50))
    ledger.hold(20_000_000, NOW_US)
    ledger.hold(3_000_000, NOW_US)

    assert ledger.reserve([1], NOW_US + 5_000_000) == Refused(HOLD, 15_000_000)
    reserved(ledger, [1], NOW_US + 20_000_000)


def test_overload_halves_the_rate_once_a_hold_and_restores_it_in_even_steps() -> None:
    ledger = full(calls_per_minute(50))
    for _ in range(10):  # ten calls in flight learn of the same overload
        ledger.hold(1_000_000, NOW_US)
    rates = [ledger.rate_permille(NOW_US + i * RESTORE_US // 10) for i in range(8)]
    assert rates == [500, 600, 700, 800, 900, 1000, 1000, 1000]

    ledger.hold(1, NOW_US + RESTORE_US)
    ledger.hold(1, NOW_US + RESTORE_US + 2)
    assert ledger.rate_permille(NOW_US + RESTORE_US + 2) == 250


def test_a_halved_rate_admits_half_as_many() -> None:
    def granted(ledger: LimitLedger) -> int:
        return sum(isinstance(ledger.reserve([1], NOW_US + i * 10_000), Admitted) for i in range(1000))

    whole, halved = full(Bucket("calls", 50, 1)), full(Bucket("calls", 50, 1))
    halved.hold(0, NOW_US)

    usual = granted(whole)

    assert 0.45 * usual < granted(halved) < 0.6 * usual


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 7), st.integers(1, 3))
def test_parts_of_a_limit_together_never_exceed_it(limit: int, of: int, size: int) -> None:
    bucket = Bucket("calls", limit, 1, pace=4)
    held = [len(range(i, of, size)) for i in range(size)]
    ledgers, log = [full(bucket) for _ in range(size)], []
    for step in range(300):
        now_us = NOW_US + step * 9_000
        for ledger, portion in zip(ledgers, held, strict=True):
            if of > limit * portion:
                continue  # too small for one call
            if isinstance(ledger.reserve([1], now_us, [Portion(portion, of)]), Admitted):
                log.append((now_us, 1))
    assert is_honoured(log, bucket)


def test_what_can_have_been_granted_in_a_while() -> None:
    both = (calls_per_minute(50), calls_per_hour(500))
    assert [most_granted(both, each, 3_000_000) for each in both] == [50, 50]
    assert [most_granted(both, each, 60_000_000) for each in both] == [50, 100]
    assert [most_granted(both, each, 3_600_000_000) for each in both] == [50, 500]
