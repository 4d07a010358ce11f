"""How much one record may hold: bytes, events, students. What holds more is one dead letter, and none of it is applied.

    decode ──► Decoded ──► within the bounds? ──► as it is
                                 └─ no ─► one Invalid of the record as a whole

They depend on the record alone, so that whoever reads it again, with the same bounds, comes to the same. A record on
which a decoder fails is a dead letter as well: tests look for such, and `replay` brings it back once that is mended.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from schemas.dialects.native import MAX_EVENT_BYTES
from schemas.dialects.record import MAX_PARTS, Decode, Decoded, Invalid, Record


class RecordBounds(Struct, frozen=True, kw_only=True):
    """Bounds of one record. `events` counts all parts of it, be they good, bad or of no use."""

    value_bytes: Annotated[int, Meta(ge=1_024, le=MAX_EVENT_BYTES)] = MAX_EVENT_BYTES
    events: Annotated[int, Meta(ge=1, le=MAX_PARTS)] = 5_000
    students: Annotated[int, Meta(ge=1, le=MAX_PARTS)] = 1_000

    def bounded(self, decode: Decode) -> Decode:
        """`decode`, within these bounds."""

        def decode_within(record: Record) -> Decoded:
            size_bytes = len(record.value or b"")
            if size_bytes > self.value_bytes:
                return _refused("too_large", f"{size_bytes} bytes; a record may have {self.value_bytes}")
            try:
                decoded = decode(record)
            except MemoryError:
                raise
            except Exception as error:  # a fault of ours; the record would end every worker, again after each restart
                return _refused("decoder_failed", f"the decoder raised {type(error).__name__}: a fault of skillstream")
            events = len(decoded.events) + len(decoded.invalid) + len(decoded.ignored)
            if events > self.events:
                return _refused("too_many_events", f"{events} events; a record may hold {self.events}")
            if len(decoded.events) > self.students:
                students = len({event.student_id for event in decoded.events})
                if students > self.students:
                    said = f"events of {students} students; a record may hold those of {self.students}"
                    return _refused("too_many_students", said)
            return decoded

        return decode_within


DEFAULT_BOUNDS: Final = RecordBounds()


def _refused(reason: str, error: str) -> Decoded:
    return Decoded(invalid=(Invalid(reason, error),))
