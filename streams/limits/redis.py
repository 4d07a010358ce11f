"""A limiter that all workers share, in Redis 7+ or Valkey 8+: one script call a decision, the server's clock.

That is a wall clock: stepped forward, it refills what the step is worth, at most one burst; stepped back, it
refuses for as long as the step.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streams.limits.bucket import ONE_CALL, Bucket, Cost
from streams.limits.ledger import absorbed_us, costs_of, deltas_us, hold_us
from streams.limits.limiter import (
    Decision,
    DecisionObserver,
    Grant,
    LimitUnavailable,
    RateLimitExceeded,
    ignore_decision,
)
from streams.limits.script import LEDGER_LUA


def connect(url: str, *, timeout_s: float = 0.5) -> Redis:
    """A client that fails within `timeout_s` and never retries: the limiter must know that it has failed.

    A reservation that was made but whose answer got lost stays charged, which is the safe side.
    """
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


class RedisLimiter:
    """Implements SharedLimiter for all workers that use the same server, `prefix`, name and buckets.

    `clock_us` is for tests and simulations only: without it, the server's own clock decides.
    """

    def __init__(
        self,
        client: Redis,
        name: str,
        buckets: Sequence[Bucket],
        *,
        prefix: str = "skillstream",
        observe: DecisionObserver = ignore_decision,
        clock_us: Callable[[], int] | None = None,
    ) -> None:
        self.name = name
        self.buckets = tuple(buckets)
        self._client = client
        self._key = f"{prefix}:limit:{{{name}}}"
        self._observe = observe
        self._clock_us = clock_us
        self._script = client.register_script(LEDGER_LUA)
        self._shape = [{"name": b.name, "tolerance": b.tolerance_us, "window": b.window_us} for b in self.buckets]

    async def acquire(self, cost: Cost = ONE_CALL) -> Grant:
        units = costs_of(self.buckets, cost)
        charges = [bucket.charge_us(n) for bucket, n in zip(self.buckets, units, strict=True)]
        admitted, *answer = await self._run("reserve", charges=charges)
        if not admitted:
            bucket, retry_after_us = answer[0].decode(), int(answer[1])
            self._observe(Decision(self.name, bucket))
            raise RateLimitExceeded(self.name, bucket, retry_after_us / 1e6)
        self._observe(Decision(self.name, None))
        reservation, rate_permille = int(answer[0]), int(answer[1])

        async def settle(used: Cost) -> None:
            deltas = deltas_us(self.buckets, cost, used, rate_permille)
            if any(deltas):
                await self._run("settle", reservation=reservation, deltas=deltas)

        return Grant(cost, settle)

    async def absorb(self, spent: Cost, workers: int) -> None:
        charges, floors = absorbed_us(self.buckets, spent, workers)
        await self._run("absorb", charges=charges, floors=floors)

    async def hold(self, seconds: float) -> None:
        await self._run("hold", hold=hold_us(seconds))

    async def fill(self) -> None:
        await self._run("fill")

    async def ping(self) -> None:
        try:
            await self._client.ping()
        except (RedisError, OSError) as error:
            raise LimitUnavailable(self.name, f"{type(error).__name__}: {error}") from error

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _run(self, op: str, **arguments: Any) -> list[Any]:
        request = {"op": op, "buckets": self._shape, **arguments}
        if self._clock_us is not None:
            request["now"] = self._clock_us()
        try:
            return cast(list[Any], await self._script(keys=[self._key], args=[json.dumps(request)]))
        except (RedisError, OSError) as error:
            raise LimitUnavailable(self.name, f"{type(error).__name__}: {error}") from error
