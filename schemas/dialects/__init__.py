"""From a record's bytes to native events, whatever dialect the platform speaks.

    record ──► headers of CloudEvents? ──yes──► its attributes, and its data: an event of any dialect
                 │ no
               native, or a usual statement? ──yes──► read from its bytes
                 │ no
               JSON ──► the first dialect that claims it ──► events, invalid parts, parts of no use
                 └─ none does ──► no_dialect

Which dialect and version it is is found from the record alone.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from schemas.dialects import native
from schemas.dialects.bounds import DEFAULT_BOUNDS, RecordBounds
from schemas.dialects.caliper import Caliper
from schemas.dialects.cloudevents import CloudEvents
from schemas.dialects.json_text import BYTE_ORDER_MARK, has_half_a_pair, names_half_a_pair, parse
from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.openedx import OpenEdx
from schemas.dialects.record import Decode, Decoded, Dialect, Ignored, Invalid, Record, Tolerated
from schemas.dialects.vocabulary import Vocabulary
from schemas.dialects.xapi import Xapi
from schemas.errors import InvalidInput

__all__ = ["Decode", "Decoded", "Dialect", "Dialects", "Ignored", "Invalid", "Record", "Tolerated", "decode"]

# Statements and Caliper events say these: to try them as native events first would cost a tenth of reading them. A
# native event that says one is read a moment later.
_VERB: Final = b'"verb"'
_CONTEXT: Final = b'"@context"'
NO_DIALECT: Final = "no_dialect"
_LOOKED_FOR: Final = (
    "no dialect claims this object: looked for version, event_id, student_id or a known type (native), for actor, verb "
    "and object (xAPI), for @context, sensor and data, or action and eventTime (Caliper), for name or event_type "
    "beside context and a time (Open edX), and for specversion (CloudEvents)"
)


class Dialects:
    """All dialects, with what a platform's mapping adds to them; `courses` are copies of courses, as it has them."""

    def __init__(self, mapping: Mapping = NO_MAPPING) -> None:
        self.courses = mapping.norms.courses
        self.vocabulary = Vocabulary(mapping)
        self._xapi = Xapi(mapping)
        inner: Sequence[Dialect] = (Caliper(mapping), self._xapi, OpenEdx(self._xapi, mapping))
        self._cloudevents = CloudEvents(inner)
        self._dialects: Sequence[Dialect] = (self._cloudevents, *inner)

    def within(self, bounds: RecordBounds) -> Decode:
        """`decode`, within `bounds`. Short native events, which most records are, are read without asking further."""
        decode, decode_short = bounds.bounded(self.decode), native.decode_short

        def decode_within(record: Record) -> Decoded:
            if not record.headers and (event := decode_short(record.value)) is not None:
                return Decoded((event,))
            return decode(record)

        return decode_within

    def decode(self, record: Record) -> Decoded:
        """All that `record` holds, in order. Never raises: what cannot be read is in `invalid`."""
        try:
            if record.headers and (decoded := self._cloudevents.decode_by_headers(record)) is not None:
                return decoded
            value = native.require_readable(record.value)
            if value.find(_VERB) >= 0:  # `in` takes longer: it asks first whether it was given a number
                decoded = self._xapi.try_decode(value, record)
                if decoded is not None:  # valid, so without a property by which another dialect would claim it
                    return decoded if value is record.value else _tolerated(decoded, record.value)
            elif value.find(_CONTEXT) < 0:
                event = native.try_decode(value)
                if event is not None:
                    decoded = Decoded((event,))
                    return decoded if value is record.value else _tolerated(decoded, record.value)
        except InvalidInput as error:
            return _refused(error)
        return self.decode_parsed(value, record)

    def decode_parsed(self, value: bytes, record: Record) -> Decoded:
        """All that the readable `value` of `record` holds: as `decode`, but always from parsed JSON. Never raises."""
        try:
            return _tolerated(self.read(parse(value), record), record.value)
        except InvalidInput as error:
            return _refused(error)

    def read(self, document: Any, record: Record) -> Decoded:
        """All that a parsed `document` holds. Raises InvalidInput as native events do, or with reason no_dialect."""
        for dialect in self._dialects:
            if dialect.claims(document):
                return dialect.decode(document, record)
        if isinstance(document, dict) and not native.claims(document):
            raise InvalidInput(NO_DIALECT, _LOOKED_FOR)
        return native.read(document)


def _refused(error: InvalidInput) -> Decoded:
    guess = "unknown" if error.reason in (NO_DIALECT, "not_an_object") else "native"
    return Decoded(invalid=(Invalid(error.reason, str(error), guess),))


def _tolerated(decoded: Decoded, value: bytes | None) -> Decoded:
    """`decoded`, with what was tolerated of the JSON itself. Raises InvalidInput where that is in a name."""
    if value is None or not (value.startswith(BYTE_ORDER_MARK) or has_half_a_pair(value)):
        return decoded
    found = [
        Tolerated("json", rule)
        for rule, is_broken in (
            ("byte_order_mark", value.startswith(BYTE_ORDER_MARK)),
            ("half_surrogate_pair", has_half_a_pair(value)),
        )
        if is_broken
    ]
    if found[-1].rule == "half_surrogate_pair" and names_half_a_pair(decoded.events):
        raise InvalidInput("not_json", "half a surrogate pair in what names the student, the event or its item")
    return replace(decoded, tolerated=[*decoded.tolerated, *found])


decode = Dialects().within(DEFAULT_BOUNDS)
"""Without a mapping, within the default bounds."""
