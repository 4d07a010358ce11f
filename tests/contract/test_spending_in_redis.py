"""What is Redis's own in an account of spending: flushes, restarts, outages, and the record that people look up."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.limits import LimitUnavailable, RateLimitExceeded
from streams.limits.redis import connect
from streams.spending.account import MoneySpent, Reservation, Used
from streams.spending.limits import MAX_SCHOOLS, OTHER_SCHOOLS, ScopeLimits, SpendingLimits
from streams.spending.periods import now_at
from streams.spending.redis import RedisAccount
from streams.spending.shared import SharedAccount
from streams.spending.usage import TokenUsage
from tests.contract.limiters import client, prefix
from tests.servers.redis import RealRedis
from tests.unit.limits.clock import ManualClock

__all__ = ["client", "prefix"]
NOON_US = round(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp() * 1e6)
LIMITS = SpendingLimits(ScopeLimits(day=1_000), ScopeLimits(day=1_000))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_US)


class Workers:
    """Accounts of several workers over one ledger."""

    def __init__(self, client: Redis, prefix: str, clock: ManualClock) -> None:
        self._client, self._prefix, self._clock = client, prefix, clock
        self.key = f"{prefix}:spending:{{openai_reasoning}}"

    def new(self, limits: SpendingLimits = LIMITS) -> RedisAccount:
        return RedisAccount(self._client, limits, prefix=self._prefix, clock_us=self._clock)


@pytest.fixture
def workers(client: Redis, prefix: str, clock: ManualClock) -> Workers:
    return Workers(client, prefix, clock)


async def spend(account: RedisAccount | SharedAccount, nano_usd: int, school: str = "-") -> Reservation:
    return await account.reserve(school, "gpt-4.1", 0, nano_usd)


async def left(account: RedisAccount) -> int:
    return 1_000 - (await account.look()).sums[0].nano_usd


async def test_what_a_flush_loses_the_workers_that_saw_it_bring_back(workers: Workers, client: Redis) -> None:
    one, two = workers.new(), workers.new()
    await one.begin()
    await spend(one, 300)
    await spend(two, 250, "north")
    await client.delete(workers.key)

    stranger = workers.new()
    with pytest.raises(MoneySpent) as refused:
        await spend(stranger, 1)
    assert refused.value.unknown

    await spend(one, 100)  # has seen 300 of the 550
    assert await left(one) == 600
    assert await left(two) == 350
    with pytest.raises(MoneySpent):
        await spend(stranger, 351)
    await spend(stranger, 350, "north")
    with pytest.raises(MoneySpent):
        await spend(two, 1)


async def test_a_restart_from_an_older_snapshot_frees_nothing_that_a_worker_saw_spent(
    workers: Workers, client: Redis
) -> None:
    one, two = workers.new(), workers.new()
    await one.begin()
    await spend(one, 100)
    snapshot = await client.hgetall(workers.key)
    await spend(two, 500)
    await client.delete(workers.key)
    restored: dict[Any, Any] = {**snapshot, b"run": b"0" * 40}
    await client.hset(workers.key, mapping=restored)

    assert await left(one) == 900  # nobody who saw more has asked yet
    assert await left(two) == 400
    assert await left(one) == 400


async def test_a_server_that_was_restarted_empty_is_told_by_the_workers(mortal_redis: RealRedis) -> None:
    client = connect(mortal_redis.url, timeout_s=5)
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
    broken: dict[Any, Any] = {"d:": "x -5 nan", "t:": "a:b", "hold": "9e300", "ud": "?", "schools": "-"}
    await client.hset(workers.key, mapping=broken)
    with pytest.raises(RateLimitExceeded) as held:
        await spend(account, 1)
    assert held.value.retry_after_s == 3600
    await client.hdel(workers.key, "hold")
    await spend(account, 1)
    assert await left(account) == 999


async def test_schools_beyond_the_bound_count_as_one(workers: Workers, client: Redis) -> None:
    account = workers.new()
    await account.begin()
    await client.hset(workers.key, "schools", str(MAX_SCHOOLS - 1))
    scopes = [(await spend(account, 1, school)).admitted for school in ("last", "one more", "another", "last")]
    assert [admitted.scope for admitted in scopes if admitted] == ["last", OTHER_SCHOOLS, OTHER_SCHOOLS, "last"]


class TestOutage:
    """While the server is away."""

    @pytest.fixture
    async def account(self, mortal_redis: RealRedis) -> AsyncIterator[SharedAccount]:
        client = connect(mortal_redis.url, timeout_s=5)
        yield SharedAccount(RedisAccount(client, LIMITS), workers=4)
        await client.aclose()

    async def test_a_worker_spends_its_share_of_what_was_left_and_owes_it(
        self, account: SharedAccount, mortal_redis: RealRedis
    ) -> None:
        await account.begin()
        await spend(account, 200)
        mortal_redis.stop()
        reserved = await spend(account, 100)
        await account.settle(reserved, Used("gpt-4.1", TokenUsage(1, 1), 60))
        await spend(account, 140)
        with pytest.raises(LimitUnavailable, match="share"):
            await spend(account, 1)
        assert account.owed_nano_usd == 200
        mortal_redis.restart()
        assert (await account.look()).sums[0].nano_usd == 400
        assert account.owed_nano_usd == 0

    async def test_a_worker_that_never_saw_the_ledger_spends_nothing(
        self, account: SharedAccount, mortal_redis: RealRedis
    ) -> None:
        mortal_redis.stop()
        with pytest.raises(LimitUnavailable):
            await spend(account, 1)

    async def test_without_limits_it_goes_on_and_counts(self, mortal_redis: RealRedis) -> None:
        client = connect(mortal_redis.url, timeout_s=5)
        account = SharedAccount(RedisAccount(client, SpendingLimits()), workers=4)
        mortal_redis.stop()
        reserved = await spend(account, 100)
        await account.settle(reserved, Used("gpt-4.1", TokenUsage(1, 1), 60))
        mortal_redis.restart()
        await account.look()
        days = await account.redis.days([now_at((await account.look()).now_us).day])
        assert next(iter(days.values())) == {
            ("gpt-4.1", "-"): {
                "calls": 1, "nano_usd": 60, "reserved": 0, "input_tokens": 1, "output_tokens": 1,
            }
        }  # fmt: skip
        await client.aclose()


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
