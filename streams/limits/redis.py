"""A limiter that all workers share, in Redis 7+ or Valkey 8+: one script call a decision, the server's clock."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from streams.limits.bucket import ONE_CALL, Bucket, Cost
from streams.limits.ledger import costs_of, hold_us, whose_of
from streams.limits.limiter import (
    Decision,
    DecisionObserver,
    Grant,
    LimitUnavailable,
    RateLimitExceeded,
    ignore_decision,
)
from streams.limits.memory import monotonic_us
from streams.limits.redis_copy import LimitCopy, unpacked
from streams.limits.redis_log_in import CurrentLogIn, without_log_in
from streams.limits.script import LEDGER_LUA
from streams.limits.share import PartitionShare
from streams.limits.window import still_counting, units_of

_COPY_WANTED: Final = 2
_STALE_AFTER_US: Final = 1_000_000


def connect(url: str, *, timeout_s: float = 0.5, url_now: Callable[[], str] | None = None) -> Redis:
    """A client that fails within `timeout_s` and never retries: the limiter must know that it has failed.

    A reservation that was made but whose answer got lost stays charged, which is the safe side. `url_now` tells the
    address anew for each connection: its user and password are used, for they may be rotated.
    """
    log_in = None if url_now is None else CurrentLogIn(url_now)
    return Redis.from_url(
        url if log_in is None else without_log_in(url),
        credential_provider=log_in,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


async def asked(name: str, question: Any) -> Any:
    """What Redis answers, about the limit `name`. Raises LimitUnavailable where it does not."""
    try:
        return await question
    except (RedisError, OSError) as error:
        raise LimitUnavailable(name, f"{type(error).__name__}: {error}") from error


class RedisLimiter:
    """Implements SharedLimiter for all workers that use the same server, `prefix`, name and buckets.

    `share` says which partitions' spending it answers for where Redis has lost the state; `clock_us` is this worker's.
    `server_us` and `server_run` are for tests and simulations only: without them the server's own clock and run id
    decide.
    """

    def __init__(
        self,
        client: Redis,
        name: str,
        buckets: Sequence[Bucket],
        *,
        prefix: str = "skillstream",
        share: PartitionShare | None = None,
        observe: DecisionObserver = ignore_decision,
        clock_us: Callable[[], int] = monotonic_us,
        server_us: Callable[[], int] | None = None,
        server_run: Callable[[], str] | None = None,
    ) -> None:
        self.name = name
        self.buckets = tuple(buckets)
        self.copy = LimitCopy()
        self._client = client
        self._key = f"{prefix}:limit:{{{name}}}"
        self._share = share
        self._observe = observe
        self._clock_us = clock_us
        self._server_us = server_us
        self._server_run = server_run
        self._script = client.register_script(LEDGER_LUA)
        self._shape = [_shape(bucket) for bucket in self.buckets]

    async def acquire(self, cost: Cost = ONE_CALL) -> Grant:
        """A grant that comes late, to a process that was stopped meanwhile, stays spent: its time is over."""
        costs = costs_of(self.buckets, cost)
        charges = [bucket.charge_us(units) for bucket, units in zip(self.buckets, costs, strict=True)]
        asked_us = self._clock_us()
        admitted, first, second = await self._run("reserve", costs=costs, charges=charges)
        if not admitted:
            bucket, retry_after_us = first.decode(), int(second)
            whose = whose_of(self.buckets, bucket)
            self._observe(Decision(self.name, bucket, whose))
            raise RateLimitExceeded(self.name, bucket, retry_after_us / 1e6, whose)
        if self._clock_us() - asked_us > _STALE_AFTER_US:
            raise LimitUnavailable(self.name, "the answer came too late to be used")
        self._observe(Decision(self.name, None))
        reservation, granted_in = int(first), self.copy.born

        async def settle(used: Cost) -> None:
            real = [bucket.units(used) for bucket in self.buckets]
            if real != costs:
                await self._settle(reservation, granted_in, costs, real)

        return Grant(cost, settle)

    async def charge(self, spent: Cost) -> None:
        """Count what was spent already. Raises LimitUnavailable."""
        await self._settle(0, 0, [0] * len(self.buckets), [bucket.units(spent) for bucket in self.buckets])

    async def rejoin(self, granted: Sequence[str]) -> None:
        """Charge what this worker granted itself while it could not reach Redis, a log for each bucket.

        Raises LimitUnavailable; it may have been charged then, and is charged again by the next.
        """
        await self._run("sync", away=granted)

    async def hold(self, seconds: float) -> None:
        await self._run("hold", hold=hold_us(seconds))

    async def fill(self) -> None:
        await self._run("fill")

    async def ping(self) -> None:
        await self._run("sync")

    async def aclose(self) -> None:
        await self._client.aclose()

    async def spent(self) -> dict[str, int]:
        """Units that still count, by bucket, as Redis has them; changes nothing.

        Raises LimitUnavailable, and ValueError for what no limiter wrote.
        """
        names = ["offset", *(f"l:{bucket.name}" for bucket in self.buckets)]
        offset, *logs = await asked(self.name, self._client.hmget(self._key, names))
        seconds, us = await asked(self.name, self._client.time())
        now_us = (seconds * 1_000_000 + us if self._server_us is None else self._server_us()) + int(offset or 0)
        return {
            bucket.name: units_of(still_counting(unpacked((log or b"").decode()), now_us, bucket.counted_us))
            for bucket, log in zip(self.buckets, logs, strict=True)
        }

    async def _settle(self, reservation: int, granted_in: int, reserved: list[int], used: list[int]) -> None:
        pairs = list(zip(self.buckets, reserved, used, strict=True))
        await self._run(
            "settle",
            reservation=reservation,
            granted_in=granted_in,
            back=[max(0, before - after) for _, before, after in pairs],
            charges_back=[bucket.charge_us(before) - bucket.charge_us(after) for bucket, before, after in pairs],
            owed=[max(0, after - before) for _, before, after in pairs],
            charges_owed=[bucket.charge_us(max(0, after - before)) for bucket, before, after in pairs],
        )

    async def _run(self, op: str, **arguments: Any) -> tuple[int, Any, Any]:
        """Status and what the op says; the state becomes the copy. Raises LimitUnavailable."""
        status, *answer = await self._ask(self.copy, op, arguments)
        while status == _COPY_WANTED:
            status, *answer = await self._ask(self.copy, op, {**arguments, "known": self.copy.all()})
        first, second, *_ = answer
        return status, first, second

    async def _ask(self, copy: LimitCopy, op: str, arguments: dict[str, Any]) -> list[Any]:
        sent_us = self._clock_us()
        request = {
            "op": op,
            "buckets": self._shape,
            "partitions": self._share.held(copy.sent_us) if self._share else [],
            "of": self._share.of if self._share else 0,
            **copy.age(sent_us),
            **arguments,
        }
        if self._server_us is not None:
            request["now"] = self._server_us()
        if self._server_run is not None:
            request["run"] = self._server_run()
        answer: list[Any] = await asked(self.name, self._script(keys=[self._key], args=[json.dumps(request)]))
        if answer[0] != _COPY_WANTED:
            self._learn(LimitCopy.read(answer[3:], sent_us, self._clock_us()))
        return answer

    def _learn(self, copy: LimitCopy) -> None:
        """Keep the newest; answers may overtake each other."""
        if (copy.born, copy.now_us) >= (self.copy.born, self.copy.now_us):
            self.copy = copy


def _shape(bucket: Bucket) -> dict[str, object]:
    return {
        "name": bucket.name,
        "unit": bucket.unit,
        "whose": bucket.whose,
        "limit": bucket.limit,
        "window": bucket.window_us,
        "counted": bucket.counted_us,
        "at_once": bucket.at_once,
        "pace": bucket.pace_us,
        "slot": bucket.slot_us,
    }
