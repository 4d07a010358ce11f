"""Accounts of several workers over one ledger in Redis, by a clock that a test moves, and what they spend."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from streams.spending.account import Reservation, Used
from streams.spending.limits import ScopeLimits, SpendingLimits
from streams.spending.redis import RedisAccount
from streams.spending.shared import SharedAccount
from streams.spending.usage import TokenUsage
from tests.unit.limits.clock import ManualClock

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
