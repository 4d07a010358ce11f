"""One writer's records, each with the hash of the one before."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from msgspec import UNSET

from schemas.audit import (
    AUDIT_VERSION,
    NO_RECORD,
    AuditAction,
    AuditActor,
    AuditOutcome,
    AuditRecord,
    NewestRecord,
    encode_audit_record,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedAct:
    """What is to be recorded; `about` are pseudonyms."""

    at: datetime
    action: AuditAction
    who: AuditActor
    outcome: AuditOutcome
    about: tuple[str, ...] = ()
    detail: str = ""


class HashChain:
    """Of one writer; `newest` is what was newest on the topic before its first record."""

    def __init__(self, writer: str, newest: NewestRecord | None) -> None:
        self.writer = writer
        self._newest = newest
        self._sequence, self._previous = 0, NO_RECORD

    def link(self, act: AuditedAct) -> bytes:
        """The act's record, to be written behind all that were linked before."""
        value = encode_audit_record(
            AuditRecord(
                version=AUDIT_VERSION,
                writer=self.writer,
                sequence=self._sequence,
                previous=self._previous,
                at=act.at,
                action=act.action,
                who=act.who,
                outcome=act.outcome,
                about=act.about,
                detail=act.detail,
                newest=UNSET if self._sequence or self._newest is None else self._newest,
            )
        )
        self._sequence, self._previous = self._sequence + 1, sha256(value).hexdigest()
        return value
