"""What a worker spends while the ledger's server is away, and what it tells it when it is back."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from streams.limits import LimitUnavailable, PartitionShare, RateLimitExceeded
from streams.limits.memory import monotonic_us
from streams.limits.redis import connect
from streams.spending.account import Used
from streams.spending.limits import ScopeLimits, SpendingLimits
from streams.spending.periods import now_at
from streams.spending.redis import RedisAccount
from streams.spending.shared import SharedAccount
from streams.spending.usage import TokenUsage
from tests.contract.spending import LIMITS, pay, spend
from tests.servers.redis import RealRedis


def a_quarter() -> PartitionShare:
    """Of a worker with one of four partitions."""
    share = PartitionShare(4, monotonic_us)
    share.assign([2])
    return share


@pytest.fixture
async def account(mortal_redis: RealRedis) -> AsyncIterator[SharedAccount]:
    client = connect(mortal_redis.url, timeout_s=30)
    yield SharedAccount(RedisAccount(client, LIMITS), a_quarter())
    await client.aclose()


async def test_a_worker_spends_its_share_of_what_was_left_and_owes_it(
    account: SharedAccount, mortal_redis: RealRedis
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
    account: SharedAccount, mortal_redis: RealRedis
) -> None:
    mortal_redis.stop()
    with pytest.raises(LimitUnavailable):
        await spend(account, 1)


async def test_a_partition_that_comes_over_meanwhile_brings_no_money(mortal_redis: RealRedis) -> None:
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
    account: SharedAccount, mortal_redis: RealRedis
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


async def test_a_tenant_lives_on_its_share_alone_and_what_it_spent_is_told(mortal_redis: RealRedis) -> None:
    limits = SpendingLimits(ScopeLimits(day=1_000), tenants={"north": ScopeLimits(day=400)})
    account = SharedAccount(RedisAccount(connect(mortal_redis.url, timeout_s=30), limits), a_quarter())
    await account.begin()
    await account.look()
    mortal_redis.stop()
    await account.settle(await account.reserve("-", "gpt-4.1", 0, 100, "north"), Used("gpt-4.1", TokenUsage(1, 1), 90))
    with pytest.raises(LimitUnavailable, match="share") as refused:
        await account.reserve("-", "gpt-4.1", 0, 20, "north")
    assert refused.value.whose == "north"
    await account.reserve("-", "gpt-4.1", 0, 100, "south")
    mortal_redis.restart()
    assert (await account.look()).tenants["north"].sums[0].nano_usd == 90
    await account.aclose()


async def test_without_limits_it_goes_on_and_counts(mortal_redis: RealRedis) -> None:
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
