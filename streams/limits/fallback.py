"""Redis, and while it is away this worker's share of the limit: never the full limit, never unlimited.

    on Redis ──it fails──► on the local share, which goes on from what was known,
        ▲                               │ and counts what was not as spent
        │                               │ every probe_s, by whoever needs a grant
        └── it answers, and is told ◄───┘
            what was granted locally

A share is the worker's partitions' part of all partitions: workers that lose Redis together never spend more than the
limit together, whatever their number. What this cannot do: a worker that alone is cut off, while the others still
reach Redis, spends its share on top of theirs; nobody can tell them.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from streams.limits.bucket import ONE_CALL, Bucket, Cost
from streams.limits.ledger import hold_us
from streams.limits.limiter import DecisionObserver, Grant, Limiter, LimitUnavailable, ignore_decision
from streams.limits.memory import MemoryLimiter, monotonic_us
from streams.limits.redis_copy import LimitCopy, packed
from streams.limits.share import PartitionShare


class SharedLimiter(Limiter, Protocol):
    """A limiter that can be told of spending which it did not grant."""

    @property
    def buckets(self) -> tuple[Bucket, ...]: ...

    @property
    def copy(self) -> LimitCopy:
        """Its state, as far as this worker knows."""
        ...

    async def charge(self, spent: Cost) -> None:
        """Count what was spent. Raises LimitUnavailable."""
        ...

    async def rejoin(self, granted: Sequence[str]) -> None:
        """Count what this worker granted itself, a log for each bucket. Raises LimitUnavailable."""
        ...


class FallbackLimiter:
    """Implements Limiter over a shared one. While that is away it is asked again every `probe_s` seconds."""

    def __init__(
        self,
        shared: SharedLimiter,
        share: PartitionShare,
        *,
        probe_s: float = 1.0,
        clock_us: Callable[[], int] = monotonic_us,
        observe: DecisionObserver = ignore_decision,
    ) -> None:
        self.name = shared.name
        self._shared = shared
        self._share = share
        self._probe_us = round(probe_s * 1e6)
        self._clock_us = clock_us
        self._observe = observe
        self._local: MemoryLimiter | None = None
        self._held_until_us = 0
        self._probe_at_us = 0
        self._turn = asyncio.Lock()

    @property
    def degraded(self) -> bool:
        """Whether this worker lives on its local share."""
        return self._local is not None

    async def acquire(self, cost: Cost = ONE_CALL) -> Grant:
        """Raises LimitUnavailable, too, where the local share is too small for the cost."""
        async with self._turn:  # what was granted here is charged once, and before anyone uses Redis again
            if self._local is None or self._clock_us() >= self._probe_at_us:
                try:
                    await self._come_back()
                    return self._settled_here(await self._shared.acquire(cost))
                except LimitUnavailable:
                    await self._fall_back()
            assert self._local is not None, "_fall_back made it"
            return self._settled_here(await self._local.acquire(cost))

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
        """Notice, too, that the shared limit is away or back: all workers must, also those with nothing to spend."""
        async with self._turn:
            try:
                await self._come_back()
                await self._shared.ping()
            except LimitUnavailable:
                await self._fall_back()
                raise

    async def fill(self) -> None:
        """Fill the shared limit; a local share is never filled."""
        await self._shared.fill()

    async def aclose(self) -> None:
        await self._shared.aclose()

    async def _come_back(self) -> None:
        if self._local is None:
            return
        await self._shared.rejoin([packed(log) for log in self._local.granted()])
        self._local = None
        if self._held_s() > 0:
            await self._shared.hold(self._held_s())

    async def _fall_back(self) -> None:
        self._probe_at_us = self._clock_us() + self._probe_us
        if self._local is None:
            self._local = MemoryLimiter(
                self.name,
                self._shared.buckets,
                share=self._share,
                copy=self._shared.copy,
                clock_us=self._clock_us,
                observe=self._observe,
            )
            if self._held_s() > 0:
                await self._local.hold(self._held_s())

    def _settled_here(self, grant: Grant) -> Grant:
        """The grant, whose settlement reaches Redis, or the local share, whichever is in use by then."""
        granted_by = self._local

        async def settle(used: Cost) -> None:
            async with self._turn:
                try:
                    await self._settle(grant, used, in_time=self._local is granted_by)
                except LimitUnavailable:
                    await self._fall_back()
                    assert self._local is not None, "_fall_back made it"
                    self._local.charge(used.beyond(grant.reserved))

        return Grant(grant.reserved, settle)

    async def _settle(self, grant: Grant, used: Cost, *, in_time: bool) -> None:
        """Raises LimitUnavailable. What nobody who could give it back has granted stays spent."""
        owed = used.beyond(grant.reserved)
        if in_time:
            await grant.close(used)
        elif self._local is not None:
            self._local.charge(owed)
        elif owed.calls or owed.tokens:
            await self._shared.charge(owed)

    def _held_s(self) -> float:
        return max(0, self._held_until_us - self._clock_us()) / 1e6
