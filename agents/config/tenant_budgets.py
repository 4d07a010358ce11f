"""What a tenant may spend, as its table in the tenants file says it. What is not there is limited for all alone.

[tenants.north]
usd_per_day = 5                           # US dollars; also usd_per_week, usd_per_month
calls_per_minute = 10                     # of those that all have; also calls_per_hour
tokens_per_minute = 20_000
"""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta, Struct

from streams.limits import Bucket, calls_per_hour, calls_per_minute
from streams.limits.bucket import Spending
from streams.spending.limits import ScopeLimits
from streams.spending.prices import NANO_USD

MAX_LIMITED_TENANTS: Final = 200
"""Tenants whose calls may be limited: each limit is read and written with every call."""
_Usd = Annotated[float, Meta(gt=0, le=1_000_000)]
_Tokens = Annotated[int, Meta(ge=1, le=1_000_000_000)]
_Calls = Annotated[int, Meta(ge=1, le=1_000_000)]


class TenantBudget(Struct, frozen=True, kw_only=True):
    """Limits of one tenant beside those of all; None for none. Named as the settings for all are."""

    usd_per_day: _Usd | None = None
    usd_per_week: _Usd | None = None
    usd_per_month: _Usd | None = None
    tokens_per_minute: _Tokens | None = None
    calls_per_minute: _Calls | None = None
    calls_per_hour: _Calls | None = None

    def limits(self) -> dict[str, float]:
        """Those that are set, by name."""
        named = {name: getattr(self, name) for name in TenantBudget.__struct_fields__}
        return {name: most for name, most in named.items() if most is not None}

    @property
    def of_calls(self) -> bool:
        """Whether calls are limited."""
        return self.calls_per_minute is not None or self.calls_per_hour is not None

    def spending(self) -> ScopeLimits:
        """What it may spend of money and tokens."""
        return ScopeLimits(
            self.tokens_per_minute,
            _nano_usd(self.usd_per_day),
            _nano_usd(self.usd_per_week),
            _nano_usd(self.usd_per_month),
        )

    def buckets(self, tenant: str, spending: Spending) -> list[Bucket]:
        """What it may call, as the buckets of all are."""
        buckets = []
        if self.calls_per_minute is not None:
            buckets.append(calls_per_minute(self.calls_per_minute, tenant))
        if self.calls_per_hour is not None:
            buckets.append(calls_per_hour(self.calls_per_hour, spending, tenant))
        return buckets


def require_countable(budgets: Mapping[str, TenantBudget]) -> None:
    """Raise ValueError for more tenants than can be counted with every call."""
    limited = sum(budget.of_calls for budget in budgets.values())
    if limited > MAX_LIMITED_TENANTS:
        raise ValueError(
            f"calls_per_minute or calls_per_hour of {limited} tenants: at most {MAX_LIMITED_TENANTS} can have them"
        )


def _nano_usd(usd: float | None) -> int | None:
    return None if usd is None else round(usd * NANO_USD)
