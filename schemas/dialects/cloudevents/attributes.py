"""What is said about a CloudEvent: its context attributes, by the rules of CloudEvents 1.0.

An error names the attribute and the rule; it quotes no value, and no name that breaks the rule for names.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.dialects.leap_second import after_leap_second
from schemas.errors import InvalidInput

SPEC_VERSION: Final = "1.0"
REASON: Final = "cloudevents_invalid"
READ_ATTRIBUTES: Final = frozenset(("specversion", "id", "source", "type", "subject", "time", "datacontenttype"))
_NAME: Final = re.compile(r"[a-z0-9]++")
_MIN_INTEGER, _MAX_INTEGER = -(1 << 31), (1 << 31) - 1
_DISALLOWED: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d++)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_MEDIA_TYPE: Final = re.compile(
    rf'{_TOKEN}/({_TOKEN})(?:[ \t]*+;[ \t]*+{_TOKEN}=(?:{_TOKEN}|"(?:[^"\\\r\n]|\\.)*+"))*+[ \t]*+;?', re.ASCII
)
_CHAR: Final = r"[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2}"
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.\-]*+:"
_AUTHORITY: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*+"
_HOST: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*+"
_HIERARCHY: Final = (
    rf"(?://(?:{_AUTHORITY}@)?(?:\[[0-9A-Za-z:.\-_~!$&'()*+,;=]++\]|{_HOST})(?::[0-9]*+)?(?=[/?#]|\Z)|(?!//))"
    rf"(?:{_CHAR}|/)*+(?:\?(?:{_CHAR}|[/?])*+)?"
)
_URI_REFERENCE: Final = re.compile(rf"(?:{_SCHEME}|(?![^/?#:]*+:)){_HIERARCHY}(?:#(?:{_CHAR}|[/?])*+)?")
_ABSOLUTE_URI: Final = re.compile(rf"{_SCHEME}{_HIERARCHY}")


class Attributes(Struct, frozen=True, kw_only=True):
    """Those that are of use here; `subtype` is the content type's, in lower case. None: the event does not say.

    `tolerated` are the rules that attributes break which nobody reads.
    """

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    subtype: str | None
    tolerated: Sequence[str] = ()

    def event_id(self, index: int | None = None) -> str:
        """An id that no other pair of source and id gets, nor another `index` of the same pair.

        A source has no space and no bar, so where it ends is plain whatever the id holds.
        """
        return f"{self.source} {self.id}" if index is None else f"{self.source}|{index} {self.id}"


def read_attributes(given: Mapping[str, Any]) -> Attributes:
    """The attributes in `given`, by their names; None is unset. Values are of JSON's types, or all strings.

    Raises InvalidInput with reason unknown_version or cloudevents_invalid.
    """
    if _text(given, "specversion", required=True) != SPEC_VERSION:
        raise InvalidInput("unknown_version", f"specversion: this program reads CloudEvents {SPEC_VERSION}")
    for name, value in given.items():
        if name in READ_ATTRIBUTES and (rule := _rule_broken_by(value)):
            raise broken(name, rule)
    if not _URI_REFERENCE.fullmatch(source := _text(given, "source", required=True)):
        raise broken("source", "is no URI reference (RFC 3986)")
    return Attributes(
        id=_text(given, "id", required=True),
        source=source,
        type=_text(given, "type", required=True),
        subject=_text(given, "subject") or None,
        time=_time(_text(given, "time")),
        subtype=_subtype(_text(given, "datacontenttype")),
        tolerated=tuple(dict.fromkeys(_broken_unread(given))),
    )


def broken(attribute: str, rule: str) -> InvalidInput:
    """The error that says which rule an attribute breaks."""
    return InvalidInput(REASON, f"{attribute}: {rule}")


def _broken_unread(given: Mapping[str, Any]) -> Iterator[str]:
    """The rules that extensions and the schema break."""
    for name, value in given.items():
        if name in READ_ATTRIBUTES:
            continue
        if not _NAME.fullmatch(name) or name == "data":
            yield "attribute_name"
        if name == "dataschema":
            if value is not None and not (isinstance(value, str) and _ABSOLUTE_URI.fullmatch(value)):
                yield "dataschema"
        elif _rule_broken_by(value):
            yield "attribute_value"


def _rule_broken_by(value: Any) -> str:
    """Which of the rules for every attribute's value; empty if none."""
    if isinstance(value, str):
        is_plain = value.isascii() and value.isprintable()
        return "holds a control character or a noncharacter" if not is_plain and _DISALLOWED.search(value) else ""
    if value is None or isinstance(value, bool):
        return ""
    if not isinstance(value, int):
        return "is neither a string, a boolean nor an integer"
    return "" if _MIN_INTEGER <= value <= _MAX_INTEGER else "is an integer of more than 32 bits"


def _text(given: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    """A string attribute; empty where it is unset and may be."""
    value = given.get(name)
    if value is None:
        if required:
            raise broken(name, "is missing, and required")
        return ""
    if not isinstance(value, str):
        raise broken(name, "is not a string")
    if not value:
        raise broken(name, "is empty")
    return value


def _time(text: str) -> datetime | None:
    if not text:
        return None
    if _RFC_3339.fullmatch(text):
        try:
            return msgspec.convert(text, datetime)
        except msgspec.ValidationError:
            if time := after_leap_second(text):
                return time
    raise broken("time", "is no time of RFC 3339")


def _subtype(media_type: str) -> str | None:
    if not media_type:
        return None
    parts = _MEDIA_TYPE.fullmatch(media_type)
    if not parts:
        raise broken("datacontenttype", "is no media type (RFC 2046)")
    return parts[1].lower()
