"""Workers that share a limit in a real Redis, by clocks, lines and server faults under the test's hand."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotConnected

from streams.limits import Bucket, FallbackLimiter, Grant, LimitUnavailable, PartitionShare, RateLimitExceeded
from streams.limits.redis import RedisLimiter
from tests.unit.limits.clock import ManualClock
from tests.unit.limits.promise import most_in_any_window

PARTITIONS = 4


class Line:
    """A client whose line can be cut, as far as a limiter uses one."""

    def __init__(self, client: Redis) -> None:
        self.cut = False
        self._client = client

    def register_script(self, script: str) -> Callable[..., Awaitable[Any]]:
        run = self._client.register_script(script)

        async def run_unless_cut(**arguments: Any) -> Any:
            if self.cut:
                raise NotConnected("the line is cut")
            return await run(**arguments)

        return run_unless_cut

    async def aclose(self) -> None:
        """The client is the test's."""


class Fleet:
    """`size` workers, each with its part of PARTITIONS; what any of them is granted goes to `granted`."""

    def __init__(self, client: Redis, prefix: str, buckets: Sequence[Bucket], size: int) -> None:
        self.clock = ManualClock()
        self.server_ahead_us = 0
        self.server_life = 1
        self.granted: list[tuple[int, int]] = []
        self.by_worker: list[list[tuple[int, int]]] = [[] for _ in range(size)]
        self.lines = [Line(client) for _ in range(size)]
        self.shares = [PartitionShare(PARTITIONS, self.clock) for _ in range(size)]
        self.key = f"{prefix}:limit:{{gpt}}"
        self._client = client
        self._buckets = tuple(buckets)
        self._prefix = prefix
        self.assign({worker: range(worker, PARTITIONS, size) for worker in range(size)})
        self.workers = [self._worker(i) for i in range(size)]

    def _worker(self, i: int) -> FallbackLimiter:
        client = cast(Redis, self.lines[i])
        shared = RedisLimiter(
            client,
            "gpt",
            self._buckets,
            prefix=self._prefix,
            share=self.shares[i],
            clock_us=self.clock,
            server_us=lambda: self.clock() + self.server_ahead_us,
            server_run=lambda: f"{self.server_life:x}",
        )
        return FallbackLimiter(shared, self.shares[i], clock_us=self.clock)

    def assign(self, owned: dict[int, Sequence[int]]) -> None:
        """A rebalance: all give up what they have, then get what they have now."""
        for share in self.shares:
            share.revoke(range(PARTITIONS))
        for worker, partitions in owned.items():
            self.shares[worker].assign(partitions)

    def cut(self, *workers: int, cut: bool = True) -> None:
        """Cut these workers off from Redis, or all."""
        for worker in workers or range(len(self.lines)):
            self.lines[worker].cut = cut

    async def flush(self) -> None:
        await self._client.delete(self.key)

    async def snapshot(self) -> bytes | None:
        return await self._client.dump(self.key)

    async def restart(self, state: bytes | None) -> None:
        """The server comes back with what it had saved."""
        await self.flush()
        if state is not None:
            await self._client.restore(self.key, 0, state)
        self.server_life += 1

    async def ask(self, worker: int) -> bool:
        """One attempt, on the log if it is granted."""
        try:
            grant = await self.workers[worker].acquire()
        except (RateLimitExceeded, LimitUnavailable):
            return False
        assert isinstance(grant, Grant)
        self.granted.append((self.clock.now_us, 1))
        self.by_worker[worker].append((self.clock.now_us, 1))
        return True

    async def heartbeat(self) -> None:
        """What each worker does every few seconds, whether it has anything to spend or not."""
        for worker in self.workers:
            try:
                await worker.ping()
            except LimitUnavailable:
                continue

    async def demand(self, seconds: int, *workers: int, step_s: float = 3.0, heartbeats: bool = True) -> int:
        """These workers (all) ask for more than there is, for so long; how many were granted."""
        before, end_us = len(self.granted), self.clock.now_us + seconds * 1_000_000
        while self.clock.now_us < end_us:
            self.clock.advance(us=min(round(step_s * 1e6), end_us - self.clock.now_us))
            if heartbeats:
                await self.heartbeat()
            for worker in workers or range(len(self.workers)):
                while self.clock.now_us <= end_us and await self.ask(worker):
                    self.clock.advance(us=self._buckets[0].pace_us // 5)
        return len(self.granted) - before

    def is_honoured(self) -> bool:
        """Whether no window of any bucket was ever exceeded."""
        return all(most_in_any_window(self.granted, each.window_us) <= each.limit for each in self._buckets)


async def filled(fleet: Fleet) -> Fleet:
    """The fleet, with full buckets."""
    await fleet.workers[0].fill()
    return fleet
