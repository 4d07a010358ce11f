"""The native dialect: one JSON object, `type` and `version` at its top (see `schemas.event`)."""

import re
from itertools import accumulate
from typing import Any, Final

import msgspec

from schemas.dialects.json_text import parse, without_byte_order_mark
from schemas.dialects.leap_second import after_leap_second
from schemas.dialects.record import Decoded, Tolerated
from schemas.errors import InvalidInput
from schemas.event import EARLIEST_TIME, MAX_IDENTIFIER_CHARS, VERSION, NativeEvent
from schemas.unreadable import require_unpacked
from schemas.upcasting import EVENT_UPCASTERS, upcast

MAX_EVENT_BYTES: Final = 1 << 20
_DECODER: Final[msgspec.json.Decoder[NativeEvent]] = msgspec.json.Decoder(NativeEvent)
MAX_DEPTH: Final = 250  # orjson writes 254, and what was read must be fit to be written
MAX_SHORT_BYTES: Final = 2 * MAX_DEPTH  # what is whole in so few is not too deep
_NATIVE_EVENT: Final[Any] = NativeEvent
_QUOTED: Final = re.compile(r"['\"].*['\"]", re.DOTALL)
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_TIMES: Final = ("time", "due")
SPARE_FIELDS: Final = ("course_id", "class_id", "school_id", "source")
"""Fields without which an event says as much of skills: what is broken in them does not cost the event."""
_NATIVE_FIELDS: Final = frozenset(("version", "event_id", "student_id"))
_KNOWN_TYPES: Final = frozenset(
    definition["properties"]["type"]["enum"][0] for definition in msgspec.json.schema(NativeEvent)["$defs"].values()
)


def decode(value: bytes | None) -> NativeEvent:
    """Return the event that `value` holds.

    Raises InvalidInput, whose reason is one of: null_value, unreadable_batch, too_large, not_utf8, not_json, too_deep,
    not_an_object, unknown_version, unknown_type, absurd_time, invalid_field.
    """
    return try_decode(readable := require_readable(value)) or read(parse(readable)).events[0]


def require_readable(value: bytes | None) -> bytes:
    """Return `value`, without a byte order mark.

    Raises InvalidInput where it is absent, too large, nested too deep or no UTF-8.
    """
    if value is None:
        raise InvalidInput("null_value", "the record has no value")
    require_unpacked(value)
    if len(value) > MAX_EVENT_BYTES:
        raise InvalidInput("too_large", f"{len(value)} bytes; an event may have {MAX_EVENT_BYTES}")
    if not value.isascii():
        _require_utf8(value)
        value = without_byte_order_mark(value)
    if len(value) > MAX_DEPTH and value.count(b"[") + value.count(b"{") > MAX_DEPTH and _is_too_deep(value):
        raise InvalidInput("too_deep", f"nested more than {MAX_DEPTH} levels deep")
    return value


def try_decode(value: bytes) -> NativeEvent | None:
    """Return the event that `value` holds, None if it holds none. Raises InvalidInput for one of an absurd time."""
    try:
        event = _DECODER.decode(value)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    return _dated(event)


def decode_short(value: bytes | None) -> NativeEvent | None:
    """As `try_decode`, for what is too short and simple to need `require_readable`; else None. Never raises."""
    if value is None or len(value) > MAX_SHORT_BYTES or not value.isascii():
        return None
    try:
        event = _DECODER.decode(value)
    except (msgspec.MsgspecError, RecursionError):
        return None
    return None if event.time < EARLIEST_TIME else event


def claims(document: Any) -> bool:
    """Whether `document`, parsed JSON, says of itself that it is native, be it valid or not."""
    if not isinstance(document, dict):
        return False
    kind = document.get("type")
    return not _NATIVE_FIELDS.isdisjoint(document) or (isinstance(kind, str) and kind in _KNOWN_TYPES)


def read(document: Any) -> Decoded:
    """The event that a parsed `document` is, without broken SPARE_FIELDS. Raises InvalidInput as `decode` does."""
    if not isinstance(document, dict):
        return Decoded((convert(document),))
    broken = [name for name in SPARE_FIELDS if document.get(name) is not None and not _is_identifier(document[name])]
    readable = {name: field for name, field in document.items() if name not in broken} if broken else document
    return Decoded((convert(readable),), tolerated=[Tolerated("native", name) for name in broken])


def convert(document: Any) -> NativeEvent:
    """Return the event that a parsed `document` is. Raises InvalidInput as `decode` does."""
    try:
        return _dated(msgspec.convert(_without_leap_seconds(upcast(document, EVENT_UPCASTERS)), _NATIVE_EVENT))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _diagnose(document, error) from None


def encode(event: NativeEvent) -> bytes:
    """Return the bytes that `decode` reads back to an equal event."""
    return msgspec.json.encode(event)


def _require_utf8(value: bytes) -> None:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("not_utf8", f"invalid UTF-8 at byte {error.start}") from None


def _is_too_deep(value: bytes) -> bool:
    """Counted here, since where the decoder's recursion ends depends on how deep its caller stands."""
    steps = _STRING.sub(b"", value).translate(_STEPS, _NO_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0) > MAX_DEPTH


def _without_leap_seconds(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    texts = {name: document[name] for name in _TIMES if isinstance(document.get(name), str)}
    mended = {name: time for name, text in texts.items() if (time := after_leap_second(text))}
    return {**document, **mended} if mended else document


def _is_identifier(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_IDENTIFIER_CHARS


def _dated(event: NativeEvent) -> NativeEvent:
    if event.time < EARLIEST_TIME:
        raise InvalidInput("absurd_time", f"the event's time is before {EARLIEST_TIME.year}")
    return event


def _diagnose(document: Any, error: Exception) -> InvalidInput:
    """Say which rule failed."""
    if not isinstance(document, dict):
        return InvalidInput("not_an_object", f"a JSON {type(document).__name__}, not an object")
    if document.get("version") != VERSION and "version" in document:
        return InvalidInput("unknown_version", f"this program reads version {VERSION}")
    kind = document.get("type", "attempt")
    if not (isinstance(kind, str) and kind in _KNOWN_TYPES):
        return InvalidInput("unknown_type", f"known types: {', '.join(sorted(_KNOWN_TYPES))}")
    return InvalidInput("invalid_field", _QUOTED.sub("'…'", str(error)))
