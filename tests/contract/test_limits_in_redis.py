"""What is Redis's own in a limiter: real clients, flushes, keys, and servers that hang, are missing or die."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from streams.limits import (
    Bucket,
    Cost,
    FallbackLimiter,
    Grant,
    Limiter,
    LimitUnavailable,
    RateLimitExceeded,
    calls_per_minute,
)
from streams.limits.redis import RedisLimiter, connect
from tests.contract.limiters import FOUR, attempt, client, clock, prefix
from tests.servers.redis import RealRedis
from tests.unit.limits.clock import ManualClock
from tests.unit.limits.promise import is_honoured, most_in_any_window

__all__ = ["client", "clock", "prefix"]


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

    assert is_honoured(log, bucket)
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
        assert is_honoured(log, share)
        assert log[0][0] >= killed_us + share.emission_us  # it started empty
    assert len(spent["outage"]) >= 0.9 * workers * 2 * 11 - workers
    assert len(spent["after"]) >= 0.8 * 2 * 45
    assert most_in_any_window([*spent["before"], *spent["outage"], *spent["after"]], minute.window_us) <= 50
