"""How far a verification has come, in a file: one that was interrupted goes on behind the last partition it finished.

The file is written after each partition, whole or not at all, and removed at the end. It begins with a Progressed,
then has the ledger of what is settled after all partitions.
"""

import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Struct

from agents.config.settings import Settings, SettingsError
from agents.kafka.offsets import Offsets, SourcePartition
from streams.verification.catalogue import CatalogueCheck
from streams.verification.ledger import EntryLedger, read_exactly
from streams.verification.report import VerificationReport
from streams.verification.snapshot_sums import SnapshotSums
from streams.verification.students import Extent

_MAGIC: Final = b"skillstream verify 1\n"
_LENGTH_BYTES: Final = 8
_SAME: Final = (
    "app_id",
    "topic_prefix",
    "partitions",
    "partitioner",
    "known_ids",
    "components_per_student",
    "epoch",
    "record_max_bytes",
    "record_max_events",
    "record_max_students",
    "batch_max_unpacked_mb",
    "mapping",
    "tenants",
)
"""Settings that decide what is found."""


class Progressed(Struct, kw_only=True):
    """What is known so far. `offsets` are those of the beginning: what comes later is judged by another run."""

    offsets: list[tuple[str, int, Offsets]]
    report: VerificationReport
    norms: SnapshotSums
    extents: dict[int, Extent] = msgspec.field(default_factory=dict)
    catalogue: CatalogueCheck = msgspec.field(default_factory=CatalogueCheck)
    passed_over: set[tuple[str, int, int]] = msgspec.field(default_factory=set)
    on_trust: int = 0
    records_read: int = 0

    @property
    def offsets_by_part(self) -> Mapping[SourcePartition, Offsets]:
        """By topic and partition."""
        return {(topic, partition): at for topic, partition, at in self.offsets}


class VerifyCheckpoint:
    """The file at `path`; None: nothing is kept. `subject` names what is verified, settings apart.

    Raises SettingsError for a file that is no checkpoint, or one of something else, OSError where it cannot be used.
    """

    def __init__(self, path: Path | None, settings: Settings, subject: Mapping[str, str]) -> None:
        self._path = path
        self._subject = {
            "version": version("skillstream"),
            **subject,
            **{name: str(getattr(settings, name)) for name in _SAME},
        }

    def load(self, ledger: EntryLedger) -> Progressed | None:
        """Where to go on, with what `ledger` held then; None where there is nothing to go on from."""
        if self._path is None or not self._path.exists():
            return None
        with self._path.open("rb") as file:
            try:
                _require_magic(file)
                subject: dict[str, str] = _read(file, dict[str, str])
                self._require_same(subject)
                progressed: Progressed = _read(file, Progressed)
                ledger.load(file)
            except (ValueError, EOFError, msgspec.MsgspecError) as error:
                raise SettingsError(f"{self._path} is no checkpoint of this program: {error}") from None
        return progressed

    def save(self, progressed: Progressed, ledger: EntryLedger) -> None:
        """Replace the file, and be sure that it is on the disk."""
        if self._path is None:
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        with beside.open("wb") as file:
            file.write(_MAGIC)
            _write(file, self._subject)
            _write(file, progressed)
            ledger.dump(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def remove(self) -> None:
        """All is judged."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _require_same(self, subject: Mapping[str, str]) -> None:
        others = sorted(
            name for name in subject.keys() | self._subject.keys() if subject.get(name) != self._subject.get(name)
        )
        if others:
            raise SettingsError(
                f"{self._path} is of a verification with another {', '.join(others)}: remove it, or name another file"
            )


def _require_magic(file: BinaryIO) -> None:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it begins otherwise")


def _write(file: BinaryIO, what: Struct | Mapping[str, str]) -> None:
    encoded = msgspec.msgpack.encode(what)
    file.write(len(encoded).to_bytes(_LENGTH_BYTES) + encoded)


def _read(file: BinaryIO, kind: Any) -> Any:
    length = int.from_bytes(read_exactly(file, _LENGTH_BYTES))
    return msgspec.msgpack.decode(read_exactly(file, length), type=kind, dec_hook=lambda type_, value: type_(value))
