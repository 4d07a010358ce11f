"""Reservations over several buckets: refunds never mint budget, holds hold, the rate comes back."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.limits.bucket import Bucket, calls_per_hour, calls_per_minute, tokens_per_minute
from streams.limits.ledger import HOLD, MAX_OPEN, RESTORE_US, Admitted, LimitLedger, Refused
from tests.unit.limits.promise import is_honoured

NOW_US = 1_800_000_000_000_000
TOKENS = Bucket("tokens", 40, 1, burst=10, unit="tokens")  # 30 tokens a second: 33,334 µs each


def full(*buckets: Bucket) -> LimitLedger:
    ledger = LimitLedger(buckets, NOW_US)
    ledger.fill(NOW_US)
    return ledger


def reserved(ledger: LimitLedger, costs: list[int], now_us: int) -> Admitted:
    answer = ledger.reserve(costs, now_us)
    assert isinstance(answer, Admitted), answer
    return answer


def test_a_refusal_by_one_bucket_takes_nothing_from_the_others() -> None:
    ledger = full(calls_per_minute(50), tokens_per_minute(4000, burst=1000))
    reserved(ledger, [1, 1000], NOW_US)
    for _ in range(100):
        assert ledger.reserve([1, 1000], NOW_US) == Refused("tokens/minute", 20_000_000)
    for _ in range(4):
        reserved(ledger, [1, 0], NOW_US)
    assert isinstance(ledger.reserve([1, 0], NOW_US), Refused)


def test_the_bucket_that_makes_room_last_is_named() -> None:
    ledger = full(calls_per_minute(50), calls_per_hour(500))
    for _ in range(5):
        reserved(ledger, [1, 1], NOW_US)
    assert ledger.reserve([1, 1], NOW_US) == Refused("calls/hour", -(-3600_000_000 // 495))


def test_a_refund_does_not_return_what_waiting_has_already_regained() -> None:
    """10 reserved, refilled in full by the time they are refunded: the bucket holds 10, not 19."""
    ledger = full(TOKENS)
    first = reserved(ledger, [10], NOW_US)
    later_us = NOW_US + 1_000_000
    reserved(ledger, [1], later_us)
    ledger.settle(first.reservation, [-TOKENS.charge_us(9)], later_us)

    reserved(ledger, [9], later_us)
    assert isinstance(ledger.reserve([1], later_us), Refused)


def test_a_prompt_refund_comes_back_whole_and_only_once() -> None:
    ledger = full(TOKENS)
    first = reserved(ledger, [10], NOW_US)
    for _ in range(3):
        ledger.settle(first.reservation, [-TOKENS.charge_us(6)], NOW_US)

    reserved(ledger, [6], NOW_US)
    assert isinstance(ledger.reserve([1], NOW_US), Refused)


def test_use_beyond_the_reservation_is_owed() -> None:
    ledger = full(TOKENS)
    first = reserved(ledger, [10], NOW_US)
    ledger.settle(first.reservation, [TOKENS.charge_us(30)], NOW_US)

    assert ledger.reserve([1], NOW_US) == Refused("tokens", TOKENS.charge_us(31))


def test_abandoned_reservations_are_bounded_and_stay_spent() -> None:
    ledger = full(Bucket("calls", 10_000, 60, burst=1000))
    abandoned = [reserved(ledger, [1], NOW_US) for _ in range(MAX_OPEN + 1)]
    before = ledger.reserve([1000], NOW_US)
    ledger.settle(abandoned[0].reservation, [-6000], NOW_US)

    assert isinstance(before, Refused)
    assert ledger.reserve([1000], NOW_US) == before


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


@settings(deadline=None)
@given(steps)
def test_real_usage_never_exceeds_any_window_however_late_it_is_settled(
    schedule: list[tuple[int, int, int, int, bool]],
) -> None:
    ledger = full(TOKENS)
    now_us, log = NOW_US, []
    due: list[tuple[int, Admitted, int, int]] = []
    for step, (gap_us, tokens, used, delay, overloaded) in enumerate(schedule):
        now_us += gap_us
        for at_step, grant, cost, real in [d for d in due if d[0] <= step]:
            due.remove((at_step, grant, cost, real))
            delta = TOKENS.charge_us(real, grant.rate_permille) - TOKENS.charge_us(cost, grant.rate_permille)
            ledger.settle(grant.reservation, [delta], now_us)
        answer = ledger.reserve([tokens], now_us)
        if isinstance(answer, Admitted):
            log.append((now_us, min(used, tokens)))
            due.append((step + delay, answer, tokens, min(used, tokens)))
        if overloaded:
            ledger.hold(now_us + 100_000, now_us)

    assert is_honoured(log, TOKENS)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_after_any_refunds_the_state_is_as_if_only_real_usage_had_been_charged(seed: int, keep_open: int) -> None:
    bucket = Bucket("tokens", 4000, 1, burst=1000, unit="tokens")
    rng, ledger, now_us = random.Random(seed), full(bucket), NOW_US
    used: dict[int, tuple[int, int]] = {}
    reservations: dict[int, int] = {}
    for _ in range(100):
        now_us += rng.choice([0, 1000, 20_000, 150_000])
        cost = rng.randrange(1, 200)
        answer = ledger.reserve([cost], now_us)
        if isinstance(answer, Admitted):
            used[answer.reservation] = (now_us, cost)
            reservations[answer.reservation] = cost
        if len(reservations) > rng.randrange(keep_open):
            reservation = rng.choice(list(reservations))
            reserved_cost = reservations.pop(reservation)
            real = rng.randrange(reserved_cost + 1)
            ledger.settle(reservation, [-bucket.charge_us(reserved_cost - real)], now_us)
            used[reservation] = (used[reservation][0], real)

    tat_us = NOW_US
    for at_us, real in used.values():
        tat_us = max(tat_us, at_us) + bucket.charge_us(real)
    whole_burst = ledger.reserve([bucket.depth], now_us)
    debt_us = whole_burst.retry_after_us if isinstance(whole_burst, Refused) else 0
    assert debt_us == max(0, tat_us - now_us)


def test_refunds_let_real_usage_reach_the_rate() -> None:
    """Reserve 10, use 2, settle a little later, without end: what is refunded must be spendable."""
    ledger = full(TOKENS)
    now_us, used = NOW_US, 0
    for _ in range(1000):
        answer = ledger.reserve([10], now_us)
        if isinstance(answer, Admitted):
            used += 2
            ledger.settle(answer.reservation, [-TOKENS.charge_us(8)], now_us + 5_000)
        now_us += 10_000

    assert 0.9 * 30 * 10 <= used <= 30 * 10 + 10


def test_a_hold_refuses_until_its_end_and_the_longest_one_wins() -> None:
    ledger = full(calls_per_minute(50))
    ledger.hold(NOW_US + 20_000_000, NOW_US)
    ledger.hold(NOW_US + 3_000_000, NOW_US)

    assert ledger.reserve([1], NOW_US + 5_000_000) == Refused(HOLD, 15_000_000)
    reserved(ledger, [1], NOW_US + 20_000_000)


def test_overload_halves_the_rate_once_a_hold_and_restores_it_in_even_steps() -> None:
    ledger = full(calls_per_minute(50))
    for _ in range(10):  # ten calls in flight learn of the same overload
        ledger.hold(NOW_US + 1_000_000, NOW_US)
    rates = [ledger.rate_permille(NOW_US + i * RESTORE_US // 10) for i in range(8)]
    assert rates == [500, 600, 700, 800, 900, 1000, 1000, 1000]

    ledger.hold(NOW_US + RESTORE_US + 1, NOW_US + RESTORE_US)
    ledger.hold(NOW_US + RESTORE_US + 3, NOW_US + RESTORE_US + 2)
    assert ledger.rate_permille(NOW_US + RESTORE_US + 2) == 250


def test_a_halved_rate_admits_half_as_many() -> None:
    def granted(ledger: LimitLedger) -> int:
        return sum(isinstance(ledger.reserve([1], NOW_US + i * 10_000), Admitted) for i in range(1000))

    whole, halved = full(Bucket("calls", 110, 1, burst=10)), full(Bucket("calls", 110, 1, burst=10))
    halved.hold(NOW_US, NOW_US)

    usual = granted(whole)

    assert 0.45 * usual < granted(halved) < 0.6 * usual
