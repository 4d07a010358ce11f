"""What every limiter offers, whichever place its state lives in: reserve, then settle by real usage.

    grant = await limiter.acquire(Cost(calls=1, tokens=900, micro_usd=4000))
    ...the call...
    await grant.settle(tokens=640, micro_usd=2900)

A grant that is never settled stays charged as reserved, which is the safe side: reserve the most that the
call can use.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from streams.limits.bucket import Bucket
from streams.limits.cost import NO_COST, ONE_CALL, Cost


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of a limiter, for counting: `bucket` names what refused, and is None for a grant."""

    limiter: str
    bucket: str | None


DecisionObserver = Callable[[Decision], None]


def ignore_decision(_decision: Decision) -> None:
    """The observer that nobody asked for."""


@dataclass(slots=True)
class Grant:
    """Leave to spend `reserved`. Settled or cancelled at most once; a second time does nothing."""

    reserved: Cost
    _settle: Callable[[Cost], Awaitable[None]] = field(repr=False)
    _open: bool = field(default=True, repr=False)

    async def settle(self, *, tokens: int | None = None, micro_usd: int | None = None) -> None:
        """Replace what was reserved by what was used; None keeps the reserved amount.

        Unused budget comes back as far as the bucket had not regained it anyway; use beyond the reservation
        is owed. May raise LimitUnavailable: the reservation then stays charged.
        """
        used = replace(
            self.reserved,
            tokens=self.reserved.tokens if tokens is None else tokens,
            micro_usd=self.reserved.micro_usd if micro_usd is None else micro_usd,
        )
        await self.close(used)

    async def cancel(self) -> None:
        """Give everything back: only where the call was certainly never sent."""
        await self.close(NO_COST)

    async def close(self, used: Cost) -> None:
        """Settle by the whole of what was used."""
        if self._open:
            self._open = False
            await self._settle(used)


class Limiter(Protocol):
    """A named limit: several buckets, taken all or nothing. Safe to share among tasks."""

    @property
    def name(self) -> str: ...

    async def acquire(self, cost: Cost = ONE_CALL) -> Grant:
        """Reserve `cost` at once or not at all; never waits for budget.

        Raises RateLimitExceeded (when to come back), LimitUnavailable (nobody can say), or CostTooLarge.
        """
        ...

    async def hold(self, seconds: float) -> None:
        """Admit nothing for `seconds`, and halve the rate: the provider said 429. Holds all who share."""
        ...

    async def ping(self) -> None:
        """Raise LimitUnavailable if the limit's state cannot be reached."""
        ...

    async def fill(self) -> None:
        """Grant the whole burst at once, on purpose: a limit otherwise starts empty, and so after a flush."""
        ...

    async def aclose(self) -> None:
        """Let go of connections. Idempotent."""
        ...


class SharedLimiter(Limiter, Protocol):
    """A limiter that can be told of spending which it did not grant."""

    @property
    def buckets(self) -> tuple[Bucket, ...]: ...

    async def absorb(self, spent: Cost, workers: int) -> None:
        """Charge `spent`, granted by one of `workers` out of local shares, and leave no burst behind it.

        Raises LimitUnavailable, having charged nothing as far as anyone can know.
        """
        ...
