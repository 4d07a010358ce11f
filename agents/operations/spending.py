"""What was spent and what is left, as the ledger in Redis has it: no worker needs to run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from agents.config.settings import Settings, SettingsError
from agents.config.spending import buckets_of, limits_of
from streams.limits import LimitUnavailable
from streams.limits.bucket import own_name
from streams.limits.redis import RedisLimiter, connect
from streams.reasoning.policy.settings import LIMITER
from streams.spending.answers import Spent
from streams.spending.limits import NO_SCHOOL, ScopeLimits, SpendingLimits, tenant_scope
from streams.spending.memory import wall_us
from streams.spending.periods import PERIODS, Period, end_us, minute_of, now_at, period_name
from streams.spending.prices import NANO_USD
from streams.spending.redis import DayRecord, RedisAccount

_SUMMED = ("calls", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """A current period: what is spent of it, and what may be. `limit` is None without one; billionths of US dollars."""

    period: Period
    spent: Spent
    limit: int | None
    unknown: bool = False

    @property
    def left(self) -> int | None:
        """What may still be spent; None without a limit."""
        if self.limit is None:
            return None
        return 0 if self.unknown else max(0, self.limit - self.spent.nano_usd)

    def as_json(self) -> dict[str, Any]:
        """For scripts, in US dollars."""
        return {
            "period": self.period,
            "name": period_name(self.period, self.spent.number),
            "until": minute_of(end_us(self.period, self.spent.number)),
            "spent_usd": self.spent.nano_usd / NANO_USD,
            "limit_usd": None if self.limit is None else self.limit / NANO_USD,
            "left_usd": None if self.left is None else self.left / NANO_USD,
            "unknown": self.unknown,
        }


@dataclass(frozen=True, slots=True)
class CallReport:
    """A limit of calls: whose it is (NO_TENANT: of all), what it is called, how many still count and how many may."""

    whose: str
    name: str
    spent: int
    limit: int

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {"tenant": self.whose or None, "name": self.name, "calls": self.spent, "limit": self.limit}


@dataclass(frozen=True, slots=True)
class SpendingReport:
    """The deployment's periods, each school's and tenant's, the last minute's tokens, the calls that count, and the
    days by model and school.

    So many values of the ledger are `unreadable`, and left out.
    """

    as_of_us: int
    periods: tuple[PeriodReport, ...]
    tokens: int
    tokens_limit: int | None
    schools: dict[str, tuple[PeriodReport, ...]]
    days: dict[str, DayRecord]
    unreadable: int = 0
    tenants: dict[str, tuple[PeriodReport, ...]] = field(default_factory=dict)
    calls: tuple[CallReport, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """One object for scripts."""
        return {
            "as_of": minute_of(self.as_of_us),
            "limits": [each.as_json() for each in self.periods],
            "tokens_last_minute": self.tokens,
            "tokens_per_minute": self.tokens_limit,
            "calls": [each.as_json() for each in self.calls],
            "schools": [
                {"school": shown(school), "limits": [each.as_json() for each in periods]}
                for school, periods in self.schools.items()
            ],
            "tenants": [
                {"tenant": tenant, "limits": [each.as_json() for each in periods]}
                for tenant, periods in self.tenants.items()
            ],
            "days": [
                {
                    "day": day,
                    "model": model,
                    "school": shown(school),
                    **{name: row.get(name, 0) for name in _SUMMED},
                    "cost_usd": row.get("nano_usd", 0) / NANO_USD,
                    "reserved_usd": row.get("reserved", 0) / NANO_USD,
                    "unpriced_calls": row.get("unpriced", 0),
                }
                for day, record in self.days.items()
                for (model, school), row in sorted(record.items())
                if any(row.values())
            ],
            "unreadable": self.unreadable,
        }


async def report_spending(settings: Settings, days: int, *, begin: bool = False) -> SpendingReport:
    """The report of the last `days` days; `begin` says first that nothing was spent before the ledger began.

    Raises SettingsError without Redis, LimitUnavailable where it does not answer.
    """
    if settings.redis_url is None:
        raise SettingsError("SKILLSTREAM_REDIS_URL is not set: without Redis, what was spent ends with its worker")
    limits = limits_of(settings)
    client = connect(settings.redis_url, timeout_s=5)
    account = RedisAccount(client, limits, prefix=settings.app_id)
    try:
        if begin:
            await account.begin()
        calls = await _calls(settings, client)
        if not await account.begun():
            return _nothing(limits, calls)
        balance = await account.look()
        today = now_at(balance.now_us).day
        schools = {
            school: _periods(_current(sums, balance.sums), limits.school)
            for school, sums in (await account.schools()).items()
        }
        tenants = _of_tenants(await account.tenants(), limits, balance.sums)
        by_day = await account.days(range(today, today - days, -1))
        return SpendingReport(
            balance.now_us,
            _periods(balance.sums, limits.deployment, balance.unknown),
            balance.tokens,
            limits.deployment.tokens_per_minute,
            schools,
            by_day,
            account.unreadable,
            tenants,
            calls,
        )
    finally:
        await account.aclose()


def shown(school: str) -> str | None:
    """A school as it is shown: None for students without one."""
    return None if school == NO_SCHOOL else school


def _periods(
    sums: Sequence[Spent], limits: ScopeLimits, unknown: Sequence[bool] = (False, False, False)
) -> tuple[PeriodReport, ...]:
    return tuple(
        PeriodReport(period, spent, limits.money(period), is_unknown)
        for period, spent, is_unknown in zip(PERIODS, sums, unknown, strict=True)
    )


def _of_tenants(
    sums: Mapping[str, Sequence[Spent]], limits: SpendingLimits, now: Sequence[Spent]
) -> dict[str, tuple[PeriodReport, ...]]:
    """Of those that have spent, and of those whose money is limited."""
    nothing = [Spent(each.number, 0) for each in now]
    return {
        name: _periods(_current(sums.get(name, nothing), now), limits.of(tenant_scope(name)))
        for name in sorted({*sums, *limits.tenants_of_money})
    }


def _current(sums: Sequence[Spent], now: Sequence[Spent]) -> list[Spent]:
    """Sums of the current periods, those of `now`: of one that is over nothing is left."""
    return [
        spent if spent.number == current.number else Spent(current.number, 0)
        for spent, current in zip(sums, now, strict=True)
    ]


async def _calls(settings: Settings, client: Redis) -> tuple[CallReport, ...]:
    """None where there is no limit in Redis that can be read: a worker makes it anew."""
    buckets = buckets_of(settings)
    try:
        spent = await RedisLimiter(client, LIMITER, buckets, prefix=settings.app_id).spent()
    except (LimitUnavailable, ValueError):
        return ()
    return tuple(
        CallReport(each.whose, own_name(each.name, each.whose), spent[each.name], each.limit) for each in buckets
    )


def _nothing(limits: SpendingLimits, calls: tuple[CallReport, ...]) -> SpendingReport:
    now_us = wall_us()
    sums = [Spent(number, 0) for number in now_at(now_us)]
    return SpendingReport(
        now_us,
        _periods(sums, limits.deployment),
        0,
        limits.deployment.tokens_per_minute,
        {},
        {},
        tenants=_of_tenants({}, limits, sums),
        calls=calls,
    )
