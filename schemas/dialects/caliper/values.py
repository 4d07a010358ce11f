"""Values that the specification gives a form: IRIs, UUIDs, instants, durations, numbers."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from schemas.dialects.leap_second import after_leap_second

_IRI: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*+|_):[!#-;=?-\[\]_a-z~\x80-\U0010ffff]++").fullmatch
_HEX: Final = "[0-9a-fA-F]"  # with re.IGNORECASE, or the middle as one group, it takes twice as long
_UUID_URN: Final = re.compile(
    rf"(?i:urn:uuid:){_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}", re.ASCII
).fullmatch
_ISO_8601: Final = datetime.fromisoformat
_NUMBER: Final = r"[0-9]+(?:[.,][0-9]+)?"
_DURATION: Final = re.compile(
    rf"P(?=[0-9T])(?:({_NUMBER})W)?(?:({_NUMBER})Y)?(?:({_NUMBER})M)?(?:({_NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?"
).fullmatch
_SECONDS: Final = (604_800, 31_536_000, 2_592_000, 86_400, 3_600, 60, 1)


class Checked(dict[str, bool]):
    """Whether a text has a form: `judged[text]`. Bounded: it forgets all when full, and keeps no long text.

    Most IRIs and dates of an event were in it or another before: those of users, courses, sessions, applications.
    """

    MOST: Final = 16_384
    LONGEST: Final = 256

    def __init__(self, form: Callable[[str], object]) -> None:
        self._form = form

    def __missing__(self, text: str) -> bool:
        has_form = self._form(text) is not None
        if len(text) <= self.LONGEST:
            if len(self) >= self.MOST:
                self.clear()
            self[text] = has_form
        return has_form


CHECKED_IRIS: Final = Checked(_IRI)


def is_iri(value: Any) -> bool:
    """Whether `value` is an absolute IRI or a blank node identifier."""
    return type(value) is str and CHECKED_IRIS[value]


def is_uuid_urn(value: Any) -> bool:
    """Whether `value` is urn:uuid:<UUID>, of whatever version (RFC 4122; 4 is only recommended)."""
    return type(value) is str and _UUID_URN(value) is not None


def instant(value: Any) -> datetime | None:
    """The time that `value`, YYYY-MM-DDTHH:mm:ss.SSSZ, is; None for any other form."""
    if type(value) is not str or len(value) != 24:
        return None
    if value[7] == "-" and value[10] == "T" and value[19] == "." and value[23] == "Z":  # Python reads other forms, too
        try:
            return _ISO_8601(value)
        except ValueError:
            return after_leap_second(value)
    return None


INSTANTS: Final = Checked(instant)
DURATIONS: Final = Checked(_DURATION)


def duration_seconds(value: Any) -> float | None:
    """The seconds of an ISO 8601 duration, a year of 365 days and a month of 30; None for what is none."""
    found = _DURATION(value) if type(value) is str else None
    if found is None:
        return None
    total = 0.0
    for number, unit_s in zip(found.groups(), _SECONDS, strict=True):
        if number:
            total += float(number.replace(",", ".")) * unit_s
    return total


def is_number(value: Any) -> bool:
    return type(value) is float or type(value) is int


def is_texts(value: Any) -> bool:
    return type(value) is list and all(type(one) is str for one in value)


def is_boolean(value: Any) -> bool:
    return type(value) is bool


def is_integer(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def is_count(value: Any) -> bool:
    return is_integer(value) and value >= 0
