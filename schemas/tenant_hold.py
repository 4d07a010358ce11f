"""`tenant-holds`: from which offset on the records of a tenant are not worked on, and up to which."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.bounds import Offset, Partition
from schemas.errors import InvalidInput

HOLD_VERSION: Final = 1
MAX_HOLD_BYTES: Final = 4_096


class TenantHoldRecord(Struct, frozen=True, kw_only=True):
    """One record, written `at`.

    `hold`: records of `tenant` are not worked on from `start` on, on `partition` of the input topic of this id (empty
    where the broker keeps none); `why` says what was wrong. `end`: they are again from `end` on. `release`: an end is
    asked for of all that was held of the tenant before.
    """

    version: Literal[1]
    kind: Literal["hold", "end", "release"]
    tenant: Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,32}$")]
    at: datetime
    topic_id: Annotated[str, Meta(max_length=64)] = ""
    partition: Partition = 0
    start: Offset = 0
    end: Offset = 0
    why: Annotated[str, Meta(max_length=500)] = ""


_RECORDS: Final = msgspec.json.Decoder(TenantHoldRecord)


def hold_key(said: TenantHoldRecord) -> bytes:
    """A record's key: compaction keeps each hold, each end, and a tenant's last release."""
    if said.kind == "release":
        return f"release/{said.tenant}".encode()
    where = f"{said.topic_id}/{said.partition}/{said.start}/{said.tenant}"
    return (f"hold/{where}" if said.kind == "hold" else f"end/{where}/{said.end}").encode()


def read_hold(value: bytes | None) -> TenantHoldRecord:
    """What a record says. Raises InvalidInput (not_a_hold) and nothing else."""
    if value is None or len(value) > MAX_HOLD_BYTES:
        raise InvalidInput("not_a_hold", "no record of tenant-holds")
    try:
        return _RECORDS.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput("not_a_hold", f"no record of tenant-holds: {type(error).__name__}") from None
