"""The periods that money is limited by: calendar days, ISO weeks (from Monday) and months, all in UTC.

A period is a number: days since 1970-01-01, weeks since the Monday before it, months since year 0.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, NamedTuple, get_args

Period = Literal["day", "week", "month"]
PERIODS: Final[tuple[Period, ...]] = get_args(Period)
_EPOCH: Final = date(1970, 1, 1)
_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US


class Now(NamedTuple):
    """A moment, in the numbers of its day, week and month, in the order of PERIODS."""

    day: int
    week: int
    month: int


def now_at(now_us: int) -> Now:
    """The periods that a moment lies in."""
    days = now_us // _DAY_US
    on = day_of(days)
    return Now(days, (days + 3) // 7, on.year * 12 + on.month - 1)


def day_of(number: int) -> date:
    """The date of a day's number."""
    return _EPOCH + timedelta(days=number)


def end_us(period: Period, number: int) -> int:
    """When a period ends, in µs: the first moment of the next."""
    match period:
        case "day":
            return (number + 1) * _DAY_US
        case "week":
            return ((number + 1) * 7 - 3) * _DAY_US
        case "month":
            year, month = divmod(number + 1, 12)
            return (date(year, month + 1, 1) - _EPOCH).days * _DAY_US


def period_name(period: Period, number: int) -> str:
    """A period as people write it: `2026-11-28`, `2026-W48`, `2026-11`."""
    match period:
        case "day":
            return day_of(number).isoformat()
        case "week":
            year, week, _ = day_of(number * 7 - 3).isocalendar()
            return f"{year}-W{week:02}"
        case "month":
            return f"{number // 12:04}-{number % 12 + 1:02}"


def minute_of(at_us: int) -> str:
    """A moment as people write it, to the minute: `2026-11-29T00:00Z`."""
    return datetime.fromtimestamp(at_us / _SECOND_US, UTC).strftime("%Y-%m-%dT%H:%MZ")
