"""CloudEvents 1.0: an event of another dialect, in an envelope.

    headers ──► structured: value ──► attributes, data ─┐
           └──► binary: headers ────► attributes; value ┴─► data ──► xAPI, Caliper, or a native event

* (source, id) is the identity: it becomes the event's id; where the data has several parts, with the place of each.
  What can be voided keeps the id by which a voiding names it.
* A statement that says no time happened when the event says.
* An event of somebody else's type, whose data is no event of any dialect, is ignored, be the data JSON or not.
* Native data may leave out what the attributes say: version, event_id, time (else the record's), student_id (the
  subject) and type (the last part of the event's, before a version such as `.v2`).
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, Final, get_args

import msgspec
import orjson

from schemas.dialects import native
from schemas.dialects.act import MARK_SUFFIX, bounded_identifier
from schemas.dialects.cloudevents.attributes import REASON, Attributes, broken, read_attributes
from schemas.dialects.cloudevents.binding import attributes_in, mode_of, require_json_format
from schemas.dialects.json_text import parse
from schemas.dialects.record import DatedRecord, Decoded, Dialect, Ignored, Invalid, Record, Tolerated
from schemas.errors import InvalidInput
from schemas.event import Mark, NativeEvent

_DATA: Final = ("data", "data_base64")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION: Final = 1
"""Of native data that says none: it stays the first when there are others, so that what is sent now stays readable."""
_TYPES: Final = frozenset(event.__struct_config__.tag for event in get_args(NativeEvent))
_TYPE_VERSION: Final = re.compile(r"\.[vV][0-9.]++\Z")


class CloudEvents:
    """Reads envelopes, and what is in them by `inner`, the dialects whose events they may carry beside native ones."""

    name = "cloudevents"

    def __init__(self, inner: Sequence[Dialect]) -> None:
        self._inner = inner

    def claims(self, document: Any) -> bool:
        """Whether this parsed value is one in structured mode, without a header that says so."""
        return isinstance(document, dict) and "specversion" in document

    def decode(self, document: Any, record: Record) -> Decoded:
        """What an event in structured mode holds. Never raises."""
        try:
            return self._structured(document, record)
        except InvalidInput as error:
            return _refused(error)

    def decode_by_headers(self, record: Record) -> Decoded | None:
        """What `record` holds; None where its headers tell of no CloudEvent. Never raises."""
        mode = mode_of(record.headers)
        if mode is None:
            return None
        try:
            if mode == "structured":
                require_json_format(record.headers)
                return self._structured(_parsed(record.value), record)
            attributes = read_attributes(attributes_in(record.headers))
            return _tolerating(self._read(attributes, _value(record.value, attributes), record), attributes)
        except InvalidInput as error:
            return _refused(error)

    def _structured(self, document: Any, record: Record) -> Decoded:
        if not isinstance(document, dict):
            raise InvalidInput(REASON, "a CloudEvent is a JSON object; batches are not defined for Kafka")
        attributes = read_attributes({name: value for name, value in document.items() if name not in _DATA})
        return _tolerating(self._read(attributes, _data(document, attributes), record), attributes)

    def _read(self, attributes: Attributes, data: Any, record: Record) -> Decoded:
        if self.claims(data):
            raise InvalidInput(REASON, "data: a CloudEvent within a CloudEvent")
        for dialect in self._inner:
            if dialect.claims(data):
                return _identified(dialect.decode(data, _dated(record, attributes)), attributes)
        if not (_names_native(attributes) or _is_native(data)):
            return Decoded(ignored=(Ignored(self.name, attributes.type),))
        if not isinstance(data, dict):
            raise InvalidInput("not_an_object", f"data: a JSON {type(data).__name__}, not an event")
        return _native(data, attributes, record)


def _tolerating(decoded: Decoded, attributes: Attributes) -> Decoded:
    if not attributes.tolerated:
        return decoded
    found = (Tolerated(CloudEvents.name, rule) for rule in attributes.tolerated)
    return msgspec.structs.replace(decoded, tolerated=[*decoded.tolerated, *found])


def _named(attributes: Attributes) -> str:
    return _TYPE_VERSION.sub("", attributes.type).rpartition(".")[2]


def _names_native(attributes: Attributes) -> bool:
    return _named(attributes) in _TYPES


def _is_native(data: Any) -> bool:
    """Whether data in an event of somebody else's type says of itself that it is native."""
    if not (isinstance(data, dict) and isinstance(kind := data.get("type"), str)):
        return False
    return kind in _TYPES or data.get("version") == _VERSION


def _native(data: Mapping[str, Any], attributes: Attributes, record: Record) -> Decoded:
    """A native event, completed from the attributes."""
    said: dict[str, Any] = {
        "version": _VERSION,
        "type": _named(attributes),
        "time": attributes.time or _time_of(record),
        "event_id": bounded_identifier(attributes.event_id()),
    }
    if attributes.subject is not None:
        said["student_id"] = attributes.subject
    document = {**said, **data}
    # Written and read again, since msgspec converts objects by a union of types far slower than it decodes bytes.
    event = native.try_decode(orjson.dumps(document))
    return _identified(native.read(document) if event is None else Decoded((event,)), attributes)


def _identified(decoded: Decoded, attributes: Attributes) -> Decoded:
    """The same, its events called by the envelope's source and id. Their places stay when their neighbours mend."""
    indices: Iterable[int | None] = decoded.parts or repeat(None)
    return msgspec.structs.replace(
        decoded,
        events=[_called(event, attributes, index) for event, index in zip(decoded.events, indices, strict=False)],
    )


def _called(event: NativeEvent, attributes: Attributes, index: int | None) -> NativeEvent:
    if event.voidable:
        return event
    suffix = MARK_SUFFIX if isinstance(event, Mark) else ""
    return msgspec.structs.replace(event, event_id=bounded_identifier(f"{attributes.event_id(index)}{suffix}"))


def _value(value: bytes | None, attributes: Attributes) -> Any:
    """The data of an event in binary mode, parsed; none is like an empty object."""
    if not value:
        return {}
    return _parsed(value) if _is_json(attributes) else None


def _data(document: Mapping[str, Any], attributes: Attributes) -> Any:
    """The data of an event in structured mode, parsed; none is like an empty object."""
    encoded = document.get("data_base64")
    if encoded is None:
        return document["data"] if "data" in document and _is_json(attributes) else {}
    if "data" in document:
        raise broken("data_base64", "is there beside data")
    if not isinstance(encoded, str):
        raise broken("data_base64", "is not a string")
    try:
        decoded = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise broken("data_base64", "is no base64 (RFC 4648)") from None
    return _parsed(decoded) if _is_json(attributes) else None


def _parsed(value: bytes | None) -> Any:
    return parse(native.require_readable(value))


def _is_json(attributes: Attributes) -> bool:
    """Whether the data is JSON. Raises InvalidInput (unsupported_content) where it is not, and should be ours."""
    subtype = attributes.subtype
    if subtype is None or subtype == "json" or subtype.endswith("+json"):
        return True
    if _names_native(attributes):
        raise InvalidInput("unsupported_content", "datacontenttype: only JSON is read (…/json, …+json)")
    return False


def _dated(record: Record, attributes: Attributes) -> Record:
    """`record` at the time that the event says, which is when it happened: its data may say no other."""
    if attributes.time is None:
        return record
    return DatedRecord.of(record, timestamp=(attributes.time - _EPOCH) // timedelta(milliseconds=1))


def _time_of(record: Record) -> datetime | None:
    try:
        return _EPOCH + timedelta(milliseconds=record.timestamp)
    except OverflowError:
        return None


def _refused(error: InvalidInput) -> Decoded:
    return Decoded(invalid=(Invalid(error.reason, str(error), CloudEvents.name),))
