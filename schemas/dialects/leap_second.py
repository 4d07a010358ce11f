"""Leap seconds, which RFC 3339 has and Python's `datetime` has not: 23:59:60 in UTC is read as the second after it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_LEAP_SECOND: Final = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:)60(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def after_leap_second(text: str) -> datetime | None:
    """The time that `text`, an RFC 3339 time within a leap second, is read as; None for any other text."""
    parts = _LEAP_SECOND.fullmatch(text)
    if parts is None:
        return None
    try:
        before = datetime.fromisoformat(f"{parts[1]}59{parts[2] or ''}{parts[3]}".upper()).astimezone(UTC)
        return before + timedelta(seconds=1) if ends_day(before) else None
    except (ValueError, OverflowError):
        return None


def ends_day(time: datetime) -> bool:
    """Whether it is in the last minute of a day in UTC, which alone may have a leap second. Raises OverflowError."""
    return time.astimezone(UTC).strftime("%H:%M") == "23:59"
