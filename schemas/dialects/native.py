"""The native dialect: one JSON object, `type` and `version` at its top (see `schemas.event`)."""

import re
from typing import Final

import msgspec
import orjson

from schemas.errors import InvalidInput
from schemas.event import EARLIEST_TIME, VERSION, NativeEvent

MAX_EVENT_BYTES: Final = 1 << 20
_DECODER: Final[msgspec.json.Decoder[NativeEvent]] = msgspec.json.Decoder(NativeEvent)
MAX_DEPTH: Final = 256
_QUOTED: Final = re.compile(r"['\"].*['\"]", re.DOTALL)
_STRING_OR_BRACKET: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[\[{\]}]', re.DOTALL)
_KNOWN_TYPES: Final = frozenset(
    definition["properties"]["type"]["enum"][0] for definition in msgspec.json.schema(NativeEvent)["$defs"].values()
)


def decode(value: bytes | None) -> NativeEvent:
    """Return the event that `value` holds.

    Raises InvalidInput, whose reason is one of: null_value, too_large, not_utf8, not_json, too_deep, not_an_object,
    unknown_version, unknown_type, absurd_time, invalid_field.
    """
    if value is None:
        raise InvalidInput("null_value", "the record has no value")
    if len(value) > MAX_EVENT_BYTES:
        raise InvalidInput("too_large", f"{len(value)} bytes; an event may have {MAX_EVENT_BYTES}")
    if not value.isascii():
        _require_utf8(value)
    if len(value) > MAX_DEPTH and value.count(b"[") + value.count(b"{") > MAX_DEPTH and _is_too_deep(value):
        raise InvalidInput("too_deep", f"nested more than {MAX_DEPTH} levels deep")
    try:
        event = _DECODER.decode(value)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _diagnose(value, error) from None
    if event.time < EARLIEST_TIME:
        raise InvalidInput("absurd_time", f"the event's time is before {EARLIEST_TIME.year}")
    return event


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
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(value):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif token[0] in (b"]", b"}"):
            depth -= 1
    return False


def _diagnose(value: bytes, error: Exception) -> InvalidInput:
    """Say which rule failed; only bad records pay for the second reading."""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return InvalidInput("not_json", _QUOTED.sub("'…'", str(error)))
    if not isinstance(document, dict):
        return InvalidInput("not_an_object", f"a JSON {type(document).__name__}, not an object")
    if document.get("version") != VERSION and "version" in document:
        return InvalidInput("unknown_version", f"this program reads version {VERSION}")
    kind = document.get("type", "attempt")
    if not (isinstance(kind, str) and kind in _KNOWN_TYPES):
        return InvalidInput("unknown_type", f"known types: {', '.join(sorted(_KNOWN_TYPES))}")
    return InvalidInput("invalid_field", _QUOTED.sub("'…'", str(error)))
