"""When the shared limiter goes: a share, from empty; when it comes back: first what is owed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.limits import (
    Bucket,
    Cost,
    CostTooLarge,
    FallbackLimiter,
    Grant,
    LimitUnavailable,
    MemoryLimiter,
    RateLimitExceeded,
    calls_per_hour,
    calls_per_minute,
)
from streams.limits.bucket import ONE_CALL
from tests.unit.limits.clock import ManualClock
from tests.unit.limits.promise import is_honoured, most_in_any_window


class Severable(MemoryLimiter):
    """A shared limiter whose line can be cut."""

    cut = False

    def _reach(self) -> None:
        if self.cut:
            raise LimitUnavailable(self.name, "the line is cut")

    async def acquire(self, cost: Cost = ONE_CALL) -> Grant:
        self._reach()
        grant = await super().acquire(cost)

        async def settle(used: Cost) -> None:
            self._reach()
            await grant.close(used)

        return Grant(cost, settle)

    async def absorb(self, spent: Cost, workers: int) -> None:
        self._reach()
        await super().absorb(spent, workers)

    async def hold(self, seconds: float) -> None:
        self._reach()
        await super().hold(seconds)

    async def ping(self) -> None:
        self._reach()


async def granted(limiter: FallbackLimiter) -> bool:
    try:
        await limiter.acquire()
    except (RateLimitExceeded, LimitUnavailable):
        return False
    return True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def shared(clock: ManualClock) -> Severable:
    shared = Severable("gpt", [calls_per_minute(50), calls_per_hour(500)], clock_us=clock)
    await shared.fill()
    return shared


async def test_the_local_share_starts_empty(shared: Severable, clock: ManualClock) -> None:
    worker = FallbackLimiter(shared, 4, clock_us=clock)
    shared.cut = True

    with pytest.raises(RateLimitExceeded) as refused:
        await worker.acquire()
    clock.advance(seconds=refused.value.retry_after_s)
    await worker.acquire()
    assert worker.degraded


async def test_what_was_spent_locally_is_charged_before_the_shared_limit_is_used(
    shared: Severable, clock: ManualClock
) -> None:
    worker = FallbackLimiter(shared, 2, clock_us=clock)
    shared.cut = True
    local = 0
    for _ in range(60):
        clock.advance(seconds=1)
        local += await granted(worker)
    shared.cut = False
    clock.advance(seconds=1)

    assert local > 0
    assert not await granted(worker)  # the shared limit regained a full burst, but this worker spent it
    assert not worker.degraded
    assert not await granted(FallbackLimiter(shared, 2, clock_us=clock))


async def test_a_worker_that_spent_nothing_leaves_the_regained_burst_to_those_who_did(
    shared: Severable, clock: ManualClock
) -> None:
    busy, idle = FallbackLimiter(shared, 2, clock_us=clock), FallbackLimiter(shared, 2, clock_us=clock)
    shared.cut = True
    await granted(idle)
    for _ in range(60):
        clock.advance(seconds=1)
        await granted(busy)
    shared.cut = False

    assert not await granted(idle)
    assert not idle.degraded


async def test_a_short_break_costs_the_others_nothing(shared: Severable, clock: ManualClock) -> None:
    worker = FallbackLimiter(shared, 4, clock_us=clock)
    shared.cut = True
    assert not await granted(worker)
    shared.cut = False
    clock.advance(seconds=1)

    assert [await granted(worker) for _ in range(5)] == [True] * 5


async def test_the_shared_limiter_is_probed_no_more_than_once_a_probe_interval(
    shared: Severable, clock: ManualClock
) -> None:
    worker = FallbackLimiter(shared, 4, clock_us=clock, probe_s=2.0)
    shared.cut = True
    await granted(worker)
    shared.cut = False

    clock.advance(seconds=1.9)
    assert not await granted(worker)
    clock.advance(seconds=0.1)
    assert await granted(worker)


async def test_a_limit_too_small_to_share_grants_nothing_meanwhile(clock: ManualClock) -> None:
    shared = Severable("gpt", [Bucket("calls", 3, 60)], clock_us=clock)
    shared.cut = True
    worker = FallbackLimiter(shared, 4, clock_us=clock)
    for _ in range(100):
        clock.advance(seconds=10)
        with pytest.raises(LimitUnavailable):
            await worker.acquire()


async def test_a_request_too_large_for_a_share_waits_for_the_shared_limit(clock: ManualClock) -> None:
    shared = Severable("gpt", [Bucket("tokens", 1000, 60, burst=500, unit="tokens")], clock_us=clock)
    await shared.fill()
    worker = FallbackLimiter(shared, 4, clock_us=clock)
    with pytest.raises(CostTooLarge):
        await worker.acquire(Cost(tokens=501))
    shared.cut = True
    with pytest.raises(LimitUnavailable):
        await worker.acquire(Cost(tokens=500))
    shared.cut = False
    clock.advance(seconds=1)
    await worker.acquire(Cost(tokens=500))


async def test_a_hold_during_the_outage_holds_this_worker_now_and_the_others_afterwards(
    shared: Severable, clock: ManualClock
) -> None:
    worker, other = FallbackLimiter(shared, 4, clock_us=clock), FallbackLimiter(shared, 4, clock_us=clock)
    shared.cut = True
    await worker.hold(300)
    clock.advance(seconds=200)
    with pytest.raises(RateLimitExceeded) as refused:
        await worker.acquire()
    assert (refused.value.bucket, refused.value.retry_after_s) == ("hold", 100)

    shared.cut = False
    clock.advance(seconds=10)
    for limiter in (worker, other):
        with pytest.raises(RateLimitExceeded) as refused:
            await limiter.acquire()
        assert (refused.value.bucket, refused.value.retry_after_s) == ("hold", 90)


async def test_overuse_that_could_not_be_settled_is_charged_later(clock: ManualClock) -> None:
    shared = Severable("gpt", [Bucket("tokens", 1000, 60, burst=500, unit="tokens")], clock_us=clock)
    await shared.fill()
    worker = FallbackLimiter(shared, 1, clock_us=clock)
    grant = await worker.acquire(Cost(tokens=100))
    shared.cut = True
    await grant.settle(tokens=300)
    shared.cut = False

    with pytest.raises(RateLimitExceeded) as refused:
        await worker.acquire(Cost(tokens=200))
    assert refused.value.retry_after_s == pytest.approx(200 * 0.12, abs=1)


@settings(deadline=None)
@given(
    workers=st.integers(1, 6),
    limit=st.integers(1, 60),
    burst=st.integers(1, 8),
    phases=st.lists(st.tuples(st.booleans(), st.integers(1, 90)), min_size=1, max_size=8),
)
async def test_outages_seen_by_all_workers_never_exceed_the_limit_in_any_window(
    workers: int, limit: int, burst: int, phases: list[tuple[bool, int]]
) -> None:
    clock = ManualClock()
    bucket = Bucket("calls", limit, 60, burst)
    shared = Severable("gpt", [bucket], clock_us=clock)
    await shared.fill()
    fleet = [FallbackLimiter(shared, workers, clock_us=clock) for _ in range(workers)]
    log: list[tuple[int, int]] = []
    local: dict[int, list[tuple[int, int]]] = {worker: [] for worker in range(workers)}
    for cut, seconds in phases:
        shared.cut = cut
        for _ in range(seconds):
            clock.advance(seconds=1)
            for worker, limiter in enumerate(fleet):
                if await granted(limiter):
                    log.append((clock.now_us, 1))
                    if cut:
                        local[worker].append((clock.now_us, 1))

    assert most_in_any_window(log, bucket.window_us) <= limit
    share = bucket.share(workers)
    for spent in local.values():
        assert is_honoured(spent, share) if share else not spent
