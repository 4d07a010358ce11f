"""The account of spending, as a part of a worker: what its alerts and gauges say, and when a ledger begins."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence

from confluent_kafka import KafkaException

from agents.config.settings import Settings
from agents.kafka.clients import open_admin
from agents.kafka.offsets import end_offsets
from agents.metrics import Metrics
from streams.spending.account import Balance, SpendingAccount
from streams.spending.answers import TOKENS, Crossed, Spent
from streams.spending.limits import ALL, TENANT, SpendingLimits, is_tenant, name_of, tenant_scope
from streams.spending.periods import PERIODS, Period, end_us, minute_of
from streams.spending.prices import NANO_USD

_log = logging.getLogger(__name__)


class SpendingWatch:
    """Tells people how much of the limits is spent: a log line once a level, metrics, and the health page."""

    def __init__(self, limits: SpendingLimits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics

    def crossed(self, crossed: Crossed) -> None:
        """A limit reached 50, 80 or 100 %: this worker is the one that is told."""
        limit = name_of(crossed.scope, crossed.period)
        self._metrics.budget_alerts.add(f"{limit} {crossed.level}%")
        most = (self._limits.of(crossed.scope).money(crossed.period) or 0) / NANO_USD
        then = "; explanations come from the template until the period ends" if crossed.level == 100 else ""
        _log.log(
            logging.WARNING if crossed.level >= 80 else logging.INFO,
            "%d %% of the %.2f US dollars a %s %s are spent%s",
            crossed.level,
            most,
            crossed.period,
            _whose(crossed.scope),
            then,
            extra={"limit": limit, "percent": crossed.level},
        )

    def refresh(self, balance: Balance | None) -> None:
        """Set the gauges."""
        if balance is not None:
            self._metrics.budget_used.replace({(name,): share for name, share in self._shares(balance).items()})
            self._metrics.budget_left_usd.replace({(name,): usd for name, usd in self._left_usd(balance).items()})
            self._metrics.tenant_budget_used.replace(
                {
                    (tenant, f"usd/{period}"): spent.nano_usd / limit
                    for tenant, of_tenant in balance.tenants.items()
                    for period, spent, limit in self._limited(tenant_scope(tenant), of_tenant.sums)
                }
            )

    def problem(self, balance: Balance | None) -> str | None:
        """Why no money may be spent; None while there is some."""
        if balance is None:
            return None
        seen = zip(PERIODS, balance.sums, balance.unknown, balance.full, strict=True)
        for period, spent, unknown, full in seen:
            limit = self._limits.deployment.money(period)
            if limit is not None and unknown:
                return (
                    f"what was spent this {period} is unknown, since the ledger in Redis is new: it counts as all of "
                    f"it until {minute_of(end_us(period, spent.number))}; where nothing was: skillstream spend --begin"
                )
            if limit is not None and full:
                return f"{self._said(period, spent, limit)}: the template explains until then"
        return None

    def said(self, balance: Balance | None) -> str:
        """How much of each limit of money is spent, for people; empty without any."""
        if balance is None:
            return ""
        return "; ".join(self._said(*each) for each in self._limited(ALL, balance.sums))

    def spent_tenants(self, balance: Balance | None) -> dict[str, str]:
        """The tenants whose own money is spent, and what of it, for people: the template explains to them."""
        spent: dict[str, str] = {}
        for tenant, (sums, full) in ({} if balance is None else balance.tenants).items():
            for period, of_period, limit in self._limited(tenant_scope(tenant), sums):
                if full[PERIODS.index(period)]:
                    spent.setdefault(tenant, self._said(period, of_period, limit))
        return spent

    def _limited(self, scope: str, sums: Sequence[Spent]) -> Iterator[tuple[Period, Spent, int]]:
        """The periods of a scope whose money is limited, what is spent of them, and the limits."""
        for period, spent in zip(PERIODS, sums, strict=True):
            limit = self._limits.of(scope).money(period)
            if limit is not None:
                yield period, spent, limit

    def _said(self, period: Period, spent: Spent, limit: int) -> str:
        until = minute_of(end_us(period, spent.number))
        return f"{spent.nano_usd / NANO_USD:.2f} of {limit / NANO_USD:.2f} US dollars of the {period} to {until} spent"

    def _left_usd(self, balance: Balance) -> dict[str, float]:
        return {
            name_of(ALL, period): max(0, limit - spent.nano_usd) / NANO_USD
            for period, spent, limit in self._limited(ALL, balance.sums)
        }

    def _shares(self, balance: Balance) -> dict[str, float]:
        limits = self._limits.deployment
        shares = {
            name_of(ALL, period): spent.nano_usd / limit for period, spent, limit in self._limited(ALL, balance.sums)
        }
        if limits.tokens_per_minute is not None:
            shares[TOKENS] = balance.tokens / limits.tokens_per_minute
        return shares


async def begin_if_never_asked(account: SpendingAccount, has_asked: Callable[[], bool]) -> None:
    """Begin a new ledger where this deployment never asked a model: it has spent nothing.

    `has_asked` may block. Raises LimitUnavailable.
    """
    if not any((await account.look()).unknown):
        return
    if not await asyncio.to_thread(has_asked):
        await account.begin()
        _log.info("The ledger of spending begins: no model was ever asked")
    elif account.limits.of_money:
        _log.warning(
            "The ledger of spending is new, and models were asked before: what was spent is unknown, and counts as all "
            "that the limits allow until their periods end. Where nothing was: skillstream spend --begin"
        )


def has_asked(settings: Settings, results_topic: str) -> bool:
    """Whether the topic of results ever had a record: each try to explain leaves one. True where nobody knows.

    Blocks.
    """
    parts = [(results_topic, partition) for partition in range(settings.partitions)]
    try:
        ends = end_offsets(open_admin(settings.broker), parts, settings.start_timeout_s)
    except (KafkaException, TimeoutError):
        return True
    return len(ends) < len(parts) or any(end > 0 for end in ends.values())


def _whose(scope: str) -> str:
    if scope == ALL:
        return "of the deployment"
    if is_tenant(scope):
        return f"of tenant {scope.removeprefix(TENANT)}"
    return "of a school (`skillstream spend` says which)"
