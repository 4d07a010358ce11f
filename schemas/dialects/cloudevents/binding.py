"""CloudEvents on Kafka: which content mode a record's headers tell of, and the attributes that they hold.

    content-type: application/cloudevents+json     structured: attributes and data are in the value
    ce_id, ce_source, ce_specversion, ce_type …    binary: attributes are headers, the value is the data

Header values are UTF-8 as they are; only CloudEvents on HTTP encodes them with percent signs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from schemas.dialects.cloudevents.attributes import READ_ATTRIBUTES, broken
from schemas.errors import InvalidInput

Mode = Literal["structured", "binary"]
HEADER_PREFIX: Final = "ce_"
_DISTINCTIVE: Final = frozenset({"ce_id", "ce_source", "ce_specversion", "ce_type"})
_CONTENT_TYPE: Final = "content-type"
_STRUCTURED: Final = b"application/cloudevents"
_JSON_FORMAT: Final = b"application/cloudevents+json"


def mode_of(headers: Sequence[tuple[str, bytes]]) -> Mode | None:
    """The content mode; None where no header speaks of CloudEvents. One required attribute is enough to tell."""
    mode: Mode | None = None
    for name, value in headers:
        if name in _DISTINCTIVE:
            mode = "binary"
        elif _is_structured(name, value):
            return "structured"
    return mode


def require_json_format(headers: Sequence[tuple[str, bytes]]) -> None:
    """Raise InvalidInput (unsupported_content) where the value is in another event format than JSON, or a batch."""
    for name, value in headers:
        if _is_structured(name, value) and value.partition(b";")[0].strip().lower() != _JSON_FORMAT:
            raise InvalidInput(
                "unsupported_content",
                "content-type: of the formats of CloudEvents only application/cloudevents+json is read",
            )


def attributes_in(headers: Sequence[tuple[str, bytes]]) -> Mapping[str, Any]:
    """The attributes of a CloudEvent in binary mode, as strings; what is none, of those that nobody reads, as bytes.

    Raises InvalidInput (cloudevents_invalid).
    """
    found: dict[str, str | bytes] = {}
    content_type: str | None = None
    for name, value in headers:
        if name.startswith(HEADER_PREFIX):
            attribute = name[len(HEADER_PREFIX) :]
            if attribute not in READ_ATTRIBUTES:
                found[attribute] = _unread(value, is_repeated=attribute in found)
            elif attribute in found:
                raise broken(f"header {HEADER_PREFIX}…", "an attribute is there twice")
            elif value is not None:
                found[attribute] = _decoded(value)
        elif name.lower() == _CONTENT_TYPE and value is not None:
            content_type = _decoded(value)
    return found if content_type is None else found | {"datacontenttype": content_type}


def _is_structured(name: str, value: bytes) -> bool:
    return name.lower() == _CONTENT_TYPE and (value or b"")[: len(_STRUCTURED)].lower() == _STRUCTURED


def _unread(value: bytes | None, *, is_repeated: bool) -> str | bytes:
    """As text, if it is one and the first of its name."""
    try:
        return (value or b"") if is_repeated else (value or b"").decode()
    except UnicodeDecodeError:
        return value or b""


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise broken("headers", f"invalid UTF-8 at byte {error.start} of one") from None
