"""`skillstream-workers`: what a worker says of itself, so that each can tell of the whole group."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.bounds import Partition
from schemas.errors import InvalidInput

ANNOUNCEMENT_VERSION: Final = 1
MAX_ANNOUNCEMENT_BYTES: Final = 256 * 1024
"""Of a worker with 10,000 partitions: a quarter of that."""

_Url = Annotated[str, Meta(max_length=2_048, pattern=r"^https?://[^\s/?#@]+$")]


class WorkerAnnouncement(Struct, frozen=True, kw_only=True):
    """One worker, as of `at`. It says so again within `interval_s`, in seconds.

    Others reach its pages at `url`. `program` is its version. `partitions` are those that it owns, `since` when it has
    owned just these; `ready` says that their rows are restored.
    """

    version: Literal[1]
    instance: Annotated[str, Meta(min_length=1, max_length=300)]
    url: _Url
    program: str
    started: datetime
    at: datetime
    interval_s: Annotated[float, Meta(gt=0, le=3_600)]
    ready: bool
    partitions: tuple[Partition, ...]
    since: datetime


_ANNOUNCEMENTS: Final = msgspec.json.Decoder(WorkerAnnouncement)


def encode_announcement(announcement: WorkerAnnouncement) -> bytes:
    """As it is written."""
    return msgspec.json.encode(announcement)


def read_announcement(value: bytes) -> WorkerAnnouncement:
    """The announcement that `value` holds. Raises InvalidInput (not_an_announcement) and nothing else."""
    if len(value) > MAX_ANNOUNCEMENT_BYTES:
        raise InvalidInput("not_an_announcement", f"{len(value):,} bytes are no announcement")
    try:
        found = _ANNOUNCEMENTS.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput("not_an_announcement", f"not an announcement: {type(error).__name__}") from None
    if any(time.tzinfo is None for time in (found.started, found.at, found.since)):
        raise InvalidInput("not_an_announcement", "not an announcement: a time without a zone")
    return found
