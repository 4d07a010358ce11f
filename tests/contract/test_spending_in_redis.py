"""What is Redis's own in an account of spending: flushes, restarts, and the record that people look up."""

from contextlib import suppress
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.limits import LimitUnavailable, RateLimitExceeded
from streams.limits.redis import connect
from streams.spending.account import MoneySpent, Used
from streams.spending.limits import MAX_SCHOOLS, OTHER_SCHOOLS
from streams.spending.periods import now_at
from streams.spending.redis import RedisAccount
from streams.spending.usage import TokenUsage
from tests.contract.limiters import client, prefix
from tests.contract.spending import LIMITS, NOON_US, Workers, clock, left, pay, spend, workers
from tests.servers.redis import RealRedis
from tests.unit.limits.clock import ManualClock

__all__ = ["client", "clock", "prefix", "workers"]


async def test_what_a_flush_loses_the_workers_that_saw_it_bring_back(
    workers: Workers, client: Redis, clock: ManualClock
) -> None:
    one, two = workers.new(), workers.new()
    await one.begin()
    await pay(one, 300)
    await pay(two, 250, "north")
    await client.delete(workers.key)

    stranger = workers.new()
    with pytest.raises(MoneySpent) as refused:
        await spend(stranger, 1)
    assert refused.value.unknown

    with pytest.raises(RateLimitExceeded) as waiting:  # it has seen 300 of the 550
        await spend(one, 100)
    assert (waiting.value.bucket, waiting.value.retry_after_s) == ("ledger", 10)
    assert await left(two) == 450
    clock.advance(seconds=10)
    await pay(one, 100)
    assert await left(two) == 350
    with pytest.raises(MoneySpent):
        await spend(stranger, 351)
    await pay(stranger, 350, "north")
    with pytest.raises(MoneySpent):
        await spend(two, 1)


async def test_a_restart_from_an_older_snapshot_frees_nothing_that_a_worker_saw_spent(
    workers: Workers, client: Redis
) -> None:
    one, two = workers.new(), workers.new()
    await one.begin()
    await pay(one, 100)
    snapshot = await client.hgetall(workers.key)
    await spend(two, 500)
    await client.delete(workers.key)
    restored: dict[Any, Any] = {**snapshot, b"run": b"0" * 40}
    await client.hset(workers.key, mapping=restored)

    assert await left(one) == 900  # nobody who saw more has asked yet
    assert await left(two) == 400
    assert await left(one) == 400


async def test_a_server_that_was_restarted_empty_is_told_by_the_workers(mortal_redis: RealRedis) -> None:
    client = connect(mortal_redis.url, timeout_s=30)
    account = RedisAccount(client, LIMITS)
    await account.begin()
    await spend(account, 700)
    mortal_redis.restart()
    with suppress(LimitUnavailable):  # the connection that was open
        await account.look()
    assert await left(account) == 300
    await client.aclose()


async def test_a_vouched_period_that_is_over_clears_nothing_of_the_next(
    workers: Workers, client: Redis, clock: ManualClock
) -> None:
    account = workers.new()
    await account.begin()
    await spend(account, 700)
    clock.advance(seconds=86_400)
    await client.delete(workers.key)
    with pytest.raises(MoneySpent) as refused:
        await spend(account, 1)
    assert refused.value.unknown


async def test_values_that_make_no_sense_are_repaired(workers: Workers, client: Redis) -> None:
    account = workers.new()
    await account.begin()
    broken: dict[Any, Any] = {"t:": "a:b", "hold": "9e300", "ud": "?", "schools": "-"}
    await client.hset(workers.key, mapping=broken)
    with pytest.raises(RateLimitExceeded) as held:
        await spend(account, 1)
    assert held.value.retry_after_s == 3600
    await client.hdel(workers.key, "hold")
    await spend(account, 1)
    assert await left(account) == 999


NO_SUMS = ["x -5 nan", "", "1", "99999999999999999999 0 0 0 g", f"{now_at(NOON_US).day} {2**53} 0 0 g", b"\xff\xfe"]


@pytest.mark.parametrize("no_sum", NO_SUMS)
@pytest.mark.parametrize("field", ["d:", "w:", "m:", "d:north"])
async def test_a_sum_that_is_none_is_lost_and_the_workers_that_saw_it_bring_it_back(
    workers: Workers, client: Redis, clock: ManualClock, field: str, no_sum: Any
) -> None:
    account = workers.new()
    await account.begin()
    await pay(account, 300, "north")
    await client.hset(workers.key, field, no_sum)
    with suppress(RateLimitExceeded):  # all have some seconds to say what they saw
        await spend(account, 1, "north")
    clock.advance(seconds=60)
    await spend(account, 100, "north")
    assert await left(account) == 600
    assert account.seen["north"][0].nano_usd == 400


async def test_a_sum_that_is_none_and_that_nobody_saw_counts_as_spent(workers: Workers, client: Redis) -> None:
    await workers.new().begin()
    await client.hset(workers.key, "d:", "x -5 nan")
    newcomer = workers.new()
    assert (await newcomer.look()).unknown[0]
    with pytest.raises((MoneySpent, RateLimitExceeded)):
        await spend(newcomer, 1)


async def test_a_key_of_another_kind_is_taken_for_lost(workers: Workers, client: Redis, clock: ManualClock) -> None:
    account = workers.new()
    await account.begin()
    await pay(account, 300)
    for key in (workers.key, f"{workers.key}:{now_at(NOON_US).day}"):
        await client.delete(key)
        await client.set(key, "something else")
    with pytest.raises(LimitUnavailable, match="is a string and no ledger"):
        await account.begun()
    with suppress(RateLimitExceeded):
        await spend(account, 1)
    clock.advance(seconds=60)
    await pay(account, 100)
    assert await left(account) == 600


async def test_a_record_that_cannot_be_read_is_left_out_and_counted_and_goes_on(
    workers: Workers, client: Redis
) -> None:
    account, day = workers.new(), now_at(NOON_US).day
    await account.begin()
    await pay(account, 10)
    garbage: dict[Any, Any] = {
        "gpt-4.1\x1f-\x1fcalls": "banana",
        "gpt-4.1\x1f-\x1fnano_usd": "9" * 30,
        b"\xff": b"\xfe",
        "a\x1fb": "1",
        "gpt-4.1\x1f-\x1foutput_tokens": "-1e999",
    }
    await client.hset(f"{workers.key}:{day}", mapping=garbage)
    await client.set(f"{workers.key}:{day - 1}", "something else")
    await client.hset(workers.key, mapping={b"m:\xff": b"\xfe", "m:south": "1 2 3 4 g"})

    assert [*await account.days([day, day - 1])] == ["2026-11-28"]
    assert account.unreadable == len(garbage) + 1
    assert [*await account.schools()] == ["-"]
    assert account.unreadable == len(garbage) + 3
    await pay(account, 10)
    [record] = (await account.days([day])).values()
    assert record["gpt-4.1", "-"]["calls"] == 1
    assert await left(account) == 980


async def test_schools_beyond_the_bound_count_as_one(workers: Workers, client: Redis) -> None:
    account = workers.new()
    await account.begin()
    await client.hset(workers.key, "schools", str(MAX_SCHOOLS - 1))
    scopes = [(await spend(account, 1, school)).admitted for school in ("last", "one more", "another", "last")]
    assert [admitted.scope for admitted in scopes if admitted] == ["last", OTHER_SCHOOLS, OTHER_SCHOOLS, "last"]


async def test_the_days_record_says_which_model_and_school_spent_what(workers: Workers, clock: ManualClock) -> None:
    account = workers.new()
    await account.begin()
    good = await spend(account, 300, "north")
    await account.settle(good, Used("gpt-4.1-2025-04-14", TokenUsage(900, 80, cached_tokens=512), 25))
    lost = await spend(account, 40, "south")
    await account.settle(lost, Used("gpt-4.1", None, 40))
    unsent = await spend(account, 40, "south")
    await account.settle(unsent, Used("gpt-4.1", None, 40, sent=False))
    await spend(account, 7, "south")

    record = (await account.days([now_at(NOON_US).day, 1]))["2026-11-28"]

    assert {key: {name: by for name, by in row.items() if by} for key, row in record.items()} == {
        ("gpt-4.1", "north"): {},
        ("gpt-4.1-2025-04-14", "north"): {
            "calls": 1, "nano_usd": 25, "input_tokens": 900, "cached_tokens": 512, "output_tokens": 80,
        },
        ("gpt-4.1", "south"): {"calls": 2, "nano_usd": 47, "reserved": 47},
    }  # fmt: skip
    assert sum(row["nano_usd"] for row in record.values()) == (await account.look()).sums[0].nano_usd
