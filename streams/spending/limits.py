"""What may be spent: tokens in a minute, money in a day, a week and a month; by all, by each school and tenant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.spending.answers import TOKENS
from streams.spending.periods import PERIODS, Period

ALL: Final = ""
"""The scope of the whole deployment; every other one is a school's name, NO_SCHOOL for students without one, or a
tenant's behind TENANT, which no school's has: it cannot be printed.
"""
TENANT: Final = "\t"
NO_TENANT: Final = ""
"""Whose all is where there are no tenants."""
NO_SCHOOL: Final = "-"
OTHER_SCHOOLS: Final = "*"
"""The schools that came when MAX_SCHOOLS were known: together one."""
MAX_SCHOOLS: Final = 1000
MAX_SCHOOL_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class ScopeLimits:
    """Limits of one scope, None for none; money in billionths of a US dollar."""

    tokens_per_minute: int | None = None
    day: int | None = None
    week: int | None = None
    month: int | None = None

    def money(self, period: Period) -> int | None:
        """The limit of a period."""
        return {"day": self.day, "week": self.week, "month": self.month}[period]

    @property
    def of_money(self) -> bool:
        """Whether money is limited."""
        return any(self.money(period) is not None for period in PERIODS)


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """Limits of all together, of each school, and of tenants by name."""

    deployment: ScopeLimits = field(default_factory=ScopeLimits)
    school: ScopeLimits = field(default_factory=ScopeLimits)
    tenants: Mapping[str, ScopeLimits] = field(default_factory=dict)

    @property
    def of_money(self) -> bool:
        """Whether money is limited anywhere."""
        return any(each.of_money for each in (self.deployment, self.school, *self.tenants.values()))

    @property
    def tenants_of_money(self) -> list[str]:
        """The tenants whose money is limited."""
        return [name for name, limits in self.tenants.items() if limits.of_money]

    def of(self, scope: str) -> ScopeLimits:
        """The limits of a scope by its name."""
        if is_tenant(scope):
            return self.tenants.get(scope.removeprefix(TENANT), ScopeLimits())
        return self.deployment if scope == ALL else self.school

    def named(self, name: str, tenant: str = NO_TENANT) -> int:
        """What a limit allows, by the name that refusals have of it; 0 where there is none."""
        whose, _, limit = name.rpartition(" ")
        limits = self.of({"": ALL, "school": NO_SCHOOL, "tenant": tenant_scope(tenant)}[whose])
        money = {name_of(ALL, period): limits.money(period) for period in PERIODS}
        return {TOKENS: limits.tokens_per_minute, **money}[limit] or 0


def tenant_scope(tenant: str) -> str:
    """The scope of a tenant; all's where there are none."""
    return f"{TENANT}{tenant}" if tenant else ALL


def is_tenant(scope: str) -> bool:
    """Whether a scope is a tenant's."""
    return scope.startswith(TENANT)


def no_tenant(_student_id: str) -> str:
    """Whose a student is where there are no tenants."""
    return NO_TENANT


def limit_of(scope: str, limit: str) -> str:
    """How a limit of a scope is called, in metrics and messages: `usd/day`, `school usd/day`, `tenant usd/day`."""
    if scope == ALL:
        return limit
    return f"tenant {limit}" if is_tenant(scope) else f"school {limit}"


def name_of(scope: str, period: Period) -> str:
    """How a limit of money is called, likewise."""
    return limit_of(scope, f"usd/{period}")


def school_of(student_id: str, separator: str) -> str:
    """The school in a student's id: what stands before the first `separator`, at most MAX_SCHOOL_CHARS of it.

    NO_SCHOOL where the separator is empty or not in the id. Control characters are left out.
    """
    school, found, _ = student_id.partition(separator) if separator else ("", "", "")
    shown = "".join(char for char in school if char.isprintable())[:MAX_SCHOOL_CHARS]
    return shown if found and shown else NO_SCHOOL
