"""One suite, two backends: what a limiter promises holds in memory and in Redis alike, number for number."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from streams.limits import (
    Bucket,
    Cost,
    CostTooLarge,
    FallbackLimiter,
    Grant,
    Limiter,
    LimitUnavailable,
    MemoryLimiter,
    RateLimitExceeded,
    RedisLimiter,
    calls_per_hour,
    calls_per_minute,
    connect,
    micro_usd_per_day,
    tokens_per_minute,
)
from streams.limits.limiter import SharedLimiter
from streams.limits.promise import GrantLog, kept, most_in_any_window
from tests.servers.redis import RealRedis
from tests.unit.limits.clock import ManualClock

MakeLimiter = Callable[[Sequence[Bucket], ManualClock], SharedLimiter]
FOUR = (
    calls_per_minute(50),
    calls_per_hour(500),
    tokens_per_minute(40_000),
    micro_usd_per_day(5_000_000),
)
SMALL = (Bucket("calls", 12, 2, burst=4), Bucket("tokens", 40, 1, burst=10, unit="tokens"))
backends = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture
async def client(redis_url: str, prefix: str) -> AsyncIterator[Redis]:
    client = connect(redis_url, timeout_s=5)
    yield client
    async for key in client.scan_iter(f"{prefix}*"):
        await client.delete(key)
    await client.aclose()


@pytest.fixture
def in_redis(client: Redis, prefix: str) -> MakeLimiter:
    numbers = count()

    def make(buckets: Sequence[Bucket], clock: ManualClock) -> SharedLimiter:
        return RedisLimiter(client, "gpt", buckets, prefix=f"{prefix}-{next(numbers)}", clock_us=clock)

    return make


def in_memory(buckets: Sequence[Bucket], clock: ManualClock) -> SharedLimiter:
    return MemoryLimiter("gpt", buckets, clock_us=clock)


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest) -> MakeLimiter:
    if request.param == "memory":
        return in_memory
    chosen: MakeLimiter = request.getfixturevalue("in_redis")
    return chosen


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def attempt(limiter: Limiter, cost: Cost) -> Grant | RateLimitExceeded:
    try:
        return await limiter.acquire(cost)
    except RateLimitExceeded as refused:
        return refused


# --- both backends


async def test_a_new_limit_starts_empty_and_fills_at_its_rate(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([calls_per_minute(50)], clock)
    for _ in range(3):
        with pytest.raises(RateLimitExceeded) as refused:
            await limiter.acquire()
        assert refused.value.retry_after_s == 1.333334
    clock.advance(us=1_333_333)
    assert isinstance(await attempt(limiter, Cost()), RateLimitExceeded)
    clock.advance(us=1)
    await limiter.acquire()


async def test_filled_on_purpose_it_grants_the_burst_at_once(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([calls_per_minute(50), calls_per_hour(500)], clock)
    await limiter.fill()
    for _ in range(5):
        await limiter.acquire()
    with pytest.raises(RateLimitExceeded) as refused:
        await limiter.acquire()
    assert refused.value.bucket == "calls/hour"
    assert refused.value.retry_after_s == 7.272728


async def test_all_buckets_are_taken_or_none(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make(FOUR, clock)
    await limiter.fill()
    await limiter.acquire(Cost(tokens=10_000, micro_usd=4000))
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
    for _ in range(600):
        if isinstance(await attempt(limiter, Cost()), Grant):
            log.append((clock.now_us, 1))
        clock.advance(us=100_000)

    assert kept(log, bucket)
    assert len(log) == 49  # 5 at once, then one each 1.4 s: the first attempt after each 1.333334 s, or sooner


async def test_settled_tokens_come_back_and_calls_do_not(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([Bucket("calls", 50, 60, burst=2), tokens_per_minute(4000, burst=1000)], clock)
    await limiter.fill()
    grant = await limiter.acquire(Cost(tokens=1000))
    await grant.settle(tokens=400)
    await grant.settle(tokens=0)  # a second time does nothing

    await limiter.acquire(Cost(tokens=600))
    refused = await attempt(limiter, Cost(tokens=1))
    assert isinstance(refused, RateLimitExceeded)
    assert refused.bucket == "calls"  # needs 1.25 s, the token 20 ms


async def test_a_cancelled_grant_gives_the_call_back(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([Bucket("calls", 2, 60, burst=1)], clock)
    await limiter.fill()
    await (await limiter.acquire()).cancel()
    await limiter.acquire()
    assert isinstance(await attempt(limiter, Cost()), RateLimitExceeded)


async def test_use_beyond_the_reservation_is_owed(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([tokens_per_minute(4000, burst=1000)], clock)
    await limiter.fill()
    grant = await limiter.acquire(Cost(tokens=1000))
    await grant.settle(tokens=4000)
    refused = await attempt(limiter, Cost(tokens=1000))
    assert isinstance(refused, RateLimitExceeded)
    assert refused.retry_after_s == 4000 * 0.02


async def test_a_hold_refuses_all_and_then_halves_the_rate(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([Bucket("calls", 2, 10, burst=1)], clock)
    await limiter.fill()
    await limiter.hold(30)
    refused = await attempt(limiter, Cost())
    assert isinstance(refused, RateLimitExceeded)
    assert (refused.bucket, refused.retry_after_s) == ("hold", 30)

    clock.advance(seconds=30)
    await limiter.acquire()
    refused = await attempt(limiter, Cost())
    assert isinstance(refused, RateLimitExceeded)
    assert refused.retry_after_s == pytest.approx(10 / 0.55, abs=1e-6)  # 50 ‰ restored in 30 s


async def test_a_cost_that_can_never_fit_is_refused_for_good(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([tokens_per_minute(4000, burst=1000)], clock)
    with pytest.raises(CostTooLarge):
        await limiter.acquire(Cost(tokens=1001))


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
async def test_a_hold_of_no_length_is_refused(make: MakeLimiter, clock: ManualClock, seconds: float) -> None:
    with pytest.raises(ValueError, match="hold"):
        await make(SMALL, clock).hold(seconds)


async def test_absorbed_spending_leaves_no_burst(make: MakeLimiter, clock: ManualClock) -> None:
    limiter = make([calls_per_minute(50)], clock)
    await limiter.fill()
    await limiter.absorb(Cost(calls=1), workers=1)
    refused = await attempt(limiter, Cost())
    assert isinstance(refused, RateLimitExceeded)
    assert refused.retry_after_s == 1.333334
    await limiter.absorb(Cost(calls=2), workers=1)
    refused = await attempt(limiter, Cost())
    assert isinstance(refused, RateLimitExceeded)
    assert refused.retry_after_s == pytest.approx(3 * 1.333334)


Step = tuple[int, str, int, int]
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.integers(0, 400_000),
        st.sampled_from(["acquire"] * 6 + ["settle"] * 4 + ["cancel", "hold", "overuse", "absorb"]),
        st.integers(0, 10),
        st.integers(0, 10),
    ),
    max_size=60,
)


async def play(limiter: SharedLimiter, clock: ManualClock, schedule: list[Step]) -> list[object]:
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
            case "absorb":
                await limiter.absorb(Cost(tokens=tokens), workers=2)
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
    verbs = ["acquire"] * 10 + ["settle"] * 5 + ["cancel", "hold", "overuse", "absorb"]
    weights = [1.0] * 15 + [0.5, 0.3, 0.2, 0.2]
    return [
        (rng.choice([0, 700, 9_001, 60_000]), verb, rng.randrange(11), rng.randrange(11))
        for verb in rng.choices(verbs, weights, k=150)
    ]


@backends
@given(seed=st.integers(0, 2**32))
async def test_both_backends_answer_alike_to_the_microsecond(in_redis: MakeLimiter, seed: int) -> None:
    buckets = (Bucket("calls", 90, 1, burst=20), Bucket("tokens", 307, 1, burst=100, unit="tokens"))
    schedule = dense(random.Random(seed))
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
        if verb in ("acquire", "overuse", "absorb"):
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

    assert kept(calls, SMALL[0])
    assert kept(tokens, SMALL[1])


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

    assert kept(log, bucket)
    reachable = sum(min(gap_us // bucket.emission_us, 1) for gap_us in gaps_us)
    assert len(log) >= reachable


# --- Redis only


async def test_real_clients_by_the_servers_clock_stay_within_the_limit_and_get_the_rate(
    redis_url: str, client: Redis, prefix: str
) -> None:
    bucket = Bucket("calls", 60, 1, burst=10)
    clients = [connect(redis_url, timeout_s=5) for _ in range(6)]
    limiters = [RedisLimiter(each, "gpt", [bucket], prefix=prefix) for each in clients]
    await limiters[0].fill()
    started_us = time.monotonic_ns() // 1000
    spans: list[tuple[int, int]] = []

    async def hammer(limiter: Limiter) -> None:
        while (asked_us := time.monotonic_ns() // 1000) < started_us + 2_500_000:
            if isinstance(await attempt(limiter, Cost()), Grant):
                spans.append((asked_us, time.monotonic_ns() // 1000))

    await asyncio.gather(*map(hammer, limiters))
    took_us = time.monotonic_ns() // 1000 - started_us
    for each in clients:
        await each.aclose()

    # The server granted somewhere between question and answer: count those that surely fell in one window.
    for begin_us, _ in spans:
        inside = [s for s in spans if s[0] >= begin_us and s[1] <= begin_us + bucket.window_us]
        assert len(inside) <= bucket.limit
    at_most = bucket.depth + took_us // bucket.emission_us + 1
    assert 0.7 * at_most <= len(spans) <= at_most


async def test_a_flush_mints_no_budget(client: Redis, prefix: str, clock: ManualClock) -> None:
    bucket = calls_per_minute(50)
    limiter = RedisLimiter(client, "gpt", [bucket], prefix=prefix, clock_us=clock)
    await limiter.fill()
    log, late = [], []
    for second in range(300):
        if second % 7 == 0:
            await client.delete(f"{prefix}:limit:{{gpt}}")
        for _ in range(5):
            answer = await attempt(limiter, Cost())
            if isinstance(answer, Grant):
                log.append((clock.now_us, 1))
                late.append(answer)
        clock.advance(seconds=1)

    assert kept(log, bucket)
    assert len(log) > 100


async def test_a_grant_older_than_a_flush_gets_no_refund_from_the_new_state(
    client: Redis, prefix: str, clock: ManualClock
) -> None:
    bucket = Bucket("tokens", 40, 1, burst=10, unit="tokens")
    limiter = RedisLimiter(client, "gpt", [bucket], prefix=prefix, clock_us=clock)
    await limiter.fill()
    old = await limiter.acquire(Cost(tokens=10))
    await client.delete(f"{prefix}:limit:{{gpt}}")
    clock.advance(seconds=0.01)
    await attempt(limiter, Cost(tokens=10))
    clock.advance(seconds=10)
    await limiter.acquire(Cost(tokens=10))
    await old.settle(tokens=0)

    assert isinstance(await attempt(limiter, Cost(tokens=1)), RateLimitExceeded)


async def test_an_idle_key_expires_but_not_before_its_budget_is_refilled(client: Redis, prefix: str) -> None:
    limiter = RedisLimiter(client, "gpt", FOUR, prefix=prefix)
    await limiter.fill()
    grant = await limiter.acquire(Cost(tokens=1, micro_usd=1))
    await grant.settle(micro_usd=20_000_000)  # four days' worth

    ttl_ms = await client.pttl(f"{prefix}:limit:{{gpt}}")
    assert 4 * 86_400_000 < ttl_ms < 30 * 86_400_000


async def test_everything_of_a_name_is_one_key_in_one_slot(client: Redis, prefix: str) -> None:
    limiter = RedisLimiter(client, "gpt", FOUR, prefix=prefix)
    await limiter.fill()
    await limiter.acquire(Cost(tokens=10))
    assert [key async for key in client.scan_iter(f"{prefix}*")] == [f"{prefix}:limit:{{gpt}}".encode()]


async def test_an_unreachable_server_is_said_so_in_bounded_time() -> None:
    limiter = RedisLimiter(connect("redis://127.0.0.1:1/0"), "gpt", [calls_per_minute()])
    started_s = time.monotonic()
    for ask in (limiter.acquire, limiter.ping, limiter.fill):
        with pytest.raises(LimitUnavailable, match="gpt"):
            await ask()
    assert time.monotonic() - started_s < 5
    await limiter.aclose()


async def test_a_server_that_hangs_is_said_so_in_bounded_time() -> None:
    hung_up = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()
        hung_up.set()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        limiter = RedisLimiter(connect(f"redis://127.0.0.1:{port}/0", timeout_s=0.2), "gpt", [calls_per_minute()])
        started_s = time.monotonic()
        with pytest.raises(LimitUnavailable):
            await limiter.acquire()
        assert time.monotonic() - started_s < 2
        await limiter.aclose()
        await asyncio.wait_for(hung_up.wait(), 5)


async def test_redis_outage_keeps_spending_within_the_local_share(mortal_redis: RealRedis, clock: ManualClock) -> None:
    workers, minute = 4, calls_per_minute(50)
    share = minute.share(workers)
    assert share is not None
    clients = [connect(mortal_redis.url) for _ in range(workers)]
    fleet = [
        FallbackLimiter(RedisLimiter(each, "gpt", [minute], clock_us=clock), workers, clock_us=clock)
        for each in clients
    ]
    await fleet[0].fill()
    spent: dict[str, list[tuple[int, int]]] = {"before": [], "outage": [], "after": []}
    local: list[list[tuple[int, int]]] = [[] for _ in fleet]

    async def demand(phase: str, seconds: int) -> None:
        for _ in range(2 * seconds):
            clock.advance(seconds=0.5)
            for worker, limiter in enumerate(fleet):
                if isinstance(await attempt(limiter, Cost()), Grant):
                    spent[phase].append((clock.now_us, 1))
                    if limiter.degraded:
                        local[worker].append((clock.now_us, 1))

    await demand("before", 60)
    mortal_redis.kill()
    killed_us = clock.now_us
    await demand("outage", 120)
    assert all(limiter.degraded for limiter in fleet)
    mortal_redis.restart()
    await demand("after", 120)
    assert not any(limiter.degraded for limiter in fleet)
    for each in clients:
        await each.aclose()

    for log in local:
        assert kept(log, share)
        assert log[0][0] >= killed_us + share.emission_us  # it started empty
    assert len(spent["outage"]) >= 0.9 * workers * 2 * 11 - workers
    assert len(spent["after"]) >= 0.8 * 2 * 45
    assert most_in_any_window([*spent["before"], *spent["outage"], *spent["after"]], minute.window_us) <= 50
