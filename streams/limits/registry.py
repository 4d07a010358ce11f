"""Limits by name, so that code says which budget it spends and start-up says how large that is.

LIMITERS.register(MemoryLimiter("openai_reasoning", [calls_per_minute(), calls_per_hour()]))

@rate_limit("openai_reasoning")
async def explain(...): ...

async with rate_limit("openai_reasoning", Cost(tokens=900)) as grant: ...
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from streams.limits.cost import ONE_CALL, Cost
from streams.limits.errors import UnknownLimiter
from streams.limits.limiter import Grant, Limiter


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
