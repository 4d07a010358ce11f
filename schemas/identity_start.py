"""`identity-starts`: from which offset on events of another id count for a student, on a partition of the input."""

from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.bounds import Offset, Partition
from schemas.errors import InvalidInput
from schemas.event import MAX_IDENTIFIER_CHARS

START_VERSION: Final = 1
MAX_START_BYTES: Final = 4_096


class IdentityStartRecord(Struct, frozen=True, kw_only=True):
    """One record, of `partition` of the input topic of this id (empty where the broker keeps none).

    `claim`: `writer` has taken the partition over. `start`: from `start` on, events of the id whose hash is `other`
    count for `student`; for that id's own where `student` is empty. It counts if the newest claim before it is its
    writer's.
    """

    version: Literal[1]
    kind: Literal["claim", "start"]
    writer: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
    topic_id: Annotated[str, Meta(max_length=64)] = ""
    partition: Partition = 0
    other: Annotated[str, Meta(pattern=r"^([0-9a-f]{32})?$")] = ""
    student: Annotated[str, Meta(max_length=MAX_IDENTIFIER_CHARS)] = ""
    start: Offset = 0


_RECORDS: Final = msgspec.json.Decoder(IdentityStartRecord)


def start_key(said: IdentityStartRecord) -> bytes:
    """A record's key, for people: nothing is compacted."""
    where = f"{said.topic_id}/{said.partition}/{said.writer}"
    return (f"claim/{where}" if said.kind == "claim" else f"start/{where}/{said.other}/{said.start}").encode()


def hash_of_id(topic_id: str, other: str) -> str:
    """What stands for another id: the records outlast it, and it may be a mail address."""
    return sha256(f"{topic_id}/{other}".encode(errors="surrogatepass")).hexdigest()[:32]


def read_start(value: bytes | None) -> IdentityStartRecord:
    """What a record says. Raises InvalidInput (not_a_start) and nothing else."""
    if value is None or len(value) > MAX_START_BYTES:
        raise InvalidInput("not_a_start", "no record of identity-starts")
    try:
        return _RECORDS.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput("not_a_start", f"no record of identity-starts: {type(error).__name__}") from None
