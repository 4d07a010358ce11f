"""`norms`: a snapshot of norms, cut into pieces, and behind these the manifest that says what they are of."""

from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from schemas.bounds import MAX_UINT32, Epoch, Offset, Partition, Size
from schemas.errors import InvalidInput

MANIFEST_VERSION: Final = 1
MAX_MANIFEST_BYTES: Final = 1024 * 1024
"""Of norms of 10,000 partitions: half of that."""


class CoveredPosition(NamedTuple):
    """Up to which record of a partition of `student-activity`, under which epoch, norms are made."""

    partition: Partition
    epoch: Epoch
    offset: Offset


class NormManifest(Struct, frozen=True, kw_only=True):
    """One snapshot: the norms that updates name by `norms_version`, of the app `app_id`.

    Its bytes are in `pieces` records before this one, of the keys `<norms_version>/0` and on, together `size_bytes`.
    `number` counts snapshots; `clock` is the time of the records that the norms are made of, `offsets` which ones.
    `items`, `components` and `cohorts` say how many norms of each there are.
    """

    version: Literal[1]
    norms_version: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]
    app_id: str
    number: Annotated[int, Meta(ge=1, le=MAX_UINT32)]
    pieces: Annotated[int, Meta(ge=1, le=10_000)]
    size_bytes: Size
    clock: datetime
    offsets: tuple[CoveredPosition, ...]
    items: Size
    components: Size
    cohorts: Size


_MANIFESTS: Final = msgspec.json.Decoder(NormManifest)


def encode_manifest(manifest: NormManifest) -> bytes:
    """As it is written."""
    return msgspec.json.encode(manifest)


def read_manifest(value: bytes) -> NormManifest:
    """The manifest that `value` holds. Raises InvalidInput (not_a_manifest) and nothing else."""
    if len(value) > MAX_MANIFEST_BYTES:
        raise InvalidInput("not_a_manifest", f"{len(value):,} bytes are no manifest")
    try:
        found = _MANIFESTS.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput("not_a_manifest", f"not a manifest: {type(error).__name__}") from None
    if found.clock.tzinfo is None:
        raise InvalidInput("not_a_manifest", "not a manifest: a time without a zone")
    return found
