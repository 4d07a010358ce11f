"""A tracking event in one form, whichever of its two it came in.

a line of tracking.log:  event_type, event_source, username, time, event (an object, or JSON in a string) ─┐
an event on its way:     name, timestamp, context, data ───────────────────────────────────────────────────┴─► Tracked
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import orjson
from msgspec import Struct

from schemas.dialects import native
from schemas.dialects.json_text import parse
from schemas.dialects.xapi.times import moment
from schemas.errors import InvalidInput

INVALID_EVENT: Final = "openedx_invalid"
REQUEST: Final = "request"
"""What an event is called that the server logs of every request: its own name is the path."""
_NAMED_BY: Final = ("name", "event_type")
_DATED_BY: Final = ("timestamp", "time")
_NOT_OPEN_EDX: Final = frozenset(("@context", "actor", "verb", "object", "sensor", "specversion", "type"))


class Tracked(Struct, frozen=True, gc=False):
    """An event's name, who reported it (`browser`, `server`), when it happened, and what it says.

    `data` is empty where what was sent is no object; `text` is what was sent where it is a text.
    """

    name: str
    source: str
    time: datetime | None
    context: Mapping[str, Any]
    data: Mapping[str, Any]
    text: str
    top: Mapping[str, Any]

    def course(self) -> str:
        """The key of its course; empty where none is named."""
        return text_in(self.context, "course_id") or text_in(self.data, "course_id")

    def digest(self, student: str) -> str:
        """Of who did what when, in either form: so that an event that is sent again is a repeat."""
        said = (self.name, self.source, student, self.time, self.data, self.text)
        return f"sha256:{sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()}"


def looks_tracked(document: Any) -> bool:
    """Whether a parsed `document` is a tracking event, be it valid or not."""
    if not isinstance(document, dict) or not _NOT_OPEN_EDX.isdisjoint(document) or native.claims(document):
        return False
    if not any(isinstance(document.get(name), str) for name in _NAMED_BY):
        return False
    if "event_type" in document and "event_source" in document:
        return True
    return "context" in document and not document.keys().isdisjoint(_DATED_BY)


def read_tracked(document: Mapping[str, Any]) -> Tracked:
    """The event that a `document` is which looks tracked. Raises InvalidInput (openedx_invalid)."""
    context = document.get("context") or {}
    if not isinstance(context, dict):
        raise InvalidInput(INVALID_EVENT, "context: not an object")
    said = document.get("data")
    data, text = _said(document.get("event") if said is None else said)
    name = next(filter(None, (text_in(document, name) for name in _NAMED_BY)), "")
    if name.startswith(("/", "http:", "https:")):
        name = REQUEST
    source = text_in(document, "event_source") or text_in(context, "event_source")
    return Tracked(name, source, _time(document), context, data, text, document)


def text_in(part: Mapping[str, Any], name: str) -> str:
    """The text of that name; empty where it is missing or none."""
    value = part.get(name)
    return value if isinstance(value, str) else ""


def object_in(part: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object of that name; empty where it is missing or none."""
    value = part.get(name)
    return value if isinstance(value, dict) else {}


def _said(value: Any) -> tuple[Mapping[str, Any], str]:
    """What was sent, as an object, and as a text where it is one that holds no object (answers of a form)."""
    if isinstance(value, dict):
        return value, ""
    if not isinstance(value, str):
        return {}, ""
    try:
        parsed = parse(native.require_readable(value.encode()))
    except InvalidInput:
        return {}, value
    return (parsed, "") if isinstance(parsed, dict) else ({}, value)


def _time(document: Mapping[str, Any]) -> datetime | None:
    """When it happened; None where it does not say. Raises InvalidInput for what is no time."""
    for name in _DATED_BY:
        said = document.get(name)
        if said is not None:
            time = moment(said, rfc_3339=False) if isinstance(said, str) else None
            if time is None:
                raise InvalidInput(INVALID_EVENT, f"{name}: not an ISO 8601 timestamp; no time is at -00:00")
            return time
    return None
