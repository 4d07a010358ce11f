"""Limiters under test, in memory and in Redis, by a clock that a test moves, and what they answer."""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from streams.limits import (
    Bucket,
    Cost,
    Grant,
    Limiter,
    MemoryLimiter,
    RateLimitExceeded,
    calls_per_hour,
    calls_per_minute,
    tokens_per_minute,
)
from streams.limits.redis import RedisLimiter, connect
from tests.unit.limits.clock import ManualClock

MakeLimiter = Callable[[Sequence[Bucket], ManualClock], Limiter]
FOUR = (
    calls_per_minute(50),
    calls_per_hour(500),
    tokens_per_minute(40_000),
    Bucket("tokens/day", 5_000_000, 86_400, unit="tokens"),
)


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture
async def client(redis_url: str, prefix: str) -> AsyncIterator[Redis]:
    client = connect(redis_url, timeout_s=30)
    yield client
    async for key in client.scan_iter(f"{prefix}*"):
        await client.delete(key)
    await client.aclose()


@pytest.fixture
def in_redis(client: Redis, prefix: str) -> MakeLimiter:
    numbers = count()

    def make(buckets: Sequence[Bucket], clock: ManualClock) -> Limiter:
        return RedisLimiter(client, "gpt", buckets, prefix=f"{prefix}-{next(numbers)}", clock_us=clock, server_us=clock)

    return make


def in_memory(buckets: Sequence[Bucket], clock: ManualClock) -> Limiter:
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
