"""Three workers and a server that forgets, in any order: no day exceeds its limit."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from streams.limits import RateLimitExceeded
from streams.spending.account import MoneySpent, Reservation, Used
from streams.spending.usage import TokenUsage
from tests.contract.limiters import client, prefix
from tests.contract.spending import NOON_US, Workers, spend
from tests.unit.limits.clock import ManualClock

__all__ = ["client", "prefix"]


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
