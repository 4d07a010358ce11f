"""Decoding where several tenants write: what is held of one is not even read, and none speaks of another's students.

record ──► under a hold of its tenant's? ──yes──► dead letter tenant_held, the record whole
            └─ no ──► decoded ──► of its tenant's students? ──no──► dead letter foreign_student, of that part
                                   └─ yes ──► events
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

from schemas.dialects import Decode, Decoded, Invalid, Record
from schemas.unreadable import UnreadableBatch
from streams.input.tenancy import Tenancy
from streams.input.tenant_hold import Hold, HoldLog

TENANT_HELD: Final = "tenant_held"
FOREIGN_STUDENT: Final = "foreign_student"


@dataclass(frozen=True, slots=True)
class TenantCounts:
    """Records, and events in them, by the tenant that the records prove."""

    records: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    events: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


class TenantDecoding:
    """Decodes within `tenancy`; `held` is what is held, and may be replaced between two batches. It is a Decode.

    Counts what it decodes by tenant; what is decoded again counts again.
    """

    def __init__(self, tenancy: Tenancy, decode: Decode) -> None:
        self.tenancy = tenancy
        self.held = HoldLog()
        self._decode = decode
        self._counts = TenantCounts()

    def __call__(self, record: Record) -> Decoded:
        """See Decode."""
        of_student, tenant = self.tenancy.of_student, self.tenancy.of_record(record)
        self._counts.records[tenant] += 1
        hold = self.held.covering(tenant, record.partition, record.offset)
        if hold is not None and type(record.value) is not UnreadableBatch:
            return _held(hold)
        decoded = self._decode(record)
        ours = [of_student(event.student_id) == tenant for event in decoded.events]
        if not all(ours):
            decoded = _without_foreign(decoded, ours, tenant)
        self._counts.events[tenant] += len(decoded.events)
        return decoded

    def take_counts(self) -> TenantCounts:
        """What was decoded since the last time, or since it was made. Not while something is decoded."""
        taken, self._counts = self._counts, TenantCounts()
        return taken


def _held(hold: Hold) -> Decoded:
    why = f"tenant {hold.tenant} is held on this partition from offset {hold.start} on: skillstream tenants release"
    return Decoded(invalid=(Invalid(TENANT_HELD, why),))


def _without_foreign(decoded: Decoded, ours: Sequence[bool], tenant: str) -> Decoded:
    """A part goes whole, and so does a record that was read as a whole."""
    why = f"the record is of tenant {tenant}, and the student is not"
    if not decoded.parts:
        return Decoded(invalid=(Invalid(FOREIGN_STUDENT, why),))
    foreign = {part for part, is_ours in zip(decoded.parts, ours, strict=True) if not is_ours}
    stays = [part not in foreign for part in decoded.parts]
    invalid = [*decoded.invalid, *(Invalid(FOREIGN_STUDENT, why, index=part) for part in foreign)]
    return Decoded(
        events=list(compress(decoded.events, stays)),
        invalid=sorted(invalid, key=lambda one: one.index),
        ignored=decoded.ignored,
        parts=list(compress(decoded.parts, stays)),
        tolerated=decoded.tolerated,
    )
