"""`audit`: who did what, a record an act, in one chain of hashes a writer. Nobody is named in it.

A record has the SHA-256 of the one before it of the same writer, over its bytes as they are on the topic: one that is
changed, removed, put between or put elsewhere breaks the chain. The first record of a writer has that of the newest
record on the topic, so that a later writer shows what the end of an earlier chain was.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.bounds import Offset
from schemas.errors import InvalidInput

AUDIT_VERSION: Final = 1
MAX_AUDIT_BYTES: Final = 64 * 1024
MOST_ABOUT: Final = 500
"""Of one record: of more, there are several."""
MAX_DETAIL_CHARS: Final = 200
NO_RECORD: Final = "0" * 64
"""Before the first."""

AuditAction = Literal[
    "read_scores",
    "read_history",
    "read_explanation",
    "read_rows",
    "export",
    "export_person",
    "erase",
    "replay_dead_letters",
    "set_config",
    "rescore",
    "adopt_topic",
    "rebuild",
]
"""What is noted. Readers take any word: others may be added."""
AuditOutcome = Literal["answered", "unknown", "erased", "begun", "done", "failed"]

_Word = Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,39}$")]
_Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
_Pseudonym = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}:[0-9a-f]{32}$")]
_Fingerprint = Annotated[str, Meta(pattern=r"^([0-9a-f]{8}:[0-9a-f]{32})?$")]


class AuditActor(Struct, frozen=True, omit_defaults=True):
    """Who did it: a role of the pages, or `command`. The fingerprint is the keyed hash of the token, or of the user and
    machine of a command; left out where there was none.
    """

    role: _Word
    fingerprint: _Fingerprint = ""


class NewestRecord(Struct, frozen=True):
    """A record of the topic by its offset and the SHA-256 of its value."""

    offset: Offset
    sha256: _Sha256


class AuditRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act: what `who` did `at` a time, and its outcome.

    `writer` is a process, by a name of its own; `sequence` counts its records from 0, `previous` is the hash of the one
    before, 64 zeros in the first. `about` are keyed hashes of persons: the id of a key of the deployment, and an HMAC.
    `newest` is in a writer's first record: what was newest on the topic.
    """

    version: Literal[1]
    writer: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
    sequence: Offset
    previous: _Sha256
    at: datetime
    action: _Word
    who: AuditActor
    outcome: _Word
    about: Annotated[tuple[_Pseudonym, ...], Meta(max_length=MOST_ABOUT)] = ()
    detail: Annotated[str, Meta(max_length=MAX_DETAIL_CHARS)] = ""
    newest: NewestRecord | UnsetType = UNSET


_RECORDS: Final = msgspec.json.Decoder(AuditRecord)


def encode_audit_record(record: AuditRecord) -> bytes:
    """As it is written, and hashed."""
    return msgspec.json.encode(record)


def read_audit_record(value: bytes) -> AuditRecord:
    """The record that `value` holds. Raises InvalidInput (not_an_audit_record) and nothing else."""
    if len(value) > MAX_AUDIT_BYTES:
        raise InvalidInput("not_an_audit_record", f"{len(value):,} bytes are no record of the audit trail")
    try:
        found = _RECORDS.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput("not_an_audit_record", f"no record of the audit trail: {type(error).__name__}") from None
    if found.at.tzinfo is None:
        raise InvalidInput("not_an_audit_record", "no record of the audit trail: a time without a zone")
    return found
