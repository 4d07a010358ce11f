"""Input checkpoints: what a partition's table remembers of its input, and whether the input is still the same. Pure.

A checkpoint is one record of the changelog, behind the rows of every folded batch:

    input      … 6 7 8 ]                    the batch ended with record 8
    changelog  … row row row checkpoint     topic id, partitions, epoch, (8, its timestamp and checksum), rows

Offsets kept in rows are worth something only on the topic, and beside the rows, that they were counted on. So what is
found at the start is compared with the checkpoint before anything is folded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final, TypeAlias
from zlib import crc32

import msgspec
from msgspec import Meta, Struct

from schemas.bounds import MAX_INT64, MAX_UINT32, Milliseconds, Offset, Partition, Size
from schemas.errors import Fatal
from streams.input.skipped import NOTHING_SKIPPED, Skipped

CHECKPOINT_VERSION: Final = 1
RESERVED: Final = b"\x00\xff"  # 0xff is in no UTF-8 text, so in no student's key
CHECKPOINT_KEY: Final = RESERVED + b"skillstream"


RescoreId: TypeAlias = tuple[Offset, Milliseconds]
"""Offset and time of a request's record on `fusion-config`."""


class IdentityLost(Fatal):
    """Folding on would skip events, apply them twice, or start afresh in silence. The message says what to do."""


class Remedy(Enum):
    """What an operator does about it. The value is what the message says; it ends a sentence."""

    ADOPT = "to go on with this topic, stop all workers and run `skillstream adopt-topic`"
    REWIND = "stop all workers and run `skillstream rebuild --rewind`, which reads these records again, losing nothing"
    REBUILD = "stop all workers and run `skillstream rebuild`, which folds again what the topic still holds"
    UNSET_EPOCH = (
        "unset SKILLSTREAM_EPOCH: the table knows its epoch, and `skillstream adopt-topic` raises it when it must be"
    )


class InputCheckpoint(Struct, frozen=True, array_like=True):
    """See the module. `offset` is the last one folded, or the one before the first; `timestamp_ms` and `checksum` are
    of its record, None where it has none to compare. `topic_id` is empty where the broker gives none. `folded_to` is
    the last offset that had been folded when the table was last rebuilt: up to it, nothing is news. `rescored` is the
    last request to score all students that was carried out. `norms` is the number of the last entry in the journal of
    norms, -1 where the batch was folded without one.
    """

    version: int
    topic_id: str
    partitions: Partition
    epoch: Size
    offset: Annotated[int, Meta(ge=-1, le=MAX_INT64)]
    timestamp_ms: Milliseconds | None = None
    checksum: Annotated[int, Meta(ge=0, le=MAX_UINT32)] | None = None
    rows: Size = 0
    skipped: Skipped = NOTHING_SKIPPED
    folded_to: Annotated[int, Meta(ge=-1, le=MAX_INT64)] = -1
    rescored: RescoreId | None = None
    norms: Annotated[int, Meta(ge=-1, le=MAX_INT64)] = -1


@dataclass(frozen=True, slots=True)
class Seen:
    """The record that is at the checkpoint's offset now."""

    timestamp_ms: int
    checksum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A partition as it is found. `start` and `end` are the first offset retained and the next one to be written;
    `committed` is the group's; `seen` is None where no record is retained at the checkpoint's offset.
    """

    topic_id: str
    partitions: int
    start: int
    end: int
    committed: int | None
    rows: int
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class CheckpointMismatch:
    """Why a partition must not be folded on."""

    problem: str
    remedy: Remedy

    def __str__(self) -> str:
        return f"{self.problem}. What to do: {self.remedy.value}."


def is_reserved(key: bytes) -> bool:
    """Whether a key of the changelog is no student's."""
    return key.startswith(RESERVED)


def fresh_checkpoint(
    found: Found, epoch: int, rows: int, folded_to: int = -1, rescored: RescoreId | None = None, norms: int = -1
) -> InputCheckpoint:
    """The checkpoint of a partition of which the table holds nothing yet, and `found.start` will be the first."""
    return InputCheckpoint(
        CHECKPOINT_VERSION,
        found.topic_id,
        found.partitions,
        epoch,
        found.start - 1,
        rows=rows,
        folded_to=folded_to,
        rescored=rescored,
        norms=norms,
    )


def folded_until(checkpoint: InputCheckpoint | None, found: Found) -> int:
    """The last offset of the topic as it is now that was ever folded; -1 where none was, or it may be another topic."""
    last = (found.committed or 0) - 1
    same: bool | None = None
    if checkpoint is not None:
        last = max(last, checkpoint.offset, checkpoint.folded_to)
        same = is_same_topic(checkpoint, found.topic_id)
    if same or (same is None and last < found.end):
        return min(last, found.end - 1)
    return -1


def next_epoch(epochs: Iterable[int]) -> int:
    """Beyond all of `epochs`."""
    return max(epochs, default=0) + 1


def value_checksum(value: bytes | None) -> int:
    """CRC-32 of a record's value."""
    return crc32(value or b"")


def encode_checkpoint(checkpoint: InputCheckpoint) -> bytes:
    """The checkpoint as a record's value on the changelog."""
    return msgspec.msgpack.encode(checkpoint)


def decode_checkpoint(encoded: bytes) -> InputCheckpoint:
    """The inverse of `encode_checkpoint`. Raises IdentityLost for what it never wrote."""
    try:
        version = msgspec.msgpack.decode(encoded, type=list)[0]
        if version == CHECKPOINT_VERSION:
            return msgspec.msgpack.decode(encoded, type=InputCheckpoint)
    except (msgspec.MsgspecError, IndexError, UnicodeError, RecursionError) as error:
        raise IdentityLost(
            f"a checkpoint on the changelog cannot be read: {error}. What to do: {Remedy.REBUILD.value}."
        ) from error
    raise IdentityLost(
        f"a checkpoint on the changelog has version {version!r}, this worker reads {CHECKPOINT_VERSION}: "
        f"run the version of skillstream that wrote it"
    )


def find_mismatch(checkpoint: InputCheckpoint | None, found: Found, epoch: int) -> CheckpointMismatch | None:
    """Why `found` is not what the table was folded from, or None. `epoch` is the one that is set."""
    if checkpoint is None:
        return _mismatch_without_checkpoint(found)
    return (
        _topic_mismatch(checkpoint, found) or _table_mismatch(checkpoint, found) or _epoch_mismatch(checkpoint, epoch)
    )


def identity_lost(topic: str, partition: int, finding: CheckpointMismatch) -> IdentityLost:
    """Return the error that names the partition and says what to do."""
    return IdentityLost(f"{topic}/{partition}: {finding}")


def removed_unread(checkpoint: InputCheckpoint | None, found: Found) -> int:
    """How many offsets retention has taken from the topic before they were folded."""
    folded_to = checkpoint.offset + 1 if checkpoint is not None else found.committed
    return 0 if folded_to is None else max(0, found.start - folded_to)


def is_same_topic(checkpoint: InputCheckpoint, topic_id: str) -> bool | None:
    """Whether the topic is the one that was marked; None where either has no id."""
    return checkpoint.topic_id == topic_id if checkpoint.topic_id and topic_id else None


def _mismatch_without_checkpoint(found: Found) -> CheckpointMismatch | None:
    """A table that was never written, one of a version without checkpoints, or one that was lost."""
    if found.committed is not None and found.committed > found.end:
        problem = f"the group has read up to offset {found.committed}, but the topic ends at {found.end}"
        return CheckpointMismatch(f"{problem}: it was deleted and created again, or lost records", Remedy.ADOPT)
    if found.committed and not found.rows:
        problem = f"the group has read up to offset {found.committed}, but the changelog holds nothing of it"
        return CheckpointMismatch(f"{problem}: it was deleted, emptied or truncated", Remedy.REBUILD)
    return None


def _topic_mismatch(checkpoint: InputCheckpoint, found: Found) -> CheckpointMismatch | None:
    if checkpoint.partitions != found.partitions:
        problem = f"the topic has {found.partitions} partitions, the table was folded from {checkpoint.partitions}"
        return CheckpointMismatch(f"{problem}: students have moved", Remedy.REBUILD)
    same = is_same_topic(checkpoint, found.topic_id)
    if same is False:
        problem = (
            f"the topic was deleted and created again (its id was {checkpoint.topic_id}, now it is {found.topic_id})"
        )
        return CheckpointMismatch(
            f"{problem}: the offsets that the table remembers are not of this topic", Remedy.ADOPT
        )
    # With an id the topic is the same, and it has lost records: folding it all again is what remains.
    remedy = Remedy.REBUILD if same else Remedy.ADOPT
    why = "it lost records that were folded" if same else "it was deleted and created again, or lost records"
    if found.end <= checkpoint.offset:
        return CheckpointMismatch(
            f"the topic ends at {found.end}, but offset {checkpoint.offset} was folded: {why}", remedy
        )
    if (
        found.seen
        and checkpoint.checksum is not None
        and found.seen != Seen(checkpoint.timestamp_ms or 0, checkpoint.checksum)
    ):
        return CheckpointMismatch(f"another record stands at offset {checkpoint.offset} than was folded: {why}", remedy)
    return None


def _table_mismatch(checkpoint: InputCheckpoint, found: Found) -> CheckpointMismatch | None:
    if found.rows < checkpoint.rows:
        problem = f"{found.rows} rows were restored, but {checkpoint.rows} had been written"
        return CheckpointMismatch(f"{problem}: the changelog was truncated, or lost records", Remedy.REBUILD)
    following = checkpoint.offset + 1
    if found.committed is not None and found.committed > following:
        problem = f"the group has read up to offset {found.committed}, but the table only to {following}"
        remedy = Remedy.REWIND if following >= found.start else Remedy.REBUILD
        return CheckpointMismatch(
            f"{problem}: the changelog lost its newest rows, or a command that repairs it was interrupted", remedy
        )
    return None


def _epoch_mismatch(checkpoint: InputCheckpoint, epoch: int) -> CheckpointMismatch | None:
    if epoch <= checkpoint.epoch:
        return None
    problem = f"SKILLSTREAM_EPOCH is {epoch}, but the table is of epoch {checkpoint.epoch}"
    return CheckpointMismatch(f"{problem}: its rows would take records twice", Remedy.UNSET_EPOCH)
