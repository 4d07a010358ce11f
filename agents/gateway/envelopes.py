"""`/caliper`: an envelope of IMS Caliper 1.1 or 1.2, taken whole or not at all.

Each datum becomes a record of its own, in an envelope that says what the whole one said: so it is read as it would be
there, and is keyed by its own student. What is wrong where nobody reads it is tolerated, as workers do.
"""

from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from agents.gateway.batches import KeyedValue, TakenBatch, keyed, not_taken, require_few_items
from agents.gateway.refusal import NotTaken
from schemas.dialects import native
from schemas.dialects.bounds import RecordBounds
from schemas.dialects.caliper import Caliper
from schemas.dialects.json_text import parse
from schemas.dialects.mapping import Mapping
from schemas.dialects.record import Decoded, Invalid, Record
from schemas.errors import InvalidInput


class _Envelope(Struct, rename="camel"):
    data: list[Raw]
    sensor: Raw | UnsetType = UNSET
    send_time: Raw | UnsetType = UNSET
    data_version: Raw | UnsetType = UNSET


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


class Envelopes:
    """By a deployment's mapping and bounds."""

    def __init__(self, mapping: Mapping, bounds: RecordBounds) -> None:
        self._caliper = Caliper(mapping)
        self._decode = bounds.bounded(self._read)

    def sent(self, body: bytes, students: str) -> TakenBatch:
        """Raises NotTaken."""
        try:
            envelope = _ENVELOPE.decode(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            said = "not an envelope: an object with sensor, sendTime, dataVersion and data, a list"
            raise NotTaken(400, "unreadable", said, rule="5.2-data") from None
        require_few_items(len(envelope.data))
        if not envelope.data:
            raise NotTaken(400, "unreadable", "data is empty", rule="5.2-data")
        around = _around(envelope)
        records: list[KeyedValue] = []
        events = 0
        for index, datum in enumerate(envelope.data):
            record, count = keyed(around + bytes(datum) + b"]}", self._decode, students)
            if isinstance(record, Invalid):
                raise not_taken("datum", index, record)
            records.append(record)
            events += count
        return TakenBatch(records, events, answer={"events": events})

    def _read(self, record: Record) -> Decoded:
        try:
            return self._caliper.decode(parse(native.require_readable(record.value)), record)
        except InvalidInput as error:
            return Decoded(invalid=(Invalid(error.reason, str(error), "caliper"),))


def _around(envelope: _Envelope) -> bytes:
    """What stands before a datum."""
    said = (("sensor", envelope.sensor), ("sendTime", envelope.send_time), ("dataVersion", envelope.data_version))
    named = (b'"%s":%s,' % (name.encode(), bytes(value)) for name, value in said if value is not UNSET)
    return b"{" + b"".join(named) + b'"data":['
