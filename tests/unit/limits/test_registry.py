"""Limits by name: the decorator, the context, and what a caller sees when the budget is spent."""

from collections.abc import Awaitable, Callable

import pytest

from schemas.errors import Fatal, Retryable
from streams.limits import (
    Bucket,
    Cost,
    Decision,
    MemoryLimiter,
    RateLimitExceeded,
    Registry,
    UnknownLimiter,
    calls_per_minute,
    rate_limit,
)
from tests.unit.limits.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def registry(clock: ManualClock) -> Registry:
    registry = Registry()
    limiter = MemoryLimiter("openai_reasoning", [calls_per_minute(50)], clock_us=clock)
    await limiter.fill()
    registry.register(limiter)
    return registry


@pytest.fixture
def explain(registry: Registry) -> Callable[[str], Awaitable[str]]:
    @rate_limit("openai_reasoning", registry=registry)
    async def explain(student: str) -> str:
        return f"why {student}"

    return explain


async def test_a_decorated_function_runs_within_the_burst_and_then_says_how_long_to_wait(
    explain: Callable[[str], Awaitable[str]], clock: ManualClock
) -> None:
    assert [await explain(f"s{i}") for i in range(5)] == [f"why s{i}" for i in range(5)]

    with pytest.raises(RateLimitExceeded) as refused:
        await explain("s5")
    assert isinstance(refused.value, Retryable)
    assert refused.value.bucket == "calls/minute"
    assert refused.value.retry_after_s == pytest.approx(1.5, abs=1e-5)  # at most five within it

    clock.advance(seconds=refused.value.retry_after_s)
    assert await explain("s5") == "why s5"


async def test_the_context_gives_the_grant_and_a_failed_body_stays_charged(registry: Registry) -> None:
    async def lose_the_connection() -> None:
        async with rate_limit("openai_reasoning", registry=registry) as grant:
            assert grant.reserved == Cost(calls=1)
            raise ConnectionError

    for _ in range(5):
        with pytest.raises(ConnectionError):
            await lose_the_connection()
    with pytest.raises(RateLimitExceeded):
        await registry["openai_reasoning"].acquire()


async def test_an_unknown_name_stops_loudly_and_lists_the_known_ones(registry: Registry) -> None:
    with pytest.raises(UnknownLimiter, match="openai_reasoning") as unknown:
        async with rate_limit("openai_reasonning", registry=registry):
            pass
    assert isinstance(unknown.value, Fatal)


async def test_every_decision_is_counted_with_the_bucket_that_refused(clock: ManualClock) -> None:
    seen: list[Decision] = []
    buckets = [Bucket("calls/minute", 50, 60), Bucket("calls/hour", 500, 3600, burst=1)]
    limiter = MemoryLimiter("openai_reasoning", buckets, clock_us=clock, observe=seen.append)
    await limiter.fill()

    await limiter.acquire()
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire()

    assert seen == [Decision("openai_reasoning", None), Decision("openai_reasoning", "calls/hour")]


@pytest.mark.parametrize(("calls", "tokens"), [(-1, 0), (1, -1)])
def test_a_negative_cost_is_refused(calls: int, tokens: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        Cost(calls, tokens)
