"""One suite, two backends: what a limiter promises holds in memory and in Redis alike, number for number."""

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.limits import (
    Bucket,
    Cost,
    CostTooLarge,
    Grant,
    Limiter,
    RateLimitExceeded,
    calls_per_hour,
    calls_per_minute,
    tokens_per_minute,
)
from tests.contract.limiters import MakeLimiter, attempt, client, clock, in_memory, in_redis, make, prefix
from tests.unit.limits.clock import ManualClock
from tests.unit.limits.promise import GrantLog, is_honoured

__all__ = ["client", "clock", "in_redis", "make", "prefix"]
SMALL = (Bucket("calls", 12, 2, burst=4), Bucket("tokens", 40, 1, unit="tokens"))
backends = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def test_a_new_limit_starts_empty_and_fills_at_its_full_rate(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([calls_per_minute(50)], clock)
    for _ in range(3):
        with pytest.raises(RateLimitExceeded) as refused:
            await limiter.acquire()
        assert refused.value.retry_after_s == 1.2
    clock.advance(us=1_199_999)
    assert isinstance(await attempt(limiter, Cost()), RateLimitExceeded)
    clock.advance(us=1)
    await limiter.acquire()


async def test_filled_on_purpose_it_grants_the_whole_limit_at_its_pace(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([calls_per_minute(50), calls_per_hour(500, "burst")], clock)
    await limiter.fill()
    began_us = clock.now_us
    for _ in range(10):
        for _ in range(5):
            await limiter.acquire()
        refused = await attempt(limiter, Cost())
        assert isinstance(refused, RateLimitExceeded)
        assert refused.retry_after_s >= 1.5  # five at once, four times the rate
        clock.advance(us=1_500_010)
    refused = await attempt(limiter, Cost())
    assert isinstance(refused, RateLimitExceeded)
    assert refused.bucket == "calls/minute"
    assert clock.now_us + round(refused.retry_after_s * 1e6) == began_us + 60_200_001  # exactly


async def test_beyond_a_fifth_of_the_hour_the_rest_is_spread(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([calls_per_hour(500)], clock)
    await limiter.fill()
    for _ in range(100):
        await limiter.acquire()
        clock.advance(us=1)
    refused = await attempt(limiter, Cost())
    assert isinstance(refused, RateLimitExceeded)
    assert refused.retry_after_s == pytest.approx(3601 / 401, abs=0.001)
    clock.advance(seconds=refused.retry_after_s)
    await limiter.acquire()


async def test_filling_forgets_nothing_that_was_granted(make: MakeLimiter, clock: ManualClock) -> None:
    """Regression: each worker that started with SKILLSTREAM_SEED_LIMITS minted a burst."""
    limiter = make([Bucket("calls", 2, 60)], clock)
    for _ in range(3):
        await limiter.fill()
        await attempt(limiter, Cost())
    assert isinstance(await attempt(limiter, Cost()), RateLimitExceeded)


async def test_all_buckets_are_taken_or_none(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([Bucket("calls", 5, 60), tokens_per_minute(10_000)], clock)
    await limiter.fill()
    await limiter.acquire(Cost(tokens=10_000))
    for _ in range(20):
        refused = await attempt(limiter, Cost(tokens=1000))
        assert isinstance(refused, RateLimitExceeded)
        assert refused.bucket == "tokens/minute"
    for _ in range(4):
        await limiter.acquire(Cost(tokens=0))


async def test_partial_refills_do_not_mint_calls(make: MakeLimiter, clock: ManualClock) -> None:
    """Regression: a refill clock that stood still on partial refill admitted 600 calls under 50 a minute."""
    bucket = calls_per_minute(50)
    limiter = make([bucket], clock)
    await limiter.fill()
    log = []
    for _ in range(6000):
        if isinstance(await attempt(limiter, Cost()), Grant):
            log.append((clock.now_us, 1))
        clock.advance(us=100_000)

    assert is_honoured(log, bucket)
    assert len(log) >= 0.995 * 500


async def test_settled_tokens_come_back_and_calls_do_not(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([Bucket("calls", 2, 60), tokens_per_minute(1000)], clock)
    await limiter.fill()
    grant = await limiter.acquire(Cost(tokens=1000))
    await grant.settle(tokens=400)
    await grant.settle(tokens=0)  # a second time does nothing

    await limiter.acquire(Cost(tokens=600))
    clock.advance(us=1)
    refused = await attempt(limiter, Cost(tokens=1))
    assert isinstance(refused, RateLimitExceeded)


async def test_a_cancelled_grant_gives_the_call_back(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([Bucket("calls", 1, 60)], clock)
    await limiter.fill()
    await (await limiter.acquire()).cancel()
    await limiter.acquire()
    assert isinstance(await attempt(limiter, Cost()), RateLimitExceeded)


async def test_a_refund_comes_too_late_for_a_grant_that_counts_no_more(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([Bucket("calls", 1, 60)], clock)
    await limiter.fill()
    old = await limiter.acquire()
    clock.advance(seconds=60.3)
    await limiter.acquire()
    await old.cancel()
    assert isinstance(await attempt(limiter, Cost()), RateLimitExceeded)


async def test_use_beyond_the_reservation_is_owed(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([tokens_per_minute(4000)], clock)
    await limiter.fill()
    grant = await limiter.acquire(Cost(tokens=1000))
    await grant.settle(tokens=4000)
    refused = await attempt(limiter, Cost(tokens=1000))
    assert isinstance(refused, RateLimitExceeded)
    assert refused.retry_after_s == pytest.approx(60.2, abs=0.1)


async def test_a_hold_refuses_all_and_then_halves_the_rate(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([calls_per_minute(50)], clock)
    await limiter.fill()
    await limiter.hold(30)
    refused = await attempt(limiter, Cost())
    assert isinstance(refused, RateLimitExceeded)
    assert (refused.bucket, refused.retry_after_s) == ("hold", 30)

    clock.advance(seconds=30)
    await limiter.acquire()
    refused = await attempt(limiter, Cost())
    assert isinstance(refused, RateLimitExceeded)
    assert refused.retry_after_s == pytest.approx(1.2 / 0.55, abs=1e-6)  # 50 ‰ restored in 30 s


async def test_a_cost_that_can_never_fit_is_refused_for_good(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([tokens_per_minute(4000)], clock)
    with pytest.raises(CostTooLarge):
        await limiter.acquire(Cost(tokens=4001))


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
async def test_a_hold_of_no_length_is_refused(make: MakeLimiter, clock: ManualClock, seconds: float) -> None:
    with pytest.raises(ValueError, match="hold"):
        await make(SMALL, clock).hold(seconds)


Step = tuple[int, str, int, int]
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.integers(0, 400_000),
        st.sampled_from(["acquire"] * 6 + ["settle"] * 4 + ["cancel", "hold", "overuse", "fill", "back"]),
        st.integers(0, 10),
        st.integers(0, 10),
    ),
    max_size=60,
)


async def play(limiter: Limiter, clock: ManualClock, schedule: list[Step]) -> list[object]:
    """What the limiter answers to each step, for comparison."""
    answers: list[object] = []
    grants: list[Grant] = []
    for gap_us, verb, tokens, which in [(0, "acquire", 0, 0), (500_000, "cancel", 0, 0), *schedule]:
        clock.advance(us=gap_us)
        match verb:
            case "acquire":
                answer = await attempt(limiter, Cost(tokens=tokens))
                if isinstance(answer, Grant):
                    grants.append(answer)
                    answers.append("granted")
                else:
                    answers.append((answer.bucket, answer.retry_after_s))
            case "hold":
                await limiter.hold(which / 1000)
            case "fill":
                await limiter.fill()
            case "back":
                clock.advance(us=-which * 10_000)
            case "settle" if grants:
                grant = grants.pop(which % len(grants))
                await grant.settle(tokens=min(tokens, grant.reserved.tokens))
            case "overuse" if grants:
                await grants.pop(which % len(grants)).settle(tokens=20)
            case "cancel" if grants:
                await grants.pop(which % len(grants)).cancel()
    return answers


def dense(rng: random.Random) -> list[Step]:
    """A long schedule with many grants open at once, settled in any order."""
    verbs = ["acquire"] * 10 + ["settle"] * 5 + ["cancel", "hold", "overuse", "fill", "back"]
    weights = [1.0] * 15 + [0.5, 0.1, 0.2, 0.2, 0.2]
    return [
        (rng.choice([0, 700, 9_001, 60_000]), verb, rng.randrange(11), rng.randrange(11))
        for verb in rng.choices(verbs, weights, k=150)
    ]


@backends
@given(seed=st.integers(0, 2**32))
async def test_both_backends_answer_alike_to_the_microsecond(in_redis: MakeLimiter, seed: int) -> None:
    rng = random.Random(seed)
    calls = Bucket("calls", rng.randrange(1, 90), 1, burst=rng.choice([None, 1, 20]), pace=rng.randrange(5))
    tokens = Bucket("tokens", rng.choice([307, 4001]), 1, burst=rng.choice([None, 100]), unit="tokens")
    buckets = (calls, tokens)
    schedule = dense(rng)
    here, there = ManualClock(), ManualClock()
    expected = await play(in_memory(buckets, here), here, schedule)
    answered = await play(in_redis(buckets, there), there, schedule)

    assert answered == expected


async def spend(limiter: Limiter, clock: ManualClock, schedule: list[Step]) -> tuple[GrantLog, GrantLog]:
    """Calls and tokens really used, each at the time of its grant, where nothing exceeds its reservation."""
    used: list[tuple[int, Cost]] = []
    open_grants: list[tuple[int, Grant]] = []
    for gap_us, verb, tokens, which in schedule:
        clock.advance(us=gap_us)
        if verb in ("acquire", "overuse", "fill", "back"):
            answer = await attempt(limiter, Cost(tokens=tokens))
            if isinstance(answer, Grant):
                open_grants.append((len(used), answer))
                used.append((clock.now_us, answer.reserved))
        elif verb == "hold":
            await limiter.hold(which / 100)
        elif open_grants:
            index, grant = open_grants.pop(which % len(open_grants))
            real = min(tokens, grant.reserved.tokens)
            if verb == "cancel":
                await grant.cancel()
                used[index] = (used[index][0], Cost(calls=0))
            else:
                await grant.settle(tokens=real)
                used[index] = (used[index][0], Cost(tokens=real))
    return [(at, cost.calls) for at, cost in used], [(at, cost.tokens) for at, cost in used]


@backends
@given(schedule=steps)
async def test_no_schedule_ever_exceeds_a_limit_in_any_window(make: MakeLimiter, schedule: list[Step]) -> None:
    clock = ManualClock()
    limiter = make(SMALL, clock)
    await limiter.fill()
    calls, tokens = await spend(limiter, clock, schedule)

    assert is_honoured(calls, SMALL[0])
    assert is_honoured(tokens, SMALL[1])


@backends
@given(gaps_us=st.lists(st.integers(0, 3_000_000), min_size=1, max_size=40), workers=st.integers(2, 5))
async def test_workers_that_share_a_limit_never_exceed_it_and_do_not_starve(
    make: MakeLimiter, gaps_us: list[int], workers: int
) -> None:
    clock = ManualClock()
    bucket = Bucket("calls", 12, 2, burst=4)
    limiter = make([bucket], clock)
    await limiter.fill()
    log = []
    for gap_us in gaps_us:
        clock.advance(us=gap_us)
        answers = await asyncio.gather(*(attempt(limiter, Cost()) for _ in range(workers)))
        log += [(clock.now_us, 1) for answer in answers if isinstance(answer, Grant)]

    assert is_honoured(log, bucket)
    assert len(log) >= min(bucket.at_once, len(gaps_us))
