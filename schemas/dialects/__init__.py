"""From a record's bytes to native events, whatever dialect the platform speaks.

    record ──► headers of CloudEvents? ──yes──► its attributes, and its data: an event of any dialect
                 │ no
               native, or a usual statement? ──yes──► read from its bytes
                 │ no
               JSON ──► the first dialect that claims it ──► events, invalid parts, parts of no use

Which dialect and version it is is found from the record alone.
"""

from collections.abc import Sequence
from typing import Any, Final

from schemas.dialects import native
from schemas.dialects.caliper import Caliper
from schemas.dialects.cloudevents import CloudEvents
from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.record import Decode, Decoded, Dialect, Ignored, Invalid, Record
from schemas.dialects.xapi import Xapi
from schemas.errors import InvalidInput

__all__ = ["Decode", "Decoded", "Dialect", "Dialects", "Ignored", "Invalid", "Record", "decode"]

# Statements and Caliper events say these: to try them as native events first would cost a tenth of reading them. A
# native event that says one is read a moment later.
_VERB: Final = b'"verb"'
_CONTEXT: Final = b'"@context"'


class Dialects:
    """All dialects, with what a platform's mapping adds to them."""

    def __init__(self, mapping: Mapping = NO_MAPPING) -> None:
        self._xapi = Xapi(mapping)
        inner: Sequence[Dialect] = (Caliper(mapping), self._xapi)
        self._cloudevents = CloudEvents(inner)
        self._dialects: Sequence[Dialect] = (self._cloudevents, *inner)

    def decode(self, record: Record) -> Decoded:
        """All that `record` holds, in order. Never raises: what cannot be read is in `invalid`."""
        try:
            if record.headers and (decoded := self._cloudevents.decode_by_headers(record)) is not None:
                return decoded
            value = native.require_readable(record.value)
            if value.find(_VERB) >= 0:  # `in` takes longer: it asks first whether it was given a number
                decoded = self._xapi.try_decode(value, record)
                if decoded is not None:  # valid, so without a property by which another dialect would claim it
                    return decoded
            elif value.find(_CONTEXT) < 0:
                event = native.try_decode(value)
                if event is not None:
                    return Decoded((event,))
            return self.read(native.parse(value), record)
        except InvalidInput as error:
            return Decoded(invalid=(Invalid(error.reason, str(error), "native"),))

    def read(self, document: Any, record: Record) -> Decoded:
        """All that a parsed `document` holds. Raises InvalidInput where no dialect claims it, as native events do."""
        for dialect in self._dialects:
            if dialect.claims(document):
                return dialect.decode(document, record)
        return Decoded((native.convert(document),))


decode = Dialects().decode
