"""What people are told of money: a log line once a level, metrics, the health page; and when a new ledger begins."""

import logging
from contextlib import suppress

import pytest

from agents.metrics import Metrics
from agents.reasoning.spending import SpendingWatch, begin_if_never_asked
from streams.spending.account import MoneySpent, Used
from streams.spending.limits import NO_SCHOOL, NO_TENANT, ScopeLimits, SpendingLimits
from streams.spending.memory import MemoryAccount
from streams.spending.prices import NANO_USD
from streams.spending.usage import TokenUsage
from tests.unit.limits.clock import ManualClock

LIMITS = SpendingLimits(
    ScopeLimits(tokens_per_minute=1_000, day=NANO_USD),
    ScopeLimits(week=NANO_USD),
    {"north": ScopeLimits(day=NANO_USD // 2)},
)
NOON_US = 1_795_867_200_000_000  # 2026-11-28T12:00:00Z


class Watched:
    """An account whose alerts go to a watch."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.watch = SpendingWatch(LIMITS, self.metrics)
        self.clock = ManualClock(NOON_US)
        self.account = MemoryAccount(LIMITS, clock_us=self.clock, on_crossed=self.watch.crossed)

    async def spend(self, *shares: float, tenant: str = NO_TENANT) -> None:
        for share in shares:
            with suppress(MoneySpent):
                reserved = await self.account.reserve(NO_SCHOOL, "gpt-4.1", 100, round(share * NANO_USD), tenant)
                await self.account.settle(reserved, Used("gpt-4.1", TokenUsage(90, 10), reserved.nano_usd))


@pytest.fixture
async def watched() -> Watched:
    watched = Watched()
    await watched.account.begin()
    return watched


async def test_each_level_is_a_line_once(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await watched.spend(0.5, 0.1, 0.2, 0.1, 0.2, 0.2)
    of_the_day = [record.getMessage() for record in caplog.records if "deployment" in record.getMessage()]
    assert [line.split(" %")[0] for line in of_the_day] == ["50", "80", "100"]
    assert of_the_day[-1] == (
        "100 % of the 1.00 US dollars a day of the deployment are spent; explanations come from the template until the "
        "period ends"
    )
    assert all("school" in record.getMessage() for record in caplog.records if record.getMessage() not in of_the_day)
    alerts = watched.metrics.budget_alerts.values()
    assert {label: count for label, count in alerts.items() if label.startswith("usd/")} == {
        "usd/day 50%": 1,
        "usd/day 80%": 1,
        "usd/day 100%": 1,
    }


async def test_the_gauges_say_which_share_of_each_limit_is_spent(watched: Watched) -> None:
    await watched.spend(0.25)
    watched.watch.refresh(watched.account.balance)
    page = watched.metrics.render()[0].decode()
    assert 'skillstream_budget_used_ratio{limit="usd/day"} 0.25' in page
    assert 'skillstream_budget_used_ratio{limit="tokens/minute"} 0.1' in page
    assert 'skillstream_budget_used_ratio{limit="usd/week"}' not in page
    assert 'skillstream_budget_left_usd{limit="usd/day"} 0.75' in page
    assert 'skillstream_budget_left_usd{limit="usd/week"}' not in page


async def test_health_says_how_much_is_spent_and_until_when(watched: Watched) -> None:
    await watched.spend(0.25)
    assert watched.watch.problem(watched.account.balance) is None
    said = "0.25 of 1.00 US dollars of the day to 2026-11-29T00:00Z spent"
    assert watched.watch.said(watched.account.balance) == said
    await watched.spend(0.75, 0.01)
    problem = watched.watch.problem(watched.account.balance)
    assert problem is not None
    assert problem.startswith("1.00 of 1.00 US dollars of the day to 2026-11-29T00:00Z spent")


async def test_health_is_degraded_as_long_as_a_limit_refuses(watched: Watched) -> None:
    await watched.spend(0.9, 0.2)
    assert watched.watch.problem(watched.account.balance) is not None
    await watched.spend(0.05)
    assert watched.watch.problem(watched.account.balance) is None
    await watched.spend(0.2)
    assert watched.watch.problem(watched.account.balance) is not None
    watched.clock.advance(seconds=12 * 3_600)
    assert watched.watch.problem(watched.account.balance) is None


async def test_a_tenant_s_own_money_is_told_by_its_name_and_degrades_no_one_else(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await watched.spend(0.45, 0.2, tenant="north")
    watched.watch.refresh(watched.account.balance)

    assert "100 % of the 0.50 US dollars a day of tenant north are spent" in caplog.text
    assert watched.watch.spent_tenants(watched.account.balance) == {
        "north": "0.45 of 0.50 US dollars of the day to 2026-11-29T00:00Z spent"
    }
    assert watched.watch.problem(watched.account.balance) is None
    assert watched.metrics.tenant_budget_used.values() == {("north", "usd/day"): 0.9}
    assert watched.metrics.budget_alerts.values()["tenant usd/day 100%"] == 1


async def test_a_new_ledger_begins_by_itself_where_nobody_was_ever_asked(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    problem = watched.watch.problem(watched.account.balance)
    assert problem is not None
    assert "skillstream spend --begin" in problem
    await begin_if_never_asked(watched.account, lambda: False)
    assert watched.watch.problem(watched.account.balance) is None


async def test_a_new_ledger_of_a_deployment_that_asked_waits_for_a_person(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    await begin_if_never_asked(watched.account, lambda: True)
    assert watched.watch.problem(watched.account.balance) is not None
    assert "skillstream spend --begin" in caplog.text


async def test_a_ledger_that_is_known_asks_nobody(watched: Watched) -> None:
    def unexpected() -> bool:
        raise AssertionError

    await begin_if_never_asked(watched.account, unexpected)
