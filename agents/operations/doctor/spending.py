"""What may be spent on explanations, and what is left of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agents.config.settings import Settings
from agents.config.spending import limits_of, prices_of
from agents.operations.doctor.check import Finding, ok, warning
from agents.operations.spending import PeriodReport, report_spending
from streams.limits import LimitUnavailable
from streams.spending.prices import NANO_USD, PRICES_AS_OF

_PRICES: Final = f"prices of {PRICES_AS_OF} where SKILLSTREAM_OPENAI_PRICES says none"


@dataclass(frozen=True, slots=True)
class SpendingCheck:
    """Implements Check: limits of money, and the ledger in Redis. Begins none."""

    settings: Settings
    name: str = "spending"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Raises SettingsError for prices that cannot be read."""
        settings = self.settings
        if settings.explained_by != "openai":
            yield ok(f"nothing: explanations are {settings.explained_by}")
            return
        unknown = ", ".join(prices_of(settings).unknown())
        if not limits_of(settings).of_money or settings.redis_url is None:
            counted = f"not counted for {unknown}, whose prices are not known" if unknown else "counted"
            yield ok(f"money is not limited (SKILLSTREAM_USD_PER_DAY, _WEEK, _MONTH), and {counted}; {_PRICES}")
            return
        try:
            report = asyncio.run(report_spending(settings, days=1))
        except LimitUnavailable:
            yield warning("the ledger cannot be read: Redis does not answer")
            return
        yield from (_finding(each) for each in report.periods if each.limit is not None)
        for tenant, periods in report.tenants.items():
            yield from (_finding(each, f" of tenant {tenant}") for each in periods if each.limit is not None)


def _finding(each: PeriodReport, whose: str = "") -> Finding:
    said = each.as_json()
    name = f"the {each.period} to {said['until']}{whose}"
    if each.unknown:
        return warning(
            f"what was spent of {name} is unknown, and counts as all that is allowed: the template explains",
            "where nothing was spent: skillstream spend --begin",
        )
    shown = f"{said['spent_usd']:.2f} of {(each.limit or 0) / NANO_USD:.2f} US dollars of {name} are spent; {_PRICES}"
    if said["spent_usd"] >= 0.8 * said["limit_usd"]:
        return warning(shown, "at 100 % the template explains: raise the limit, or wait")
    return ok(shown)
