"""Values that the specification gives a form: IRIs, UUIDs, instants, durations, numbers."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

_IRI: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*+|_):[!#-;=?-\[\]_a-z~\x80-\U0010ffff]++").fullmatch
_UUID_URN: Final = re.compile(
    r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII
).fullmatch
_USUAL_CHARS: Final = 256
_NUMBER: Final = r"[0-9]+(?:[.,][0-9]+)?"
_DURATION: Final = re.compile(
    rf"P(?=[0-9T])(?:(?P<W>{_NUMBER})W)?(?:(?P<Y>{_NUMBER})Y)?(?:(?P<M>{_NUMBER})M)?(?:(?P<D>{_NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?(?:(?P<s>{_NUMBER})S)?)?"
).fullmatch
_SECONDS: Final = {"W": 604_800, "Y": 31_536_000, "M": 2_592_000, "D": 86_400, "h": 3_600, "m": 60, "s": 1}


def is_iri(value: Any) -> bool:
    """Whether `value` is an absolute IRI or a blank node identifier."""
    return type(value) is str and (_is_usual_iri(value) if len(value) <= _USUAL_CHARS else _IRI(value) is not None)


@lru_cache(maxsize=16_384)
def _is_usual_iri(value: str) -> bool:
    """Half the IRIs of an event are in it twice, or in the event before: users, courses, sessions, applications."""
    return _IRI(value) is not None


def is_uuid_urn(value: Any) -> bool:
    """Whether `value` is urn:uuid:<UUID>, of whatever version (RFC 4122; 4 is only recommended)."""
    return type(value) is str and _UUID_URN(value) is not None


def instant(value: Any) -> datetime | None:
    """The time that `value`, YYYY-MM-DDTHH:mm:ss.SSSZ, is; None for any other form."""
    if type(value) is not str or len(value) != 24:
        return None
    if value[7] != "-" or value[10] != "T" or value[19] != "." or value[23] != "Z":
        return None  # some other form of ISO 8601, which Python reads, too
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def is_instant(value: Any) -> bool:
    return instant(value) is not None


def seconds(value: Any) -> float | None:
    """The seconds of an ISO 8601 duration, a year of 365 days and a month of 30; None for what is none."""
    found = _DURATION(value) if type(value) is str else None
    if found is None:
        return None
    return sum(float(number.replace(",", ".")) * _SECONDS[unit] for unit, number in found.groupdict().items() if number)


def is_duration(value: Any) -> bool:
    return seconds(value) is not None


def is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int


def is_integer(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())
