"""What may be spent: tokens in a minute, money in a day, a week and a month; by all, and by each school."""

from dataclasses import dataclass, field
from typing import Final

from streams.spending.answers import TOKENS
from streams.spending.periods import PERIODS, Period

ALL: Final = ""
"""The scope of the whole deployment; every other one is a school's name, NO_SCHOOL for students without one."""
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
    """Limits of all schools together, and of each."""

    deployment: ScopeLimits = field(default_factory=ScopeLimits)
    school: ScopeLimits = field(default_factory=ScopeLimits)

    @property
    def of_money(self) -> bool:
        """Whether money is limited anywhere."""
        return self.deployment.of_money or self.school.of_money

    def of(self, scope: str) -> ScopeLimits:
        """The limits of a scope by its name."""
        return self.deployment if scope == ALL else self.school

    def named(self, name: str) -> int:
        """What a limit allows, by the name that refusals have of it; 0 where there is none."""
        limits = self.school if name.startswith("school ") else self.deployment
        money = {name_of(ALL, period): limits.money(period) for period in PERIODS}
        return {TOKENS: limits.tokens_per_minute, **money}[name.removeprefix("school ")] or 0


def name_of(scope: str, period: Period) -> str:
    """How a limit of money is called, in metrics and messages: `usd/day`, `school usd/day`."""
    return f"usd/{period}" if scope == ALL else f"school usd/{period}"


def school_of(student_id: str, separator: str) -> str:
    """The school in a student's id: what stands before the first `separator`, at most MAX_SCHOOL_CHARS of it.

    NO_SCHOOL where the separator is empty or not in the id. Control characters are left out.
    """
    school, found, _ = student_id.partition(separator) if separator else ("", "", "")
    shown = "".join(char for char in school if char.isprintable())[:MAX_SCHOOL_CHARS]
    return shown if found and shown else NO_SCHOOL
