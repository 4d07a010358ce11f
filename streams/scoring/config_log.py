"""What `fusion-config` says, record by record: every configuration by its version, the one in force, and the newest
request to score all students. Pure.

In force is the good one at the highest offset of those that compaction keeps, the newest of each key. So all who have
read the topic up to one offset come to the same, whenever they began and whatever was compacted meanwhile.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.dialects import Record
from schemas.fusion_config import (
    FUSION_CONFIG_VERSION,
    MAX_CONFIG_BYTES,
    RESCORE_KEY,
    FusionConfig,
    FusionConfigMessage,
    Overrides,
    RescoreRequest,
)
from schemas.unreadable import UnreadableBatch
from streams.input.checkpoint import RescoreId
from streams.scoring.overrides import ConfigRefused, Refusal, version_of
from streams.scoring.updates import rfc3339

CONFIG_PARTITION: Final = 0
"""The only one of the topic that is used: so that its records have one order."""
CLEARED_KEY: Final = b"none"
"""Of the configuration that overrides nothing."""
_SHOWN_CHARS: Final = 300
_MESSAGES: Final[msgspec.json.Decoder[FusionConfigMessage]] = msgspec.json.Decoder(FusionConfigMessage)


class _Timed:
    """What all kinds of entries can say: they have a `timestamp_ms`."""

    __slots__ = ()
    timestamp_ms: int

    @property
    def written(self) -> str:
        """When, by the record's own time."""
        return rfc3339(self.timestamp_ms * 1_000)


@dataclass(frozen=True, slots=True)
class ConfigEntry(_Timed):
    """A configuration that is good. `version` is empty where it overrides nothing."""

    version: str
    overrides: Overrides
    reason: str
    offset: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class RefusedEntry(_Timed):
    """A record that is no good configuration; `refusal` says why in one word, `why` in full."""

    key: str
    partition: int
    offset: int
    timestamp_ms: int
    refusal: Refusal
    why: str

    @property
    def problem(self) -> str:
        """Where it is, and why it is refused; one line."""
        return f"the record {self.key!r} at {self.partition}@{self.offset} is refused: {self.why}"


@dataclass(frozen=True, slots=True)
class RescoreEntry(_Timed):
    """A request to score all students."""

    reason: str
    offset: int
    timestamp_ms: int

    @property
    def id(self) -> RescoreId:
        """What a partition remembers of it."""
        return self.offset, self.timestamp_ms


ConfigRecord = ConfigEntry | RescoreEntry | RefusedEntry


class ConfigLog:
    """See the module. `require_fit` raises ConfigRefused for overrides that do not fit what is used here."""

    def __init__(self, require_fit: Callable[[Overrides], object]) -> None:
        self._require_fit = require_fit
        self._entries: dict[bytes, ConfigRecord] = {}

    def note(self, record: Record) -> ConfigRecord | None:
        """The topic's next record, as it was understood; None for one that removes a key. Raises nothing."""
        key = record.key or b""
        noted = self._read(key, record)
        if record.partition == CONFIG_PARTITION:
            self._entries.pop(key, None)
            if noted is not None:
                self._entries[key] = noted
        return noted

    def note_all(self, records: Iterable[Record]) -> list[ConfigRecord]:
        """The next records, as they were understood."""
        return [noted for noted in map(self.note, records) if noted is not None]

    @property
    def in_force(self) -> ConfigEntry | None:
        """The newest good configuration; None where there is none."""
        return max(self.entries, key=lambda entry: entry.offset, default=None)

    @property
    def entries(self) -> list[ConfigEntry]:
        """All that are good."""
        return [entry for entry in self._entries.values() if isinstance(entry, ConfigEntry)]

    @property
    def refused(self) -> RefusedEntry | None:
        """The newest record that is refused, if nothing good is newer."""
        configurations = [entry for entry in self._entries.values() if not isinstance(entry, RescoreEntry)]
        newest = max(configurations, key=lambda entry: entry.offset, default=None)
        return newest if isinstance(newest, RefusedEntry) else None

    @property
    def rescore(self) -> RescoreEntry | None:
        """The newest request."""
        found = self._entries.get(RESCORE_KEY)
        return found if isinstance(found, RescoreEntry) else None

    def find(self, version: str) -> ConfigEntry | None:
        """The configuration of that version; None where the topic does not hold it, or it does not fit."""
        found = self._entries.get(version.encode())
        return found if isinstance(found, ConfigEntry) else None

    def _read(self, key: bytes, record: Record) -> ConfigRecord | None:
        if record.value is None:
            return None
        try:
            message = _decoded(key, record.partition, record.value)
            if isinstance(message, RescoreRequest):
                return RescoreEntry(message.reason, record.offset, record.timestamp)
            self._require_fit(message.overrides)
        except ConfigRefused as refused:
            shown = key.decode("utf-8", "backslashreplace")[:64]
            return RefusedEntry(shown, record.partition, record.offset, record.timestamp, refused.refusal, str(refused))
        version = version_of(message.overrides)
        return ConfigEntry(version, message.overrides, message.reason, record.offset, record.timestamp)


def encoded_config(overrides: Overrides, reason: str) -> tuple[bytes, bytes]:
    """Key and value of the record that says so."""
    config = FusionConfig(version=FUSION_CONFIG_VERSION, overrides=overrides, reason=reason)
    return key_of(version_of(overrides)), msgspec.json.encode(config)


def encoded_request(reason: str) -> tuple[bytes, bytes]:
    """Key and value of a request's record."""
    return RESCORE_KEY, msgspec.json.encode(RescoreRequest(version=FUSION_CONFIG_VERSION, reason=reason))


def key_of(version: str) -> bytes:
    """What a configuration of that version is kept under."""
    return version.encode() or CLEARED_KEY


def _decoded(key: bytes, partition: int, value: bytes) -> FusionConfigMessage:
    """Raises ConfigRefused."""
    if partition != CONFIG_PARTITION:
        raise ConfigRefused("partition", f"configurations are on partition {CONFIG_PARTITION} only: write it there")
    if type(value) is UnreadableBatch:
        raise ConfigRefused("unreadable", value.why)
    if len(value) > MAX_CONFIG_BYTES:
        raise ConfigRefused("unreadable", f"{len(value)} bytes, {MAX_CONFIG_BYTES} are allowed")
    try:
        message = _MESSAGES.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ConfigRefused("unreadable", str(error)[:_SHOWN_CHARS]) from None
    wanted = RESCORE_KEY if isinstance(message, RescoreRequest) else key_of(version_of(message.overrides))
    if key != wanted:
        raise ConfigRefused("key", f"its key must be {wanted.decode()}")
    return message
