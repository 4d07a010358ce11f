"""Calls under way: as many as the rate of the limits times how long a call takes."""

import heapq

import pytest

from streams.limits import MemoryLimiter, RateLimitExceeded, calls_per_minute
from streams.reasoning.policy.concurrency import LEAST, Concurrency
from tests.unit.limits.clock import ManualClock

HOUR_US = 3_600_000_000


def test_it_begins_with_the_least_and_follows_how_long_calls_take() -> None:
    concurrency = Concurrency(50 / 60, most=32)
    assert concurrency.allowed == LEAST
    concurrency.note(12.0)
    assert 10 <= concurrency.allowed <= 16
    for _ in range(30):
        concurrency.note(1.0)
    assert concurrency.allowed == LEAST


def test_it_never_exceeds_the_most() -> None:
    concurrency = Concurrency(50 / 60, most=8)
    concurrency.note(600.0)
    assert concurrency.allowed == 8
    assert Concurrency(50 / 60, most=1).allowed == 1


@pytest.mark.parametrize("latency_s", [2.0, 12.0, 30.0])
async def test_the_budget_of_a_minute_is_spent_whatever_a_call_takes(latency_s: float) -> None:
    """Against the same limit with as many calls under way as anybody could want."""

    async def calls(concurrency: Concurrency | None) -> int:
        clock = ManualClock()
        limiter, made = MemoryLimiter("gpt", [calls_per_minute(50)], clock_us=clock), 0
        until_us, under_way = clock.now_us + HOUR_US, list[int]()
        while clock.now_us < until_us:
            while under_way and under_way[0] <= clock.now_us:
                heapq.heappop(under_way)
                if concurrency is not None:
                    concurrency.note(latency_s)
            next_us = under_way[0] if under_way else until_us
            if concurrency is None or len(under_way) < concurrency.allowed:
                try:
                    await limiter.acquire()
                except RateLimitExceeded as spent:
                    next_us = min(next_us, clock.now_us + round(spent.retry_after_s * 1e6))
                else:
                    made += 1
                    heapq.heappush(under_way, clock.now_us + round(latency_s * 1e6))
                    continue
            clock.advance(us=next_us - clock.now_us)
        return made

    assert await calls(Concurrency(50 / 60, most=64)) >= 0.99 * await calls(None)
