"""A limiter within one process: for one worker, for each worker's share where there is no Redis or it is away."""

import time
from collections.abc import Callable, Sequence

from streams.limits.bucket import ONE_CALL, Bucket, Cost
from streams.limits.ledger import Portion, Refused, costs_of, hold_us, whose_of
from streams.limits.limiter import (
    Decision,
    DecisionObserver,
    Grant,
    LimitUnavailable,
    RateLimitExceeded,
    ignore_decision,
)
from streams.limits.redis_copy import LimitCopy
from streams.limits.share import PartitionShare
from streams.limits.window import Granted


def monotonic_us() -> int:
    return time.monotonic_ns() // 1_000


class MemoryLimiter:
    """Implements Limiter for the tasks of one event loop. Forgets all at exit.

    Goes on from `copy`, else starts empty. Spends its `share` only, all of the limit without one; partitions that it
    gets later count when the worker before can have spent nothing of them within a window.
    """

    def __init__(
        self,
        name: str,
        buckets: Sequence[Bucket],
        *,
        share: PartitionShare | None = None,
        copy: LimitCopy | None = None,
        clock_us: Callable[[], int] = monotonic_us,
        observe: DecisionObserver = ignore_decision,
    ) -> None:
        self.name = name
        self.buckets = tuple(buckets)
        self._share = share or PartitionShare.all(clock_us)
        self._copy = copy or LimitCopy()
        self._clock_us = clock_us
        self._observe = observe
        self._began_us = clock_us()
        self._ledger = self._copy.ledger(buckets, self._began_us)
        self._own_after_us = self._ledger.last_us

    async def acquire(self, cost: Cost = ONE_CALL) -> Grant:
        """Raises LimitUnavailable where the share is too small for the cost."""
        costs = costs_of(self.buckets, cost)
        answer = self._ledger.reserve(costs, self._now_us(), self._portions(costs))
        if isinstance(answer, Refused):
            whose = whose_of(self.buckets, answer.bucket)
            self._observe(Decision(self.name, answer.bucket, whose))
            raise RateLimitExceeded(self.name, answer.bucket, answer.retry_after_us / 1e6, whose)
        self._observe(Decision(self.name, None))

        async def settle(used: Cost) -> None:
            real = [bucket.units(used) for bucket in self.buckets]
            if real != costs:
                self._ledger.settle(answer.reservation, costs, real, self._now_us())

        return Grant(cost, settle)

    def charge(self, spent: Cost) -> None:
        """Count what was spent already."""
        self._ledger.charge([bucket.units(spent) for bucket in self.buckets], self._now_us())

    def granted(self) -> list[list[Granted]]:
        """What it granted itself and still counts, a log for each bucket."""
        return [[entry for entry in state.log if entry.at_us > self._own_after_us] for state in self._ledger.states]

    async def hold(self, seconds: float) -> None:
        self._ledger.hold(hold_us(seconds), self._now_us())

    async def fill(self) -> None:
        self._ledger.fill(self._now_us())

    async def ping(self) -> None:
        """Always there."""

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _now_us(self) -> int:
        return self._copy.time_us(self._clock_us())

    def _portions(self, costs: Sequence[int]) -> list[Portion]:
        """What may be spent of each bucket."""
        now_us, portions = self._clock_us(), []
        for bucket, cost in zip(self.buckets, costs, strict=True):
            held = len(self._share.held(max(self._began_us, now_us - bucket.counted_us - 1)))
            if cost * self._share.of > bucket.limit * held:
                why = f"this worker's share of {bucket.name} is too small for {cost}"
                raise LimitUnavailable(self.name, why, bucket.whose)
            portions.append(Portion(max(1, held), self._share.of))
        return portions
