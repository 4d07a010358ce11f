"""One suite, two ledgers: what an account of spending promises holds in memory and in Redis, number for number."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from schemas.errors import SkillstreamError
from streams.limits import CostTooLarge, RateLimitExceeded
from streams.spending.account import MoneySpent, OnCrossed, Reservation, SpendingAccount, Used, ignore_crossed
from streams.spending.answers import Crossed
from streams.spending.limits import NO_SCHOOL, ScopeLimits, SpendingLimits
from streams.spending.memory import MemoryAccount
from streams.spending.periods import now_at
from streams.spending.redis import RedisAccount
from streams.spending.usage import TokenUsage
from tests.contract.limiters import client, prefix
from tests.unit.limits.clock import ManualClock

__all__ = ["client", "prefix"]
MakeAccount = Callable[[SpendingLimits, ManualClock, OnCrossed], SpendingAccount]
LIMITS = SpendingLimits(
    ScopeLimits(tokens_per_minute=1_000, day=1_000, week=3_000, month=10_000),
    ScopeLimits(tokens_per_minute=600, day=600, week=2_000),
)
SATURDAY_US = round(datetime(2026, 11, 28, 23, 50, tzinfo=UTC).timestamp() * 1e6)
backends = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SATURDAY_US)


def in_memory(limits: SpendingLimits, clock: ManualClock, on_crossed: OnCrossed = ignore_crossed) -> SpendingAccount:
    return MemoryAccount(limits, clock_us=clock, on_crossed=on_crossed)


@pytest.fixture
def in_redis(client: Redis, prefix: str) -> MakeAccount:
    numbers = count()

    def make(limits: SpendingLimits, clock: ManualClock, on_crossed: OnCrossed = ignore_crossed) -> SpendingAccount:
        return RedisAccount(client, limits, prefix=f"{prefix}-{next(numbers)}", clock_us=clock, on_crossed=on_crossed)

    return make


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest) -> MakeAccount:
    if request.param == "memory":
        return in_memory
    chosen: MakeAccount = request.getfixturevalue("in_redis")
    return chosen


async def begun(make: MakeAccount, clock: ManualClock, on_crossed: OnCrossed = ignore_crossed) -> SpendingAccount:
    account = make(LIMITS, clock, on_crossed)
    await account.begin()
    return account


async def attempt(
    account: SpendingAccount, tokens: int = 0, nano_usd: int = 0, school: str = NO_SCHOOL
) -> Reservation | SkillstreamError:
    try:
        return await account.reserve(school, "gpt-4.1", tokens, nano_usd)
    except (RateLimitExceeded, MoneySpent, CostTooLarge) as refused:
        return refused


async def pay(account: SpendingAccount, nano_usd: int, school: str = NO_SCHOOL, tokens: int = 0) -> None:
    """A call that costs what was reserved."""
    await account.settle(await account.reserve(school, "gpt-4.1", tokens, nano_usd), used(nano_usd, tokens))


def used(nano_usd: int, tokens: int = 0) -> Used:
    return Used("gpt-4.1", TokenUsage(tokens, 0), nano_usd)


async def test_a_day_is_spent_until_it_ends(make: MakeAccount, clock: ManualClock) -> None:
    account = await begun(make, clock)
    for school in ("north", "south"):
        await pay(account, 500, school)
    refused = await attempt(account, nano_usd=1)
    assert isinstance(refused, MoneySpent)
    assert (refused.limit, refused.retry_after_s, refused.unknown) == ("usd/day", 600.0, False)
    clock.advance(seconds=599)
    assert isinstance(await attempt(account, nano_usd=1), MoneySpent)
    clock.advance(seconds=1)
    assert isinstance(await attempt(account, nano_usd=600), Reservation)


async def test_a_week_ends_on_monday_and_a_month_with_its_last_day(make: MakeAccount, clock: ManualClock) -> None:
    account = make(SpendingLimits(ScopeLimits(week=1_000, month=1_500)), clock, ignore_crossed)
    await account.begin()
    await pay(account, 1_000)
    refused = await attempt(account, nano_usd=500)
    assert isinstance(refused, MoneySpent)
    assert (refused.limit, refused.retry_after_s) == ("usd/week", 86_400 + 600)
    clock.advance(seconds=86_400 + 600)
    await pay(account, 500)
    refused = await attempt(account, nano_usd=1)
    assert isinstance(refused, MoneySpent)
    assert (refused.limit, refused.retry_after_s) == ("usd/month", 86_400)


async def test_settling_gives_back_what_was_not_used(make: MakeAccount, clock: ManualClock) -> None:
    account = await begun(make, clock)
    reserved = await account.reserve("north", "gpt-4.1", 600, 600)
    waiting = await attempt(account, nano_usd=1, school="north")
    assert isinstance(waiting, RateLimitExceeded)
    assert (waiting.bucket, waiting.retry_after_s) == ("school usd/day", 1.0)
    await account.settle(reserved, used(100, tokens=40))
    balance = await account.look()
    assert [spent.nano_usd for spent in balance.sums] == [100, 100, 100]
    assert balance.tokens == 40
    assert isinstance(await attempt(account, 560, 500, "north"), Reservation)


async def test_a_refund_after_the_period_ended_frees_nothing_of_the_next(make: MakeAccount, clock: ManualClock) -> None:
    account = await begun(make, clock)
    reserved = await account.reserve(NO_SCHOOL, "gpt-4.1", 0, 600)
    clock.advance(seconds=600)
    await account.reserve(NO_SCHOOL, "gpt-4.1", 0, 300)
    await account.settle(reserved, used(100))
    day, week, _ = (await account.look()).sums
    assert (day.nano_usd, week.nano_usd) == (300, 400)


async def test_what_is_reserved_raises_no_alert_and_is_waited_for_as_long_as_a_call_takes(
    make: MakeAccount, clock: ManualClock
) -> None:
    crossed: list[Crossed] = []
    account = await begun(make, clock, crossed.append)
    for school in ("lost", "another"):
        await account.reserve(school, "gpt-4.1", 0, 450)
    assert crossed == []
    assert isinstance(await attempt(account, nano_usd=200), RateLimitExceeded)
    clock.advance(seconds=121)  # nobody will settle them any more
    assert isinstance(await attempt(account, nano_usd=200), MoneySpent)
    assert crossed == [Crossed("", "day", 100)]
    assert (await account.look()).full == (True, False, False)
    await account.reserve(NO_SCHOOL, "gpt-4.1", 0, 100)
    assert (await account.look()).full == (False, False, False)


async def test_use_beyond_the_reservation_is_owed(make: MakeAccount, clock: ManualClock) -> None:
    account = await begun(make, clock)
    reserved = await account.reserve(NO_SCHOOL, "gpt-4.1", 10, 600)
    await account.settle(reserved, used(1_200, tokens=30))
    balance = await account.look()
    assert (balance.sums[0].nano_usd, balance.tokens) == (1_200, 30)


@pytest.mark.parametrize(("usage", "sent", "left"), [(None, True, 600), (TokenUsage(1, 1), True, 50), (None, False, 0)])
async def test_a_reply_without_a_usage_costs_what_was_reserved_and_an_unsent_call_nothing(
    make: MakeAccount, clock: ManualClock, usage: TokenUsage | None, sent: bool, left: int
) -> None:
    account = await begun(make, clock)
    reserved = await account.reserve(NO_SCHOOL, "gpt-4.1", 0, 600)
    await account.settle(reserved, Used("gpt-4.1", usage, 50 if usage else 600, sent=sent))
    assert (await account.look()).sums[0].nano_usd == left


async def test_a_school_cannot_spend_what_is_anothers(make: MakeAccount, clock: ManualClock) -> None:
    account = await begun(make, clock)
    await pay(account, 600, "north")
    refused = await attempt(account, nano_usd=1, school="north")
    assert isinstance(refused, MoneySpent)
    assert refused.limit == "school usd/day"
    assert isinstance(await attempt(account, nano_usd=400, school="south"), Reservation)


async def test_no_minute_has_more_tokens_than_allowed(make: MakeAccount, clock: ManualClock) -> None:
    account = await begun(make, clock)
    await account.reserve("north", "gpt-4.1", 400, 0)
    clock.advance(seconds=30)
    await account.reserve("south", "gpt-4.1", 600, 0)
    refused = await attempt(account, tokens=400)
    assert isinstance(refused, RateLimitExceeded)
    assert (refused.bucket, refused.retry_after_s) == ("tokens/minute", 31.0)
    clock.advance(us=30_999_999)
    assert isinstance(await attempt(account, tokens=400), RateLimitExceeded)
    clock.advance(us=1)
    assert isinstance(await attempt(account, tokens=400), Reservation)


async def test_what_can_never_fit_is_told_apart(make: MakeAccount, clock: ManualClock) -> None:
    account = await begun(make, clock)
    for tokens, nano_usd, limit in ((1_001, 0, "tokens/minute"), (0, 1_001, "usd/day")):
        refused = await attempt(account, tokens, nano_usd)
        assert isinstance(refused, CostTooLarge)
        assert str(refused).endswith(f"a cost of 1001 can never fit bucket '{limit}' (limit 1000)")


async def test_the_providers_limit_stops_all_until_it_is_over(make: MakeAccount, clock: ManualClock) -> None:
    account = await begun(make, clock)
    await account.hold(20)
    await account.hold(5)
    refused = await attempt(account)
    assert isinstance(refused, RateLimitExceeded)
    assert (refused.bucket, refused.retry_after_s) == ("provider", 20.0)
    clock.advance(seconds=20)
    assert isinstance(await attempt(account), Reservation)
    await account.hold(1e9)
    refused = await attempt(account)
    assert isinstance(refused, RateLimitExceeded)
    assert refused.retry_after_s == 3600.0


async def test_each_share_of_a_limit_is_notified_of_once_a_period(make: MakeAccount, clock: ManualClock) -> None:
    crossed: list[Crossed] = []
    account = await begun(make, clock, crossed.append)
    for nano_usd in (499, 1, 300, 1, 198, 100):
        with suppress(MoneySpent):
            await pay(account, nano_usd, f"{nano_usd}")
    assert crossed == [
        Crossed("499", "day", 80),
        Crossed("", "day", 50),
        Crossed("", "day", 80),
        Crossed("300", "day", 50),
        Crossed("", "day", 100),
    ]
    clock.advance(seconds=600)
    await pay(account, 500, "x")
    assert crossed[-2:] == [Crossed("", "day", 50), Crossed("x", "day", 80)]


async def test_a_ledger_that_begins_counts_the_unknown_as_spent(make: MakeAccount, clock: ManualClock) -> None:
    account = make(LIMITS, clock, ignore_crossed)
    refused = await attempt(account, nano_usd=1)
    assert isinstance(refused, MoneySpent)
    assert refused.unknown
    assert isinstance(await attempt(account, tokens=1), RateLimitExceeded)
    assert (await account.look()).unknown == (True, True, True)
    await account.begin()
    assert isinstance(await attempt(account, 1, 1), Reservation)
    assert (await account.look()).unknown == (False, False, False)


async def test_a_clock_that_goes_back_over_midnight_frees_nothing(make: MakeAccount, clock: ManualClock) -> None:
    clock.advance(seconds=700)
    account = await begun(make, clock)
    await pay(account, 500, "a", tokens=500)
    await pay(account, 500, "b", tokens=500)
    clock.advance(seconds=-3_600)
    assert isinstance(await attempt(account, nano_usd=1), MoneySpent)
    assert isinstance(await attempt(account, tokens=1), RateLimitExceeded)


async def test_a_clock_that_was_far_ahead_stops_nothing_for_longer_than_the_period(
    make: MakeAccount, clock: ManualClock
) -> None:
    clock.advance(seconds=400 * 86_400)
    account = await begun(make, clock)
    await pay(account, 600, "a")
    clock.advance(seconds=-400 * 86_400)
    assert isinstance(await attempt(account, nano_usd=600), MoneySpent)
    clock.advance(seconds=600)
    assert isinstance(await attempt(account, nano_usd=600), Reservation)


@backends
@given(at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
async def test_both_ledgers_have_the_calendars_periods(in_redis: MakeAccount, at: datetime) -> None:
    clock = ManualClock(round(at.replace(tzinfo=UTC).timestamp() * 1e6))
    for make in (in_redis, in_memory):
        balance = await (await begun(make, clock)).look()
        assert tuple(spent.number for spent in balance.sums) == now_at(clock.now_us)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 700), st.integers(0, 700), st.sampled_from(["north", "south"])),
        st.tuples(st.just("settle"), st.integers(0, 700), st.integers(0, 700), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.sampled_from([1, 17, 61, 900, 90_000, 700_000, -3_700]), st.just(0), st.just(0)),
        st.tuples(st.just("hold"), st.integers(0, 90), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@backends
@given(steps=STEPS)
async def test_both_ledgers_answer_alike(in_redis: MakeAccount, steps: list[tuple[str, int, int, Any]]) -> None:
    async def played(make: MakeAccount) -> list[object]:
        clock, crossed, seen, open_ = ManualClock(SATURDAY_US), list[object](), list[object](), list[Reservation]()
        account = await begun(make, clock, crossed.append)
        for step, first, second, third in steps:
            if step == "reserve":
                answer = await attempt(account, first, second, third)
                seen.append(
                    (answer.admitted,) if isinstance(answer, Reservation) else (type(answer), vars(answer).items())
                )
                open_ += [answer] if isinstance(answer, Reservation) else []
            elif step == "settle" and third < len(open_):
                await account.settle(open_.pop(third), used(second, first))
            elif step == "wait":
                clock.advance(seconds=first)
            elif step == "hold":
                await account.hold(first)
            balance = await account.look()
            seen += [balance.sums, balance.tokens, balance.unknown, balance.full]
        return [*map(str, seen), *crossed]

    assert await played(in_redis) == await played(in_memory)
