"""One suite, two backends: what one tenant spends, or uses up, takes nothing of another's."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from schemas.errors import SkillstreamError
from streams.limits import Bucket, CostTooLarge, Limiter, RateLimitExceeded, calls_per_hour, calls_per_minute
from streams.limits.bucket import Cost
from streams.spending.account import MoneySpent, Reservation, SpendingAccount, Used
from streams.spending.answers import Crossed
from streams.spending.limits import NO_SCHOOL, ScopeLimits, SpendingLimits
from streams.spending.memory import MemoryAccount
from streams.spending.redis import RedisAccount
from streams.spending.usage import TokenUsage
from tests.contract.fleet import Fleet, filled
from tests.contract.limiters import MakeLimiter, client, in_memory, in_redis, make, prefix
from tests.contract.spending import NOON_US
from tests.unit.limits.clock import ManualClock
from tests.unit.limits.promise import is_honoured

__all__ = ["client", "in_redis", "make", "prefix"]
LIMITS = SpendingLimits(
    ScopeLimits(tokens_per_minute=1_000, day=1_000, month=3_000),
    ScopeLimits(day=1_000),
    {
        "north": ScopeLimits(tokens_per_minute=300, day=300),
        "south": ScopeLimits(day=600, month=900),
        "free": ScopeLimits(),
    },
)
TENANTS = ("north", "south", "free", "unsigned")
CALLS = (
    calls_per_minute(20),
    calls_per_hour(60, "burst"),
    calls_per_minute(3, "north"),
    calls_per_hour(5, "burst", "north"),
    calls_per_minute(10, "south"),
)
backends = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
Open = Callable[[ManualClock, list[Crossed]], SpendingAccount]


@pytest.fixture
def shared(client: Redis, prefix: str) -> Open:
    numbers = count()

    def opened(clock: ManualClock, crossed: list[Crossed]) -> SpendingAccount:
        name = f"{prefix}-{next(numbers)}"
        return RedisAccount(client, LIMITS, prefix=name, clock_us=clock, on_crossed=crossed.append)

    return opened


def alone(clock: ManualClock, crossed: list[Crossed]) -> SpendingAccount:
    return MemoryAccount(LIMITS, clock_us=clock, on_crossed=crossed.append)


@pytest.fixture(params=["memory", "redis"])
def opened(request: pytest.FixtureRequest) -> Open:
    return alone if request.param == "memory" else request.getfixturevalue("shared")


async def attempt(
    account: SpendingAccount, tenant: str, nano_usd: int, tokens: int = 0, school: str = NO_SCHOOL
) -> Reservation | MoneySpent | RateLimitExceeded | CostTooLarge:
    try:
        return await account.reserve(school, "gpt-4.1", tokens, nano_usd, tenant)
    except (MoneySpent, RateLimitExceeded, CostTooLarge) as refused:
        return refused


async def pay(account: SpendingAccount, tenant: str, nano_usd: int) -> bool:
    reserved = await attempt(account, tenant, nano_usd)
    if not isinstance(reserved, Reservation):
        return False
    await account.settle(reserved, Used("gpt-4.1", TokenUsage(0, 0), nano_usd))
    return True


async def begun(opened: Open, clock: ManualClock, crossed: list[Crossed] | None = None) -> SpendingAccount:
    account = opened(clock, [] if crossed is None else crossed)
    await account.begin()
    return account


# -- money and tokens


async def test_a_tenant_without_money_leaves_the_others_theirs_and_its_limit_has_its_name(opened: Open) -> None:
    crossed: list[Crossed] = []
    account = await begun(opened, ManualClock(NOON_US), crossed)
    assert await pay(account, "north", 300)
    refused = await attempt(account, "north", 1)
    assert isinstance(refused, MoneySpent)
    assert (refused.limit, refused.whose, refused.retry_after_s) == ("tenant usd/day", "north", 12 * 3_600)
    assert await pay(account, "south", 600)
    assert await pay(account, "free", 100)
    refused = await attempt(account, "free", 1)
    assert isinstance(refused, MoneySpent)
    assert (refused.limit, refused.whose) == ("usd/day", "")
    assert Crossed("\tnorth", "day", 100) in crossed


async def test_the_balance_says_what_each_tenant_has_spent_and_who_has_nothing_left(opened: Open) -> None:
    account = await begun(opened, ManualClock(NOON_US))
    await pay(account, "north", 290)
    await pay(account, "north", 20)
    await pay(account, "south", 40)
    tenants = (await account.look()).tenants
    assert {name: of.sums[0].nano_usd for name, of in tenants.items()} == {"north": 290, "south": 40}
    assert {name: of.full for name, of in tenants.items()} == {
        "north": (True, False, False),
        "south": (False, False, False),
    }
    await pay(account, "north", 5)
    assert (await account.look()).tenants["north"].full == (False, False, False)


async def test_a_refusal_takes_from_nobody(opened: Open) -> None:
    account = await begun(opened, ManualClock(NOON_US))
    assert isinstance(await attempt(account, "north", 10, tokens=301), CostTooLarge)
    assert isinstance(await attempt(account, "south", 601), CostTooLarge)
    balance = await account.look()
    assert (balance.sums[0].nano_usd, balance.tokens) == (0, 0)
    assert {of.sums[0].nano_usd for of in balance.tenants.values()} == {0}


async def test_the_tokens_of_a_tenants_minute_are_waited_for_by_it_alone(opened: Open) -> None:
    account = await begun(opened, ManualClock(NOON_US))
    assert isinstance(await attempt(account, "north", 0, tokens=300), Reservation)
    refused = await attempt(account, "north", 0, tokens=1)
    assert isinstance(refused, RateLimitExceeded)
    assert (refused.bucket, refused.whose, refused.retry_after_s) == ("tenant tokens/minute", "north", 61.0)
    assert isinstance(await attempt(account, "south", 0, tokens=700), Reservation)


async def test_a_school_may_have_a_tenants_name_and_shares_nothing_with_it(opened: Open) -> None:
    account = await begun(opened, ManualClock(NOON_US))
    assert await pay(account, "north", 300)
    assert isinstance(await attempt(account, "south", 300, school="north"), Reservation)


spending = st.lists(
    st.tuples(
        st.sampled_from(["pay"] * 6 + ["open", "settle", "wait"]),
        st.sampled_from(TENANTS),
        st.integers(1, 320),
        st.integers(0, 120),
    ),
    max_size=30,
)


@backends
@given(steps=spending)
async def test_no_tenant_exceeds_its_limit_whoever_spends_and_both_ledgers_agree(
    shared: Open, steps: list[tuple[str, str, int, int]]
) -> None:
    async def played(opened: Open) -> list[str]:
        clock, crossed, said, open_ = ManualClock(NOON_US), list[Crossed](), list[str](), list[Reservation]()
        account, spent = await begun(opened, clock, crossed), dict.fromkeys(TENANTS, 0)
        for step, tenant, nano_usd, tokens in steps:
            if step == "pay":
                spent[tenant] += nano_usd * await pay(account, tenant, nano_usd)
            elif step == "wait":
                clock.advance(seconds=nano_usd)
            elif step == "open":
                answer: Reservation | SkillstreamError = await attempt(account, tenant, nano_usd, tokens)
                if isinstance(answer, Reservation):
                    spent[tenant] += nano_usd
                    open_.append(answer)
                said.append(str(answer))
            elif open_:
                reserved = open_.pop()
                used = min(nano_usd, reserved.nano_usd)
                spent[reserved.admitted.tenant] += used - reserved.nano_usd
                await account.settle(reserved, Used("gpt-4.1", TokenUsage(tokens, 0), used))
            assert spent["north"] <= 300
            assert spent["south"] <= 600
            assert sum(spent.values()) <= 1_000
            balance = await account.look()
            assert {name: of.sums[0].nano_usd for name, of in balance.tenants.items()} == {
                name: spent[name] for name in ("north", "south")
            }
            said.append(str((balance.sums, balance.tokens, balance.full, balance.tenants)))
        return [*said, *map(str, crossed)]

    assert await played(shared) == await played(alone)


async def test_a_ledger_that_forgets_is_told_what_tenants_have_spent(client: Redis, prefix: str) -> None:
    clock = ManualClock(NOON_US)
    workers = [RedisAccount(client, LIMITS, prefix=prefix, clock_us=clock) for _ in range(2)]
    await workers[0].begin()
    await pay(workers[0], "north", 250)
    for worker in workers:
        await worker.look()
    await client.delete(f"{prefix}:spending:{{openai_reasoning}}")
    for worker in workers:
        await worker.look()
    clock.advance(seconds=10)
    assert isinstance(await attempt(workers[1], "north", 51), MoneySpent)
    assert isinstance(await attempt(workers[1], "north", 50), Reservation)


async def test_a_ledger_that_begins_anew_keeps_those_waiting_whose_money_is_limited(client: Redis, prefix: str) -> None:
    clock, limits = ManualClock(NOON_US), SpendingLimits(tenants={"north": ScopeLimits(day=300)})
    account = RedisAccount(client, limits, prefix=prefix, clock_us=clock)
    await account.begin()
    await account.look()
    await client.delete(f"{prefix}:spending:{{openai_reasoning}}")
    refused = await attempt(account, "north", 1)
    assert isinstance(refused, RateLimitExceeded)
    assert (refused.bucket, refused.whose, refused.retry_after_s) == ("tenant ledger", "north", 10.0)
    assert isinstance(await attempt(account, "south", 1), Reservation)


async def test_tenants_take_no_place_among_schools(client: Redis, prefix: str) -> None:
    account = RedisAccount(client, LIMITS, prefix=prefix, clock_us=ManualClock(NOON_US))
    await account.begin()
    for tenant in TENANTS:
        await pay(account, tenant, 10)
    assert [*await account.schools()] == [NO_SCHOOL]
    assert [*await account.tenants()] == sorted(TENANTS)
    assert await client.hget(f"{prefix}:spending:{{openai_reasoning}}", "schools") == b"1"


# -- calls


def of(whose: str) -> Cost:
    return Cost(whose=whose)


async def refused_by(limiter: Limiter, whose: str) -> RateLimitExceeded | None:
    try:
        await limiter.acquire(of(whose))
    except RateLimitExceeded as refused:
        return refused
    return None


async def test_a_tenant_that_used_up_its_calls_leaves_the_others_theirs(make: MakeLimiter) -> None:
    clock = ManualClock()
    limiter = make(CALLS, clock)
    await limiter.fill()
    for _ in range(3):
        assert await refused_by(limiter, "north") is None
    refused = await refused_by(limiter, "north")
    assert refused is not None
    assert (refused.bucket, refused.whose) == ("north calls/minute", "north")
    for whose in ("south", ""):
        assert await refused_by(limiter, whose) is None
    clock.advance(seconds=30)  # past the pace of five in a row
    for whose in ("south", "", "elsewhere"):
        assert await refused_by(limiter, whose) is None


async def test_the_limits_of_all_hold_for_a_tenant_that_may_more(make: MakeLimiter) -> None:
    limiter = make([Bucket("calls/minute", 2, 60), Bucket("north calls/minute", 50, 60, whose="north")], ManualClock())
    await limiter.fill()
    assert [await refused_by(limiter, "north") for _ in range(2)] == [None, None]
    refused = await refused_by(limiter, "north")
    assert refused is not None
    assert (refused.bucket, refused.whose) == ("calls/minute", "")


async def test_a_call_that_was_not_made_comes_back_to_its_tenant(make: MakeLimiter) -> None:
    limiter = make([Bucket("calls/minute", 9, 60), Bucket("north calls/minute", 1, 60, whose="north")], ManualClock())
    await limiter.fill()
    await (await limiter.acquire(of("north"))).cancel()
    assert await refused_by(limiter, "north") is None
    assert await refused_by(limiter, "north") is not None


calls = st.lists(
    st.tuples(st.integers(0, 30_000_000), st.sampled_from(["north", "south", "", "elsewhere"]), st.booleans()),
    max_size=40,
)


@backends
@given(schedule=calls)
async def test_whoever_calls_no_bucket_is_exceeded_and_both_backends_agree(
    in_redis: MakeLimiter, schedule: list[tuple[int, str, bool]]
) -> None:
    async def played(make: MakeLimiter) -> list[tuple[str, float, str] | None]:
        clock = ManualClock()
        limiter, said = make(CALLS, clock), list[tuple[str, float, str] | None]()
        await limiter.fill()
        granted: list[tuple[int, str]] = []
        for gap_us, whose, is_made in schedule:
            clock.advance(us=gap_us)
            try:
                grant = await limiter.acquire(of(whose))
            except RateLimitExceeded as refused:
                said.append((refused.bucket, refused.retry_after_s, refused.whose))
                continue
            if is_made:
                granted.append((clock.now_us, whose))
            else:
                await grant.cancel()
            said.append(None)
        for bucket in CALLS:
            assert is_honoured([(at, 1) for at, whose in granted if bucket.whose in ("", whose)], bucket)
        return said

    assert await played(in_redis) == await played(in_memory)


async def test_what_redis_lost_is_bounded_by_the_limits_of_all_and_not_by_a_small_tenants(
    client: Redis, prefix: str
) -> None:
    """The doubt about the calls of all must not be cut to the limit of a tenant that is charged some of them only."""
    buckets = (calls_per_minute(10), calls_per_hour(60, "burst"), calls_per_minute(1, "north"))
    fleet = await filled(Fleet(client, prefix, buckets, size=2))
    await fleet.ask(0)
    fleet.clock.advance(seconds=1)
    assert await fleet.demand(20, 1, heartbeats=False) == 9  # and worker 1 is never heard of again
    await fleet.flush()

    assert await fleet.demand(20, 0, heartbeats=False) == 0
    assert is_honoured(fleet.granted, buckets[0])
