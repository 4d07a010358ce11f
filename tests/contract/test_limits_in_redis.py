"""What is Redis's own in a limiter: real clients, flushes, keys, and servers that hang, are missing or die."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from streams.limits import (
    Bucket,
    Cost,
    FallbackLimiter,
    Grant,
    Limiter,
    LimitUnavailable,
    PartitionShare,
    RateLimitExceeded,
    calls_per_hour,
    calls_per_minute,
)
from streams.limits.redis import RedisLimiter, connect
from tests.contract.limiters import FOUR, attempt, client, clock, prefix
from tests.servers.redis import RealRedis
from tests.unit.limits.clock import ManualClock
from tests.unit.limits.promise import most_in_any_window

__all__ = ["client", "clock", "prefix"]


async def test_real_clients_by_the_servers_clock_stay_within_the_limit_and_get_the_rate(
    redis_url: str, client: Redis, prefix: str
) -> None:
    bucket = Bucket("calls", 60, 1)
    clients = [connect(redis_url, timeout_s=30) for _ in range(6)]
    shares = [await _share_granted(bucket, clients, f"{prefix}-0")]
    while shares[-1] < 0.7 and len(shares) < 10:  # this process may have stood still, and asked for nothing
        shares.append(await _share_granted(bucket, clients, f"{prefix}-{len(shares)}"))
    for each in clients:
        await each.aclose()

    assert 0.7 <= shares[-1] <= max(shares) <= 1


async def _share_granted(bucket: Bucket, clients: Sequence[Redis], prefix: str) -> float:
    """Of all that a full bucket allows while the clients ask for more than that for some seconds; never too much."""
    limiters = [RedisLimiter(each, "gpt", [bucket], prefix=prefix) for each in clients]
    await limiters[0].fill()
    started_us = time.monotonic_ns() // 1000
    spans: list[tuple[int, int]] = []

    async def hammer(limiter: Limiter) -> None:
        while (asked_us := time.monotonic_ns() // 1000) < started_us + 2_500_000:
            with suppress(LimitUnavailable):  # a grant that comes late is spent
                if isinstance(await attempt(limiter, Cost()), Grant):
                    spans.append((asked_us, time.monotonic_ns() // 1000))

    await asyncio.gather(*map(hammer, limiters))
    took_us = time.monotonic_ns() // 1000 - started_us

    # The server granted somewhere between question and answer: count those that surely fell in one window.
    for begin_us, _ in spans:
        inside = [s for s in spans if s[0] >= begin_us and s[1] <= begin_us + bucket.window_us]
        assert len(inside) <= bucket.limit
    return len(spans) / (bucket.limit * (took_us // bucket.window_us + 1))


async def test_an_idle_key_expires_but_not_before_its_budget_is_refilled(client: Redis, prefix: str) -> None:
    limiter = RedisLimiter(client, "gpt", FOUR, prefix=prefix)
    await limiter.fill()
    grant = await limiter.acquire(Cost(tokens=1))
    await grant.settle(tokens=4_000_000)

    ttl_ms = await client.pttl(f"{prefix}:limit:{{gpt}}")
    assert 2 * 86_400_000 < ttl_ms < 30 * 86_400_000


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
    assert time.monotonic() - started_s < 30
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
        assert time.monotonic() - started_s < 30
        await limiter.aclose()
        await asyncio.wait_for(hung_up.wait(), 60)


async def test_redis_killed_and_restarted_empty_under_a_fleet(mortal_redis: RealRedis, clock: ManualClock) -> None:
    both, size = (calls_per_minute(50), calls_per_hour(500, "burst")), 4
    clients = [connect(mortal_redis.url, timeout_s=30) for _ in range(size)]
    fleet = []
    for worker, each in enumerate(clients):
        share = PartitionShare(size, clock)
        share.assign([worker])
        shared = RedisLimiter(each, "gpt", both, share=share, clock_us=clock, server_us=clock)
        fleet.append(FallbackLimiter(shared, share, clock_us=clock))
    await fleet[0].fill()
    spent: list[tuple[int, int]] = []

    async def demand(seconds: int) -> int:
        before = len(spent)
        for _ in range(seconds):
            clock.advance(seconds=1)
            answers = [await attempt(limiter, Cost()) for limiter in fleet]
            spent.extend((clock.now_us, 1) for answer in answers if isinstance(answer, Grant))
        return len(spent) - before

    assert await demand(62) >= 50
    mortal_redis.kill()
    await demand(62)
    assert all(limiter.degraded for limiter in fleet)
    assert await demand(60) >= 20
    mortal_redis.restart()
    await demand(120)
    assert not any(limiter.degraded for limiter in fleet)
    for each in clients:
        await each.aclose()

    assert all(most_in_any_window(spent, each.window_us) <= each.limit for each in both)


async def test_a_hold_that_one_worker_was_told_of_holds_all(client: Redis, prefix: str, clock: ManualClock) -> None:
    told, other = (
        RedisLimiter(client, "gpt", [calls_per_minute(50)], prefix=prefix, clock_us=clock, server_us=clock)
        for _ in range(2)
    )
    await told.fill()
    assert isinstance(await attempt(other, Cost()), Grant)
    await told.hold(20.0)
    clock.advance(seconds=19.9)
    assert isinstance(await attempt(other, Cost()), RateLimitExceeded)
    clock.advance(seconds=0.2)
    assert isinstance(await attempt(other, Cost()), Grant)
