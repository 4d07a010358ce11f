"""What every limiter offers, whichever place its state lives in: reserve, then settle by real usage.

    grant = await limiter.acquire(Cost(calls=1, tokens=900))
    ...the call...
    await grant.settle(tokens=640)

A grant that is never settled stays charged as reserved, which is the safe side: reserve the most that the
call can use.

Limits go by name, so that code says which budget it spends and start-up says how large that is:

    LIMITERS.register(MemoryLimiter("openai_reasoning", [calls_per_minute(), calls_per_hour()]))

    @rate_limit("openai_reasoning")
    async def explain(...): ...

    async with rate_limit("openai_reasoning", Cost(tokens=900)) as grant: ...

How a limit says no:

    Retryable
    ├── RateLimitExceeded   the budget is spent: wait `retry_after_s`
    └── LimitUnavailable    nobody can say what is left: spend nothing
    InvalidInput
    └── CostTooLarge        no wait will ever be long enough
    Fatal
    └── UnknownLimiter      the name was never registered
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from schemas.errors import Fatal, InvalidInput, Retryable
from streams.limits.bucket import NO_COST, ONE_CALL, Cost


class RateLimitExceeded(Retryable):
    """The limit `limiter` refuses for now; `bucket` is the one that takes longest to make room (or `hold`).

    `retry_after_s` is exact: the same request is admitted after that long, if nobody else spends meanwhile. `whose` the
    bucket is, where it is a tenant's: the others need not wait.
    """

    def __init__(self, limiter: str, bucket: str, retry_after_s: float, whose: str = "") -> None:
        super().__init__(f"limit {limiter!r} ({bucket}) is spent: retry in {retry_after_s:.3f} s")
        self.limiter = limiter
        self.bucket = bucket
        self.retry_after_s = retry_after_s
        self.whose = whose


class LimitUnavailable(Retryable):
    """The shared state of a limit cannot be reached, and there is no local share that could serve.

    `whose`: the tenant whose own share could not; nobody's where all have to wait.
    """

    def __init__(self, limiter: str, why: str, whose: str = "") -> None:
        super().__init__(f"limit {limiter!r} is unavailable: {why}")
        self.limiter = limiter
        self.whose = whose


class CostTooLarge(InvalidInput):
    """One request asks for more than a bucket ever holds; `whose` that is, where it is a tenant's."""

    def __init__(self, bucket: str, cost: int, limit: int, whose: str = "") -> None:
        super().__init__("cost_too_large", f"a cost of {cost} can never fit bucket {bucket!r} (limit {limit})")
        self.bucket = bucket
        self.whose = whose


class UnknownLimiter(Fatal):
    """A limiter is asked for by a name that nobody registered."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of a limiter, for counting: `bucket` names what refused, and is None for a grant. `whose` the bucket
    is, where it is a tenant's.
    """

    limiter: str
    bucket: str | None
    whose: str = ""


DecisionObserver = Callable[[Decision], None]


def ignore_decision(_decision: Decision) -> None:
    """The observer that nobody asked for."""


@dataclass(slots=True)
class Grant:
    """Leave to spend `reserved`. Settled or cancelled at most once; a second time does nothing."""

    reserved: Cost
    _settle: Callable[[Cost], Awaitable[None]] = field(repr=False)
    _open: bool = field(default=True, repr=False)

    async def settle(self, *, tokens: int) -> None:
        """Replace the tokens that were reserved by those that were used.

        Unused budget comes back; use beyond the reservation is owed. May raise LimitUnavailable: the reservation then
        stays charged.
        """
        await self.close(replace(self.reserved, tokens=tokens))

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
        """Look at the limit's state, so that it and this worker know of each other.

        Raises LimitUnavailable if it cannot be reached.
        """
        ...

    async def fill(self) -> None:
        """Fill the buckets, and take for unspent what nobody can know: on purpose only. A limit otherwise starts empty,
        and what is known to have been granted counts all the same.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections. Idempotent."""
        ...


class Registry:
    """Limiters by name. A name registered again is replaced: settings changed, or a test began."""

    def __init__(self) -> None:
        self._limiters: dict[str, Limiter] = {}

    def register(self, limiter: Limiter) -> None:
        self._limiters[limiter.name] = limiter

    def __getitem__(self, name: str) -> Limiter:
        """Raises UnknownLimiter, which names the ones that there are."""
        try:
            return self._limiters[name]
        except KeyError:
            known = ", ".join(sorted(self._limiters)) or "none"
            raise UnknownLimiter(f"no limiter is registered as {name!r} (known: {known})") from None

    def __iter__(self) -> Iterator[Limiter]:
        return iter(self._limiters.values())


LIMITERS = Registry()


@asynccontextmanager
async def rate_limit(name: str, cost: Cost = ONE_CALL, *, registry: Registry = LIMITERS) -> AsyncIterator[Grant]:
    """Spend `cost` of the limit `name`: a decorator for async functions, or `async with`.

    The name is looked up at each call, so functions may be decorated before start-up registers limits.
    A body that fails keeps its reservation: nobody knows whether the provider counted it.
    Raises what `Limiter.acquire` raises, before the body runs, and UnknownLimiter.
    """
    yield await registry[name].acquire(cost)
