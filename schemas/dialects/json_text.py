"""JSON as it is sent: a byte order mark before it, and half a surrogate pair in it, do not cost the record.

Half a pair (an escape like `\\ud83d` without its other half: a text that was cut within an emoji) is no character. It
is read as U+FFFD, so that it can be told where it came to lie.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from schemas.errors import InvalidInput
from schemas.event import NativeEvent

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
REPLACEMENT: Final = "\ufffd"
_QUOTED: Final = re.compile(r"['\"].*['\"]", re.DOTALL)
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_NAME_NOTHING: Final = ("text", "page", "course_id", "class_id", "school_id", "source")  # the last four: not of skills


def parse(value: bytes) -> Any:
    """Return the JSON document that `value` is. Raises InvalidInput (not_json)."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if has_half_a_pair(value):
            return _parse_whole_pairs(value)
        raise _not_json(error) from None


def has_half_a_pair(value: bytes) -> bool:
    """Whether some escape of a surrogate lacks its other half. Cheap where there is none."""
    if value.find(b"\\ud") < 0 and value.find(b"\\uD") < 0:
        return False
    return any(escape["half"] for escape in _ESCAPE.finditer(value))


def names_half_a_pair(events: Iterable[NativeEvent]) -> bool:
    """Whether half a pair came to lie in what names something, where it would make two names one."""
    return any(
        REPLACEMENT in named
        for event in events
        for field in event.__struct_fields__
        if field not in _NAME_NOTHING
        for named in _names_in(getattr(event, field))
    )


def _names_in(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, tuple) else ()


def without_byte_order_mark(value: bytes) -> bytes:
    """`value` without a byte order mark before it."""
    return value[len(BYTE_ORDER_MARK) :] if value.startswith(BYTE_ORDER_MARK) else value


def _parse_whole_pairs(value: bytes) -> Any:
    try:
        return orjson.loads(_ESCAPE.sub(_whole, value))
    except orjson.JSONDecodeError as error:
        raise _not_json(error) from None


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]


def _not_json(error: orjson.JSONDecodeError) -> InvalidInput:
    return InvalidInput("not_json", _QUOTED.sub("'…'", str(error)))
