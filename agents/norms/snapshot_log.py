"""Snapshots as records of `norms`, and back: pieces, then the manifest that says what they are of."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from schemas.errors import InvalidInput
from schemas.norms import MANIFEST_VERSION, CoveredPosition, NormManifest, encode_manifest, read_manifest
from streams.norms.pieces import Piece, Pieces, pieces_of
from streams.norms.sealed import MAX_SEALED_BYTES, NormsUnreadable
from streams.norms.snapshot import NormSnapshot
from streams.replay import FileRecord

_KEY: Final = re.compile(rb"([0-9a-f]{16})(?:/(\d{1,2}))?")
_MOST_WAITING_BYTES: Final = 2 * MAX_SEALED_BYTES


def snapshot_records(snapshot: NormSnapshot) -> list[tuple[bytes, bytes]]:
    """Keys and values, as they are written. Raises NormsUnreadable where it is too large to be read again."""
    stored = require_readable_size(snapshot.encode())
    pieces = pieces_of(stored)
    manifest = NormManifest(
        version=MANIFEST_VERSION,
        norms_version=snapshot.version,
        app_id=snapshot.app_id,
        number=snapshot.number,
        pieces=len(pieces),
        size_bytes=len(stored),
        clock=datetime.fromtimestamp(snapshot.clock_us / 1_000_000, UTC),
        offsets=tuple(CoveredPosition(*each) for each in snapshot.offsets),
        items=len(snapshot.items),
        components=len(snapshot.components),
        cohorts=len(snapshot.cohorts),
    )
    key = snapshot.version.encode()
    written = [(b"%b/%d" % (key, piece.number), piece.encode()) for piece in pieces]
    return [*written, (key, encode_manifest(manifest))]


def require_readable_size(sealed: bytes) -> bytes:
    """The same bytes. Raises NormsUnreadable for more than are read again."""
    if len(sealed) > MAX_SEALED_BYTES:
        raise NormsUnreadable("too_large", f"{len(sealed):,} bytes; at most {MAX_SEALED_BYTES:,} are written")
    return sealed


@dataclass(frozen=True, slots=True)
class WrittenSnapshot:
    """A manifest, when it was written (ms), and the bytes of the pieces before it; None where some are missing."""

    manifest: NormManifest
    written_ms: int
    sealed: bytes | None = field(repr=False)

    def without_bytes(self) -> "WrittenSnapshot":
        """The same, for a list of many."""
        return replace(self, sealed=None)

    def read(self, app_id: str) -> NormSnapshot:
        """The snapshot. Raises NormsUnreadable."""
        manifest = self.manifest
        if manifest.app_id != app_id:
            raise NormsUnreadable("foreign", f"norms of the app {manifest.app_id!r}; this one is {app_id!r}")
        if self.sealed is None:
            raise NormsUnreadable("incomplete", f"of {manifest.pieces} pieces some are missing")
        snapshot = NormSnapshot.decode(self.sealed, app_id)
        if (snapshot.version, snapshot.number) != (manifest.norms_version, manifest.number):
            raise NormsUnreadable("damaged", "the pieces are of another snapshot than their manifest says")
        return snapshot


@dataclass(slots=True)
class _Waiting:
    """Pieces under one version; `sealed` once all of a whole were there."""

    pieces: Pieces = field(default_factory=Pieces)
    size_bytes: int = 0
    sealed: bytes | None = None


class SnapshotLog:
    """What was read of `norms` so far: pieces wait for their manifest, as many as there is room for."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, _Waiting] = {}

    def note_all(self, records: Sequence[FileRecord]) -> Iterator[WrittenSnapshot | NormsUnreadable]:
        """The snapshots whose manifests are among these, in order; and why a record is of no use."""
        for record in records:
            try:
                written = self._note(record)
            except NormsUnreadable as error:
                yield error
            else:
                if written is not None:
                    yield written

    def _note(self, record: FileRecord) -> WrittenSnapshot | None:
        found = _KEY.fullmatch(record.key or b"")
        if found is None or record.value is None:
            raise NormsUnreadable("damaged", f"record {record.offset} is neither a piece nor a manifest")
        if found[2] is None:
            return self._written(found[1], record.value, record)
        self._keep(found[1], Piece.decode(record.value))
        return None

    def _written(self, version: bytes, value: bytes, record: FileRecord) -> WrittenSnapshot:
        waiting = self._waiting.pop(version, _Waiting())
        try:
            return WrittenSnapshot(read_manifest(value), record.timestamp, waiting.sealed)
        except InvalidInput as error:
            raise NormsUnreadable("damaged", f"record {record.offset}: {error}") from None

    def _keep(self, version: bytes, piece: Piece) -> None:
        waiting = self._waiting.setdefault(version, _Waiting())
        waiting.size_bytes += len(piece.content)
        waiting.sealed = waiting.pieces.put(piece) or waiting.sealed
        while sum(each.size_bytes for each in self._waiting.values()) > _MOST_WAITING_BYTES and len(self._waiting) > 1:
            del self._waiting[next(iter(self._waiting))]
