"""Workers, a Redis and all that can happen to both, in any order: no window is ever exceeded."""

import asyncio
from collections.abc import Awaitable
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from streams.limits import Bucket, Grant, LimitUnavailable, RateLimitExceeded
from streams.limits.redis import connect
from tests.contract.fleet import Fleet

BUCKETS = (Bucket("calls/minute", 6, 60, pace=4), Bucket("calls/hour", 20, 600, burst=4))
WORKERS = st.integers(0, 2)


class AnyOrder(RuleBasedStateMachine):
    """A common outage is seen by all workers, and every worker has a heartbeat every 30 s, as real ones do."""

    url: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.client = connect(self.url, timeout_s=30)
        self.fleet = Fleet(self.client, f"test-{uuid4().hex}", BUCKETS, size=3)
        self.snapshot: bytes | None = None
        self.away = False
        self.cancelled = 0

    def wait(self, what: Awaitable[Any]) -> Any:
        """The result, now."""
        return self.loop.run_until_complete(what)

    def teardown(self) -> None:
        self.wait(self.client.delete(self.fleet.key))
        self.wait(self.client.aclose())
        self.loop.close()

    @initialize(seeded=st.booleans())
    def begin(self, seeded: bool) -> None:
        if seeded:
            self.wait(self.fleet.workers[0].fill())
        self.wait(self.fleet.heartbeat())

    @rule(seconds=st.sampled_from([0.001, 0.5, 2.0, 7.0, 29.0]))
    def time_passes(self, seconds: float) -> None:
        self.fleet.clock.advance(seconds=seconds)

    @rule(times=st.integers(2, 22))
    def a_longer_time_passes(self, times: int) -> None:
        for _ in range(times):
            self.fleet.clock.advance(seconds=30)
            self.wait(self.fleet.heartbeat())

    @rule(worker=WORKERS, times=st.integers(1, 8))
    def a_worker_asks(self, worker: int, times: int) -> None:
        for _ in range(times):
            self.wait(self.fleet.ask(worker))

    @rule()
    def all_ask_as_soon_as_they_may(self) -> None:
        self.wait(self.fleet.demand(40, step_s=5.0))

    @rule(worker=WORKERS)
    def a_call_is_cancelled(self, worker: int) -> None:
        async def cancelled() -> None:
            grant = await self.fleet.workers[worker].acquire()
            assert isinstance(grant, Grant)
            await grant.cancel()

        try:
            self.wait(cancelled())
        except (RateLimitExceeded, LimitUnavailable):
            self.cancelled += 1

    @rule(worker=WORKERS, seconds=st.integers(0, 40))
    def the_provider_says_wait(self, worker: int, seconds: int) -> None:
        self.wait(self.fleet.workers[worker].hold(seconds))

    @precondition(lambda self: not self.away)
    @rule()
    def redis_goes_away(self) -> None:
        self.fleet.cut()
        self.away = True

    @precondition(lambda self: self.away)
    @rule(seconds=st.integers(0, 300))
    def redis_is_away_for_a_while_and_back(self, seconds: int) -> None:
        self.wait(self.fleet.demand(seconds, step_s=10.0))
        self.fleet.cut(cut=False)
        self.fleet.clock.advance(seconds=1)
        self.away = False

    @rule()
    def redis_is_flushed(self) -> None:
        self.wait(self.fleet.flush())

    @rule()
    def a_snapshot_is_taken(self) -> None:
        self.snapshot = self.wait(self.fleet.snapshot())

    @rule()
    def redis_restarts_with_the_snapshot(self) -> None:
        self.wait(self.fleet.restart(self.snapshot))

    @rule(seconds=st.sampled_from([-3600, -5, 5, 3600]))
    def the_servers_clock_steps(self, seconds: int) -> None:
        self.fleet.server_ahead_us += seconds * 1_000_000

    @rule(first=WORKERS)
    def partitions_move(self, first: int) -> None:
        self.fleet.assign({first: (0, 1), (first + 1) % 3: (2,), (first + 2) % 3: (3,)})

    @rule(field=st.sampled_from(["rate", "hold", "at", "run", "offset"]), value=st.sampled_from([b"0", b"nan", b"-7"]))
    def a_value_makes_no_sense(self, field: str, value: bytes) -> None:
        async def spoil() -> None:
            await self.client.hset(self.fleet.key, field, value)

        self.wait(spoil())

    @invariant()
    def no_window_is_exceeded(self) -> None:
        assert self.fleet.is_honoured()


@pytest.mark.parametrize("examples", [25])
def test_no_window_is_exceeded_whatever_happens_in_whatever_order(redis_url: str, examples: int) -> None:
    AnyOrder.url = redis_url
    run_state_machine_as_test(AnyOrder, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None))
