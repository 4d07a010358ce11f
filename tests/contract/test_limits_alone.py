"""Workers that cannot reach Redis: their partitions' part of the limit, and what they spent is charged afterwards."""

import pytest
from redis.asyncio import Redis

from streams.limits import (
    Bucket,
    Cost,
    FallbackLimiter,
    LimitUnavailable,
    PartitionShare,
    RateLimitExceeded,
    calls_per_hour,
    calls_per_minute,
)
from streams.limits.redis import RedisLimiter
from tests.contract.fleet import Fleet, filled
from tests.contract.limiters import client, prefix
from tests.unit.limits.clock import ManualClock
from tests.unit.limits.promise import most_in_any_window

__all__ = ["client", "prefix"]
BOTH = (calls_per_minute(12), calls_per_hour(120, "burst"))


@pytest.fixture
async def fleet(client: Redis, prefix: str) -> Fleet:
    return await filled(Fleet(client, prefix, BOTH, size=2))


@pytest.mark.parametrize("size", [1, 2, 4])
async def test_workers_that_lose_redis_together_never_exceed_the_limit_and_use_it(
    client: Redis, prefix: str, size: int
) -> None:
    """Regression: two workers by default settings spent 92 calls in a minute, of 50."""
    fleet = await filled(Fleet(client, prefix, BOTH, size))
    await fleet.demand(45)
    fleet.cut()
    await fleet.demand(61)
    assert await fleet.demand(180) >= 0.9 * 36
    fleet.cut(cut=False)
    await fleet.demand(3600, step_s=30.0)
    assert fleet.is_honoured()


async def test_a_worker_alone_goes_on_from_what_it_knew(fleet: Fleet) -> None:
    await fleet.demand(200, 0)
    spent = len(fleet.granted)
    fleet.cut()
    await fleet.demand(3000, step_s=30.0)
    assert fleet.is_honoured()
    assert len(fleet.granted) - spent <= 120 - spent


async def test_one_worker_that_alone_is_cut_off_exceeds_the_limit_by_its_share_at_most(fleet: Fleet) -> None:
    await fleet.demand(60)
    fleet.cut(1)
    await fleet.demand(1200)
    assert all(most_in_any_window(fleet.by_worker[0], each.window_us) <= each.limit for each in BOTH)
    for bucket in BOTH:
        assert most_in_any_window(fleet.by_worker[1], bucket.window_us) <= bucket.limit / 2
        assert most_in_any_window(fleet.granted, bucket.window_us) <= bucket.limit * 1.5


async def test_what_one_granted_itself_is_charged_before_it_uses_redis_again(fleet: Fleet) -> None:
    fleet.cut()
    await fleet.demand(60)
    alone = await fleet.demand(60, 0)
    fleet.cut(cut=False)
    assert 6 <= alone <= 7  # half of 12 in a minute, and a little longer
    await fleet.demand(90)
    assert fleet.is_honoured()
    assert most_in_any_window(fleet.granted, 60_000_000) == 12
    assert not any(worker.degraded for worker in fleet.workers)


async def test_a_share_that_has_not_come_back_counts_as_spent(fleet: Fleet) -> None:
    fleet.cut()
    await fleet.demand(600)
    spent = len(fleet.granted)
    fleet.cut(0, cut=False)
    await fleet.demand(600, 0)
    assert len(fleet.granted) - spent <= 120 - 60
    assert fleet.is_honoured()


async def test_a_short_break_costs_the_others_nothing(fleet: Fleet) -> None:
    await fleet.demand(200, step_s=30.0)
    fleet.clock.advance(seconds=100)
    await fleet.heartbeat()
    fleet.cut(1)
    await fleet.demand(12, 1)
    assert fleet.workers[1].degraded
    fleet.cut(1, cut=False)
    assert await fleet.demand(20) == 12


async def test_a_partition_that_comes_over_in_an_outage_counts_after_a_window(fleet: Fleet) -> None:
    await fleet.heartbeat()
    fleet.cut()
    await fleet.demand(200)
    fleet.assign({0: (0, 1, 2, 3)})  # worker 1 is gone
    assert await fleet.demand(50, 0) <= 6
    assert fleet.is_honoured()
    await fleet.demand(30, 0)
    assert await fleet.demand(60, 0) > 6
    await fleet.demand(4000, 0, step_s=30.0)
    assert fleet.is_honoured()


async def test_a_rebalance_that_gives_back_what_was_there_changes_nothing(client: Redis, prefix: str) -> None:
    still, moved = [await filled(Fleet(client, f"{prefix}-{i}", BOTH, size=2)) for i in range(2)]
    for fleet in (still, moved):
        fleet.cut()
        await fleet.demand(120)
    moved.assign({0: (0, 2), 1: (1, 3)})
    assert await moved.demand(120) == await still.demand(120) >= 12


async def test_redis_comes_back_empty_after_an_outage(fleet: Fleet) -> None:
    await fleet.demand(100)
    fleet.cut()
    await fleet.demand(300)
    await fleet.restart(None)
    fleet.cut(cut=False)
    spent = len(fleet.granted)
    await fleet.demand(300)
    assert fleet.is_honoured()
    assert len(fleet.granted) - spent >= min(36, 120 - spent)  # all came back: nothing is unknown


async def test_a_share_too_small_for_one_call_grants_nothing_meanwhile(client: Redis, prefix: str) -> None:
    fleet = Fleet(client, prefix, [Bucket("calls", 3, 60, pace=4)], size=4)
    fleet.cut()
    assert await fleet.demand(600, step_s=60.0) == 0
    with pytest.raises(LimitUnavailable):
        await fleet.workers[0].acquire()


async def test_without_a_partition_nothing_is_granted(client: Redis, prefix: str) -> None:
    fleet = Fleet(client, prefix, BOTH, size=2)
    fleet.assign({0: (0, 1, 2, 3)})
    fleet.cut()
    await fleet.demand(120)
    with pytest.raises(LimitUnavailable):
        await fleet.workers[1].acquire()


async def test_redis_is_asked_no_more_than_once_a_probe_interval(fleet: Fleet) -> None:
    fleet.cut()
    await fleet.ask(0)
    fleet.cut(cut=False)
    fleet.clock.advance(seconds=0.9)
    await fleet.ask(0)
    assert fleet.workers[0].degraded
    fleet.clock.advance(seconds=0.1)
    await fleet.ask(0)
    assert not fleet.workers[0].degraded


async def test_a_hold_during_the_outage_holds_this_worker_now_and_the_others_afterwards(fleet: Fleet) -> None:
    fleet.cut()
    await fleet.workers[0].hold(300)
    fleet.clock.advance(seconds=200)
    with pytest.raises(RateLimitExceeded) as refused:
        await fleet.workers[0].acquire()
    assert (refused.value.bucket, refused.value.retry_after_s) == ("hold", 100)

    fleet.cut(cut=False)
    fleet.clock.advance(seconds=10)
    for worker in fleet.workers:
        with pytest.raises(RateLimitExceeded) as refused:
            await worker.acquire()
        assert (refused.value.bucket, refused.value.retry_after_s) == ("hold", 90)


async def test_use_that_could_not_be_settled_is_charged_later(client: Redis, prefix: str) -> None:
    bucket = Bucket("tokens", 1000, 60, unit="tokens")
    fleet = await filled(Fleet(client, prefix, [bucket], size=1))
    grant = await fleet.workers[0].acquire(Cost(tokens=100))
    fleet.cut()
    await grant.settle(tokens=300)
    fleet.cut(cut=False)
    fleet.clock.advance(seconds=2)

    await fleet.workers[0].acquire(Cost(tokens=700))
    with pytest.raises(RateLimitExceeded):
        await fleet.workers[0].acquire(Cost(tokens=1))


async def test_a_grant_that_reaches_a_process_which_was_stopped_is_not_used(client: Redis, prefix: str) -> None:
    clock = ManualClock()
    readings = iter([clock(), clock(), clock() + 5_000_000, clock() + 5_000_000])
    limiter = RedisLimiter(client, "gpt", BOTH, prefix=prefix, clock_us=lambda: next(readings), server_us=clock)
    other = RedisLimiter(client, "gpt", BOTH, prefix=prefix, clock_us=clock, server_us=clock)
    await other.fill()
    with pytest.raises(LimitUnavailable, match="too late"):
        await limiter.acquire()


def test_shares_of_all_workers_are_disjoint_and_whole() -> None:
    clock = ManualClock()
    shares = [PartitionShare(7, clock) for _ in range(3)]
    for i, share in enumerate(shares):
        share.assign(range(i, 7, 3))
    held = [partition for share in shares for partition in share.held(0)]
    assert sorted(held) == list(range(7))
    shares[0].revoke(shares[0].held(0))
    clock.advance(seconds=61)
    shares[0].assign([0, 3, 6])
    assert shares[0].held(clock() - 1) == []
    with pytest.raises(ValueError, match="partitions"):
        PartitionShare(0, clock)


def test_a_fallback_starts_on_redis(client: Redis, prefix: str) -> None:
    shared = RedisLimiter(client, "gpt", BOTH, prefix=prefix)
    assert not FallbackLimiter(shared, PartitionShare.all(ManualClock())).degraded
