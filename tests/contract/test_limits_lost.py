"""Grants that Redis has lost, by a flush, a restart, an old snapshot or its clock: nothing minted, idling bounded."""

import pytest
from redis.asyncio import Redis

from streams.limits import Bucket, Cost, Grant, RateLimitExceeded, calls_per_hour, calls_per_minute
from streams.limits.redis import RedisLimiter
from tests.contract.fleet import Fleet, filled
from tests.contract.limiters import attempt, client, prefix
from tests.unit.limits.clock import ManualClock

__all__ = ["client", "prefix"]
BOTH = (calls_per_minute(10), calls_per_hour(60, "burst"))


@pytest.fixture
async def fleet(client: Redis, prefix: str) -> Fleet:
    return await filled(Fleet(client, prefix, BOTH, size=2))


async def test_a_flush_mints_no_budget_and_costs_a_minute_where_all_workers_live(fleet: Fleet) -> None:
    await fleet.demand(60)
    for _ in range(3):
        await fleet.flush()
        await fleet.demand(65)
    await fleet.demand(3300, step_s=20.0)
    assert fleet.is_honoured()
    assert len(fleet.granted) >= 60


async def test_what_a_worker_that_is_gone_can_have_been_granted_counts_as_spent(fleet: Fleet) -> None:
    """Regression: the first to come after a flush was granted what another had spent."""
    await fleet.ask(0)
    fleet.clock.advance(seconds=1)
    assert await fleet.demand(20, 1, heartbeats=False) == 9  # and worker 1 is never heard of again
    await fleet.flush()

    assert await fleet.demand(20, 0, heartbeats=False) == 0
    await fleet.demand(3600, 0, heartbeats=False, step_s=20.0)
    assert fleet.is_honoured()


@pytest.mark.parametrize("old", [True, False])
async def test_a_restart_with_an_old_snapshot_or_none_mints_nothing(fleet: Fleet, *, old: bool) -> None:
    await fleet.demand(70, 0)
    state = await fleet.snapshot() if old else None
    await fleet.demand(60, 0)
    await fleet.restart(state)
    await fleet.demand(120, 1)
    await fleet.demand(3600, step_s=20.0)
    assert fleet.is_honoured()


async def test_a_restart_is_noticed_by_a_worker_that_has_just_started(client: Redis, prefix: str, fleet: Fleet) -> None:
    state = await fleet.snapshot()
    await fleet.demand(20)
    await fleet.restart(state)
    newcomer = RedisLimiter(
        client, "gpt", BOTH, prefix=prefix, clock_us=fleet.clock, server_us=fleet.clock, server_run=lambda: "ff"
    )
    assert isinstance(await attempt(newcomer, Cost()), RateLimitExceeded)


async def test_a_restart_that_kept_all_costs_at_most_a_minute(fleet: Fleet) -> None:
    await fleet.demand(200)
    await fleet.restart(await fleet.snapshot())
    assert await fleet.demand(120) >= 10
    assert fleet.is_honoured()


@pytest.mark.parametrize("step_s", [-3600, 3600, -86_400 * 365])
async def test_the_servers_clock_may_step(fleet: Fleet, step_s: int) -> None:
    await fleet.demand(120)
    fleet.server_ahead_us += step_s * 1_000_000
    assert await fleet.demand(180) >= 20
    fleet.server_ahead_us -= step_s * 1_000_000
    await fleet.demand(3600, step_s=20.0)
    assert fleet.is_honoured()


async def test_a_grant_older_than_a_flush_gets_no_refund_from_the_new_state(client: Redis, prefix: str) -> None:
    clock = ManualClock()
    bucket = Bucket("calls", 2, 60)
    limiter = RedisLimiter(client, "gpt", [bucket], prefix=prefix, clock_us=clock, server_us=clock)
    await limiter.fill()
    old = await limiter.acquire()
    await client.delete(f"{prefix}:limit:{{gpt}}")
    await limiter.ping()
    await old.cancel()
    await limiter.fill()
    assert isinstance(await attempt(limiter, Cost()), Grant)
    assert isinstance(await attempt(limiter, Cost()), RateLimitExceeded)


GARBAGE = {
    "rate": [b"0", b"-1", b"nan", b"1e99", b"99999999999999999999", b""],
    "hold": [b"9007199254740991", b"3900000000000000", b"inf", b"-5"],
    "at": [b"3900000000000000", b"x"],
    "clock": [b"0", b"nan", b"3900000000000000"],
    "last": [b"3900000000000000", b"-1", b"zz"],
    "offset": [b"nan", b"99999999999999999", b"--3"],
    "born": [b"0", b"never"],
    "t:calls/minute": [b"3900000000000000", b"-9", b"inf", b"0"],
    "l:calls/minute": [b"what", b"1 2 3", b"3900000000000000 1", b"nan nan", b"7 1 6 1"],
    "u:calls/minute": [b"-", b"12"],
    "told": [b"0 1 2 3 4 5 6 7", b"\xff\xfe"],
    "run": [b"another", b""],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, all_of in GARBAGE.items() for value in all_of])
async def test_values_that_make_no_sense_are_bounded_and_mended(
    client: Redis, fleet: Fleet, field: str, value: bytes
) -> None:
    await fleet.demand(10)
    await client.hset(fleet.key, field, value)
    await fleet.demand(40, step_s=10.0)
    assert fleet.is_honoured()
    fleet.clock.advance(seconds=86_400 + 3_601)
    await fleet.heartbeat()
    fleet.clock.advance(seconds=3_602)
    assert await fleet.demand(5) > 0
    assert fleet.is_honoured()


async def test_a_key_of_another_kind_is_taken_for_lost(client: Redis, fleet: Fleet) -> None:
    await fleet.demand(10)
    await client.delete(fleet.key)
    await client.set(fleet.key, "something else")
    await fleet.demand(120, step_s=10.0)
    assert fleet.is_honoured()
    assert not any(worker.degraded for worker in fleet.workers)


async def test_an_old_snapshot_behind_a_clock_that_stepped_back_forgets_nothing(fleet: Fleet) -> None:
    """Regression: grants later than the snapshot's time were merged as one."""
    await fleet.heartbeat()
    state = await fleet.snapshot()
    fleet.server_ahead_us -= 3_600_000_000
    await fleet.demand(40)
    await fleet.restart(state)
    await fleet.demand(40)
    assert fleet.is_honoured()


async def test_time_goes_on_after_a_flush_behind_a_clock_that_stepped_back(fleet: Fleet) -> None:
    await fleet.demand(30)
    fleet.server_ahead_us -= 3_600_000_000
    await fleet.demand(30)
    await fleet.flush()
    assert await fleet.demand(180) >= 20
    assert fleet.is_honoured()
