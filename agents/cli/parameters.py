"""Kinds of options that click has not."""

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from agents.cli.event_files import STANDARD

MAX_COUNT: Final = 1_000_000
_MOST_DIGITS: Final = len(str(MAX_COUNT))  # Python refuses to read thousands of digits
_MOST_DIGITS_OF_MANY: Final = 9
_AGO: Final = re.compile(r"(\d{1,9})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


class Number(click.FloatRange):
    """A number within a range; not NaN, which is within every range, and not infinite."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See click."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


class NumberList(click.ParamType):
    """Rising whole numbers above 0, comma-separated; none where it is empty."""

    name = "counts"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """See click."""
        texts = [text.strip() for text in str(value).split(",")] if value else []
        if not all(text.isdecimal() and len(text) <= _MOST_DIGITS and 0 < int(text) <= MAX_COUNT for text in texts):
            self.fail(f"{str(value)[:60]!r}: whole numbers from 1 to {MAX_COUNT:,}, with commas between.", param, ctx)
        return tuple(sorted({int(text) for text in texts}))


class CountList(click.ParamType):
    """Whole numbers above 0, comma-separated, in the order given; at least one."""

    name = "counts"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """See click."""
        texts = [text.strip() for text in str(value).split(",")]
        if not all(text.isdecimal() and len(text) <= _MOST_DIGITS_OF_MANY and int(text) > 0 for text in texts):
            self.fail(f"{str(value)[:60]!r}: whole numbers from 1 to 999,999,999, with commas between.", param, ctx)
        return tuple(map(int, texts))


class Seed(click.IntRange):
    """What random numbers begin with: all that numpy and scikit-learn both take."""

    def __init__(self) -> None:
        super().__init__(0, 2**32 - 1)


class Pattern(click.ParamType):
    """A regular expression."""

    name = "regex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> re.Pattern[str]:
        """See click."""
        try:
            return re.compile(value)
        except re.error as error:
            self.fail(f"{value!r} is no regular expression: {error}.", param, ctx)


class PointInTime(click.ParamType):
    """A point in time; a date is the beginning of that day, and without an offset it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """See click."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{str(value)[:60]!r} is no time such as 2026-03-02, or 2026-03-02T12:00:00+01:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Since(click.ParamType):
    """A while ago, or a point in time; without an offset it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """See click."""
        ago = _AGO.fullmatch(str(value))
        try:
            if ago is not None:
                return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            moment = datetime.fromisoformat(str(value))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither a while (30m, 2h, 7d) nor a time (2026-03-02T12:00)", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class NewFolder(click.Path):
    """A folder to write into, which is made where it is missing. Standard output is none."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click."""
        if str(value) in (STANDARD, ""):
            self.fail("several files are written: name a folder, not standard output.", param, ctx)
        return super().convert(value, param, ctx)


def must_differ(**outputs: str | None) -> None:
    """Raise UsageError where two options would write to one place."""
    named = [name for name in outputs.values() if name is not None]
    if len({name if name == STANDARD else str(Path(name).resolve()) for name in named}) < len(named):
        options = " and ".join(f"--{option.replace('_', '-')}" for option in outputs)
        raise click.UsageError(f"{options} cannot write to the same place")
