"""When a row of a CSV file happened: text in a form that the mapping names, to a point in time."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from streams.conversion.tables import RowUnreadable

_OFFSET: Final = re.compile(r"([+-])(\d\d):(\d\d)")
_SECONDS: Final = {"unix": 1.0, "unix_ms": 1e-3}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TimeColumn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The column, and its form: `iso` (ISO 8601), `unix`, `unix_ms`, or a format of Python's strptime.

    `timezone` is for times that say no offset: a name (`Europe/Berlin`), an offset (`+01:00`), `UTC`.
    """

    column: str
    format: str = "iso"
    timezone: str = ""

    def zone(self) -> tzinfo | None:
        """The time zone that is meant; None where none is said. Raises ValueError."""
        if not self.timezone:
            if self.format not in ("iso", *_SECONDS) and "%z" not in self.format:
                raise ValueError(f"time: {self.format!r} has no offset (%z): say the timezone that is meant")
            return None
        if self.timezone == "UTC":
            return UTC
        if offset := _OFFSET.fullmatch(self.timezone):
            east = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
            return timezone(east if offset[1] == "+" else -east)
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"time.timezone: {self.timezone!r} is no time zone that this computer knows: a name as Europe/Berlin, "
                "an offset as +01:00, or UTC"
            ) from None


class TimeReader:
    """Reads the cells of one TimeColumn. Raises ValueError for a zone that is none."""

    def __init__(self, column: TimeColumn) -> None:
        self._format, self._zone = column.format, column.zone()

    def read(self, text: str) -> datetime:
        """The point in time. Raises RowUnreadable."""
        if not text:
            raise RowUnreadable("is empty")
        try:
            if self._format in _SECONDS:
                return _EPOCH + timedelta(seconds=_number(text) * _SECONDS[self._format])
            time = datetime.fromisoformat(text) if self._format == "iso" else _read_formatted(text, self._format)
        except (ValueError, OverflowError):
            form = {"iso": "in ISO 8601", "unix": "seconds since 1970", "unix_ms": "milliseconds since 1970"}
            said = form.get(self._format, f"of the form {self._format}")
            raise RowUnreadable(f"{text[:60]!r} is no time {said}") from None
        if time.tzinfo is not None:
            return time
        if self._zone is None:
            raise RowUnreadable(f"{text[:60]!r} has no offset, and [time] names no timezone")
        return time.replace(tzinfo=self._zone)


def _read_formatted(text: str, format: str) -> datetime:
    return datetime.strptime(text, format)  # its zone comes after


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
