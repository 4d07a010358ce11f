"""Files that were exported and may hold a student still: those that the audit trail has when a receipt is made.

No clock decides: an export that is not on the trail by then began when the student was erased already. One that is may
hold the student or not; of a single student's only those are listed that are of this one.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct

from agents.audit.stored import StoredAuditTrail
from agents.audit.verification import StoredAudit
from agents.config.settings import Settings
from agents.kafka.errors import NoSuchTopic, TopicForbidden
from schemas.audit import AuditRecord, read_audit_record
from schemas.errors import InvalidInput

_EXPORT: Final = "export"
_OF_ONE: Final = "export_person"


class Exported(Struct, frozen=True):
    """`what` has the SHA-256 of the files, by which they are found again; `by` is a keyed hash of who ran it and where,
    as the audit trail has it. The outcome is `begun` where it was never said to be `done` or `failed`.
    """

    at: str
    what: str
    by: str
    outcome: str


def exports_of(settings: Settings, students: Sequence[str]) -> tuple[Exported, ...] | None:
    """In the order in which they began; None where the trail may not be read. Blocks. Raises Retryable."""
    last: dict[str, AuditRecord] = {}  # of each writer: a command is one
    try:
        with StoredAuditTrail(settings) as trail:
            about = frozenset[str]().union(*map(trail.keyring.pseudonyms, students))
            for record in _signed(trail.having(b'"export')):
                if record.action == _EXPORT or (record.action == _OF_ONE and not about.isdisjoint(record.about)):
                    last[record.writer] = record
    except NoSuchTopic:
        return ()
    except TopicForbidden:
        return None
    return tuple(map(_exported, last.values()))


def _signed(stored: Iterator[StoredAudit]) -> Iterator[AuditRecord]:
    """Those that the deployment signed, or of which nobody here can tell."""
    for each in stored:
        with suppress(InvalidInput):
            if each.is_signed is not False:
                yield read_audit_record(each.value or b"")


def _exported(record: AuditRecord) -> Exported:
    at = record.at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Exported(at, record.detail or record.action, record.who.fingerprint, record.outcome)
