"""What is Redis's own in an account of spending: flushes, restarts, outages, and the record that people look up."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from streams.limits import LimitUnavailable, PartitionShare, RateLimitExceeded
from streams.limits.memory import monotonic_us
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


async def pay(account: RedisAccount | SharedAccount, nano_usd: int, school: str = "-") -> None:
    """A call that costs what was reserved."""
    await account.settle(await spend(account, nano_usd, school), Used("gpt-4.1", TokenUsage(1, 1), nano_usd))


async def left(account: RedisAccount) -> int:
    return 1_000 - (await account.look()).sums[0].nano_usd


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


def a_quarter() -> PartitionShare:
    """Of a worker with one of four partitions."""
    share = PartitionShare(4, monotonic_us)
    share.assign([2])
    return share


class TestOutage:
    """While the server is away."""

    @pytest.fixture
    async def account(self, mortal_redis: RealRedis) -> AsyncIterator[SharedAccount]:
        client = connect(mortal_redis.url, timeout_s=30)
        yield SharedAccount(RedisAccount(client, LIMITS), a_quarter())
        await client.aclose()

    async def test_a_worker_spends_its_share_of_what_was_left_and_owes_it(
        self, account: SharedAccount, mortal_redis: RealRedis
    ) -> None:
        await account.begin()
        await spend(account, 200)
        mortal_redis.stop()
        reserved = await spend(account, 100)
        await account.settle(reserved, Used("gpt-4.1", TokenUsage(1, 1), 60))
        await pay(account, 140)
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

    async def test_a_partition_that_comes_over_meanwhile_brings_no_money(self, mortal_redis: RealRedis) -> None:
        client, share = connect(mortal_redis.url, timeout_s=30), a_quarter()
        account = SharedAccount(RedisAccount(client, LIMITS), share)
        await account.begin()
        await account.look()
        mortal_redis.stop()
        await pay(account, 200)
        share.assign([0, 1, 2, 3])
        with pytest.raises(LimitUnavailable, match="share"):
            await pay(account, 51)
        await pay(account, 50)
        share.revoke([2])
        with pytest.raises(LimitUnavailable, match="no part"):
            await pay(account, 1)
        await client.aclose()

    async def test_a_hold_stops_this_worker_at_once_and_all_when_redis_is_back(
        self, account: SharedAccount, mortal_redis: RealRedis
    ) -> None:
        await account.begin()
        mortal_redis.stop()
        with suppress(LimitUnavailable):
            await account.hold(600)
        with pytest.raises(RateLimitExceeded) as held:
            await spend(account, 1)
        assert held.value.bucket == "provider"
        mortal_redis.restart()
        other = RedisAccount(connect(mortal_redis.url, timeout_s=30), LIMITS)
        await account.look()
        with pytest.raises(RateLimitExceeded) as held:
            await spend(other, 1)
        assert (held.value.bucket, 590 < held.value.retry_after_s <= 600) == ("provider", True)
        await other.aclose()

    async def test_without_limits_it_goes_on_and_counts(self, mortal_redis: RealRedis) -> None:
        client = connect(mortal_redis.url, timeout_s=30)
        account = SharedAccount(RedisAccount(client, SpendingLimits()), PartitionShare(4, monotonic_us))
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


class Players:
    """Three workers that spend, look at the ledger every 3 s as workers do, and a server that forgets."""

    def __init__(self, workers: Workers, client: Redis, clock: ManualClock) -> None:
        self.clock = clock
        self.spent = 0
        self._accounts = [workers.new() for _ in range(3)]
        self._client, self._key = client, workers.key
        self._open: list[tuple[int, Reservation]] = []
        self._snapshot: dict[Any, Any] = {}

    async def begin(self) -> None:
        await self._accounts[0].begin()
        await self._save()

    async def play(self, step: str, worker: int, amount: int) -> None:
        match step:
            case "spend":
                with suppress(MoneySpent, RateLimitExceeded):
                    self._open.append((worker, await spend(self._accounts[worker], amount)))
                    self.spent += amount
            case "settle" if self._open:
                by, reserved = self._open.pop(amount % len(self._open))
                used = min(amount, reserved.nano_usd)
                await self._accounts[by].settle(reserved, Used("gpt-4.1", TokenUsage(1, 1), used))
                self.spent += used - reserved.nano_usd
            case "wait":
                self.clock.advance(seconds=3)
                for account in self._accounts:
                    await account.look()
            case "flush":
                await self._client.delete(self._key)
            case "save":
                await self._save()
            case "restore" if self._snapshot:
                await self._client.delete(self._key)
                await self._client.hset(self._key, mapping={**self._snapshot, b"run": b"%040d" % self.clock.now_us})

    async def _save(self) -> None:
        self._snapshot = await self._client.hgetall(self._key)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["spend"] * 8 + ["settle", "wait", "wait", "wait", "flush", "flush", "save", "restore"]),
        st.integers(0, 2),
        st.integers(100, 400),
    ),
    min_size=10,
    max_size=40,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_the_server_forgets_no_day_exceeds_its_limit(
    client: Redis, prefix: str, steps: list[tuple[str, int, int]]
) -> None:
    clock = ManualClock(NOON_US)
    players = Players(Workers(client, f"{prefix}-{uuid4().hex}", clock), client, clock)
    await players.begin()
    for step in steps:
        await players.play(*step)
        assert players.spent <= 1_000
