"""A limiter within one process: for the laptop, for one worker, for a worker's share when Redis is away."""

import time
from collections.abc import Callable, Sequence

from streams.limits.bucket import ONE_CALL, Bucket, Cost
from streams.limits.ledger import LimitLedger, Refused, absorbed_us, costs_of, deltas_us, hold_us
from streams.limits.limiter import Decision, DecisionObserver, Grant, RateLimitExceeded, ignore_decision


def monotonic_us() -> int:
    return time.monotonic_ns() // 1_000


class MemoryLimiter:
    """Implements SharedLimiter for the tasks of one event loop. Starts empty; forgets all at exit."""

    def __init__(
        self,
        name: str,
        buckets: Sequence[Bucket],
        *,
        clock_us: Callable[[], int] = monotonic_us,
        observe: DecisionObserver = ignore_decision,
    ) -> None:
        self.name = name
        self.buckets = tuple(buckets)
        self._clock_us = clock_us
        self._observe = observe
        self._ledger = LimitLedger(buckets, clock_us())

    async def acquire(self, cost: Cost = ONE_CALL) -> Grant:
        answer = self._ledger.reserve(costs_of(self.buckets, cost), self._clock_us())
        if isinstance(answer, Refused):
            self._observe(Decision(self.name, answer.bucket))
            raise RateLimitExceeded(self.name, answer.bucket, answer.retry_after_us / 1e6)
        self._observe(Decision(self.name, None))

        async def settle(used: Cost) -> None:
            deltas = deltas_us(self.buckets, cost, used, answer.rate_permille)
            self._ledger.settle(answer.reservation, deltas, self._clock_us())

        return Grant(cost, settle)

    async def absorb(self, spent: Cost, workers: int) -> None:
        self._ledger.absorb(*absorbed_us(self.buckets, spent, workers), self._clock_us())

    async def hold(self, seconds: float) -> None:
        now_us = self._clock_us()
        self._ledger.hold(now_us + hold_us(seconds), now_us)

    async def fill(self) -> None:
        self._ledger.fill(self._clock_us())

    async def ping(self) -> None:
        """Always there."""

    async def aclose(self) -> None:
        """Nothing to let go of."""
