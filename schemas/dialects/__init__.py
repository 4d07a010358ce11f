"""From a record's bytes to native events, whatever dialect the platform speaks.

    record ──► native? ──yes──► one event
                 │ no
                 └──► JSON ──► the first dialect that claims it ──► events, invalid parts, parts of no use

Which dialect and version it is is found from the record alone.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from schemas.dialects import native
from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.record import Decoded, Ignored, Invalid, Record
from schemas.errors import InvalidInput

__all__ = ["Decoded", "Dialect", "Dialects", "Ignored", "Invalid", "Record", "decode"]


class Dialect(Protocol):
    """Reads what it claims. `decode` never raises: what cannot be read is in `invalid`."""

    name: str

    def claims(self, document: Any) -> bool:
        """Whether `document`, parsed JSON, is this dialect's, be it valid or not. Cheap."""

    def decode(self, document: Any, record: Record) -> Decoded:
        """All that `document` holds, in order; `record` is where it came from."""


class Dialects:
    """All dialects, with what a platform's mapping adds to them."""

    def __init__(self, mapping: Mapping = NO_MAPPING) -> None:
        self._dialects: Sequence[Dialect] = ()

    def decode(self, record: Record) -> Decoded:
        """All that `record` holds, in order. Never raises: what cannot be read is in `invalid`."""
        try:
            value = native.require_readable(record.value)
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
