"""Redis, and while it is away this worker's share of the limit: never the full limit, never unlimited.

    on Redis ──it fails──► on the local share (limit / workers), which starts empty
        ▲                               │ every probe_s, by whoever needs a grant
        └── it answers, and is charged ◄┘
            what was spent locally

What this cannot do: a worker that alone is cut off, while the others still reach Redis, spends its share on
top of theirs (at most limit · (1 + 1/workers)); nobody can tell them.
"""

import asyncio
from collections.abc import Callable

from streams.limits.bucket import NO_COST, ONE_CALL, Cost
from streams.limits.ledger import hold_us
from streams.limits.limiter import (
    CostTooLarge,
    DecisionObserver,
    Grant,
    LimitUnavailable,
    RateLimitExceeded,
    SharedLimiter,
    ignore_decision,
)
from streams.limits.memory import MemoryLimiter, monotonic_us


class FallbackLimiter:
    """Implements Limiter over a shared one. `workers` is the most workers that ever share the limit.

    While the shared limiter is away it is asked again every `probe_s` seconds, by whoever needs a grant.
    """

    def __init__(
        self,
        shared: SharedLimiter,
        workers: int,
        *,
        probe_s: float = 1.0,
        clock_us: Callable[[], int] = monotonic_us,
        observe: DecisionObserver = ignore_decision,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self.name = shared.name
        self._shared = shared
        self._workers = workers
        self._probe_us = round(probe_s * 1e6)
        self._clock_us = clock_us
        self._observe = observe
        self._local: MemoryLimiter | None = None
        self._held_until_us = 0
        self._probe_at_us = 0
        self._fell_back_at_us = 0
        self._owed = NO_COST
        self._turn = asyncio.Lock()

    @property
    def degraded(self) -> bool:
        """Whether this worker lives on its local share."""
        return self._local is not None

    async def acquire(self, cost: Cost = ONE_CALL) -> Grant:
        async with self._turn:  # what is owed is charged once, and before anyone uses Redis again
            if self._local is None or self._clock_us() >= self._probe_at_us:
                try:
                    return await self._acquire_shared(cost)
                except LimitUnavailable:
                    await self._fall_back()
            return await self._acquire_local(self._local, cost)

    async def hold(self, seconds: float) -> None:
        """Hold all workers, or this one while the others cannot be told; they are told when Redis is back."""
        async with self._turn:
            self._held_until_us = max(self._held_until_us, self._clock_us() + hold_us(seconds))
            if self._local is not None:
                await self._local.hold(seconds)
                return
            try:
                await self._shared.hold(seconds)
            except LimitUnavailable:
                await self._fall_back()

    async def ping(self) -> None:
        await self._shared.ping()

    async def fill(self) -> None:
        """Fill the shared limit; a local share is never filled."""
        await self._shared.fill()

    async def aclose(self) -> None:
        await self._shared.aclose()

    async def _acquire_shared(self, cost: Cost) -> Grant:
        if self._owed != NO_COST or self._others_may_owe(cost):
            await self._repay()
        if self._local is not None and self._held_s() > 0:
            await self._shared.hold(self._held_s())
        try:
            grant = await self._shared.acquire(cost)
        except RateLimitExceeded:
            self._local = None  # a refusal, too, shows that Redis is back
            raise
        self._local = None

        async def settle(used: Cost) -> None:
            try:
                await grant.close(used)
            except LimitUnavailable:
                self._owed = self._owed.plus(used.beyond(cost))

        return Grant(cost, settle)

    async def _repay(self) -> None:
        owed, self._owed = self._owed, NO_COST  # a grant settled meanwhile may owe more
        try:
            await self._shared.absorb(owed, self._workers)
        except LimitUnavailable:
            self._owed = self._owed.plus(owed)
            raise

    async def _acquire_local(self, local: MemoryLimiter | None, cost: Cost) -> Grant:
        if local is None or len(local.buckets) < len(self._shared.buckets):
            raise LimitUnavailable(self.name, f"it is too small to share among {self._workers} workers")
        try:
            grant = await local.acquire(cost)
        except CostTooLarge as error:
            raise LimitUnavailable(self.name, f"a local share is too small: {error}") from error
        self._owed = self._owed.plus(cost)

        async def settle(used: Cost) -> None:
            self._owed = self._owed.plus(used.beyond(cost))
            await grant.close(used)

        return Grant(cost, settle)

    async def _fall_back(self) -> None:
        self._probe_at_us = self._clock_us() + self._probe_us
        if self._local is None:
            shares = [bucket.share(self._workers) for bucket in self._shared.buckets]
            self._fell_back_at_us = self._clock_us()
            self._local = MemoryLimiter(
                self.name,
                [share for share in shares if share is not None],
                clock_us=self._clock_us,
                observe=self._observe,
            )
            if self._held_s() > 0:
                await self._local.hold(self._held_s())

    def _others_may_owe(self, cost: Cost) -> bool:
        """Whether the outage was long enough for a share, which starts empty, to have granted such a request.

        Then the burst that Redis regained meanwhile is not to be spent, even if this worker spent nothing. A
        shorter one must cost nothing, or one worker's bad connection would keep it empty for all.
        """
        if self._local is None:
            return False
        refill_us = max((b.charge_us(cost.of(b.unit)) for b in self._local.buckets), default=0)
        return self._clock_us() - self._fell_back_at_us >= refill_us

    def _held_s(self) -> float:
        return max(0, self._held_until_us - self._clock_us()) / 1e6
