"""Timestamps and durations, ISO 8601 as xAPI profiles it (Data 4.5, 4.6); xAPI 2.0 takes RFC 3339 alone."""

import re
from calendar import isleap
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.dialects.leap_second import ends_day

_SEPARATORS: Final = ("T", " ", "t")
_MINUS_ZERO: Final = ("-00:00", "-0000", "-00")
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_ORDINAL: Final = re.compile(r"(\d{4})-?(\d{3})(?=T|\Z)", re.ASCII)
_LEAP_SECOND: Final = re.compile(r"(?<=\d\d:\d\d:)60|(?<=T\d{4})60")
_MIDNIGHT: Final = re.compile(r"T24(?=(?::?00){0,2}(?:[.,]0+)?(?:[Z+-]|\Z))")

_NUMBER: Final = r"[0-9]+(?:[.,][0-9]+)?"
_DURATION: Final = re.compile(
    rf"P(?:(?P<W>{_NUMBER})W"
    rf"|(?=[0-9T])(?:(?P<Y>{_NUMBER})Y)?(?:(?P<M>{_NUMBER})M)?(?:(?P<D>{_NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?(?:(?P<s>{_NUMBER})S)?)?)"
)
_FRACTION_ABOVE: Final = re.compile(r"[.,][0-9]+[A-Z]T?[0-9]")
_DAY_S: Final = 86_400.0
_UNITS_S: Final = {"W": 7 * _DAY_S, "Y": 365 * _DAY_S, "M": 30 * _DAY_S, "D": _DAY_S, "h": 3600.0, "m": 60.0, "s": 1.0}


def moment(text: str, *, rfc_3339: bool) -> datetime | None:
    """The point in time that `text` names, None if it names none.

    Where no zone is said, which RFC 3339 does not allow, UTC is meant. No time is at `-00:00`.
    """
    if rfc_3339 and not _RFC_3339.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return _unusual(text)
    if len(text) > 10 and text[10] not in _SEPARATORS and text[8] not in _SEPARATORS:
        return None
    if time.tzinfo is UTC:
        return None if text.endswith(_MINUS_ZERO) else time
    return _zoned(time)


def seconds_of_duration(duration: str) -> float | None:
    """How long `duration` is, None if it is none. A year counts 365 days, a month 30."""
    match = _DURATION.fullmatch(duration)
    if match is None or _FRACTION_ABOVE.search(duration):
        return None
    return sum(float(number.replace(",", ".")) * _UNITS_S[unit] for unit, number in match.groupdict().items() if number)


def _zoned(time: datetime) -> datetime | None:
    offset = time.utcoffset()
    if offset is None:
        return time.replace(tzinfo=UTC)
    return None if offset % timedelta(minutes=1) else time


def _unusual(text: str) -> datetime | None:
    """Ordinal dates, lower case, leap seconds and a day's last midnight, which Python does not read.

    A leap second ends a day in UTC.
    """
    usual, later, is_leap_second = text.upper(), timedelta(), False
    if ordinal := _ORDINAL.match(usual):
        usual, later = f"{ordinal[1]}-01-01{usual[ordinal.end() :]}", timedelta(days=int(ordinal[2]) - 1)
        if not 1 <= int(ordinal[2]) <= (366 if isleap(int(ordinal[1])) else 365):
            return None
    if _LEAP_SECOND.search(usual):
        usual, later, is_leap_second = _LEAP_SECOND.sub("59", usual, count=1), later + timedelta(seconds=1), True
    elif _MIDNIGHT.search(usual):
        usual, later = _MIDNIGHT.sub("T00", usual, count=1), later + timedelta(days=1)
    time = None if usual == text else moment(usual, rfc_3339=False)
    try:
        return time + later if time and (not is_leap_second or ends_day(time)) else None
    except OverflowError:
        return None
