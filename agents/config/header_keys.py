"""The keys that sign our headers: a setting, or one that the first worker makes and keeps on a topic of its own.

    <app id>-header-keys    compacted; a record a key, by its id; partition 0 only

Two workers that start at once may both make one. Each reads the topic again after its own was confirmed, and the key at
the lowest offset signs: that is the same one for both, and all are valid. Producers should have no right to read it.
"""

import logging
import secrets
from collections.abc import Sequence
from typing import Final

from agents.config.settings import Settings
from agents.kafka.errors import BrokerUnavailable, TopicForbidden
from agents.kafka.producer import ConfirmedProducer
from agents.kafka.reader import read_to_end
from agents.kafka.topics import TopicSpec, ensure_topics
from schemas.dead_letter import Header
from schemas.dead_letter_redaction import ContentHash
from schemas.dialects import Record
from streams.input.signature import HeaderKeys, id_of

_KEY_BYTES: Final = 32
_log = logging.getLogger(__name__)


def header_keys_spec(settings: Settings) -> TopicSpec:
    """The topic that keeps them."""
    name = f"{settings.app_id}-header-keys"
    return TopicSpec(name, settings.partitions, settings.replication, {"cleanup.policy": "compact"})


class Keyring:
    """Of one process. Until it is opened it has the keys of SKILLSTREAM_HEADER_KEY, if any."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._set = tuple(key.strip().encode() for key in settings.header_key.split(",") if key.strip())
        self._keys = HeaderKeys(self._set)
        self.lacking = ""
        """Why there may be keys of this deployment that this process does not have; empty where it has all."""

    def open(self) -> "Keyring":
        """Read the keys that are kept, beside those that are set; itself. Blocks. Raises TopicForbidden, Retryable."""
        self._keys = HeaderKeys((*self._set, *self._stored()))
        return self

    def open_as_allowed(self) -> "Keyring":
        """As `open`; sets `lacking` where the topic may not be read, or does not show itself. Raises Retryable."""
        topic = header_keys_spec(self._settings).name
        try:
            self.open()
        except TopicForbidden as error:
            self.lacking = str(error)
        else:
            if not self._keys.keys:  # to a client without Describe a topic is not there, and every worker makes a key
                self.lacking = f"this client sees no key on {topic}: may it describe and read that topic?"
        return self

    def open_or_make(self) -> "Keyring":
        """As `open`; makes a key where there is none. Raises TopicForbidden, TopicMismatch, Retryable."""
        self.open()
        if not self._keys.keys:
            self.make()
            self.open()
        return self

    def authentic(self, record: Record) -> bool:
        """See HeaderKeys."""
        return self._keys.authentic(record)

    def is_of_lacking_key(self, record: Record) -> bool:
        """Whether headers on `record` are signed by a key that this process may lack."""
        return bool(self.lacking) and self._keys.is_of_another(record)

    def may_be_authentic(self, record: Record) -> bool:
        """Whether headers on `record` are ours, or cannot be judged."""
        return self.authentic(record) or self.is_of_lacking_key(record)

    @property
    def has_keys(self) -> bool:
        """Whether it has any."""
        return bool(self._keys.keys)

    def pseudonym(self, name: str) -> str:
        """See HeaderKeys."""
        return self._keys.pseudonym(name)

    def pseudonyms(self, name: str) -> frozenset[str]:
        """See HeaderKeys."""
        return self._keys.pseudonyms(name)

    def hash_of(self, content: bytes) -> ContentHash:
        """See HeaderKeys."""
        return self._keys.hash_of(content)

    def hashes_of(self, content: bytes) -> tuple[ContentHash, ...]:
        """See HeaderKeys."""
        return self._keys.hashes_of(content)

    def sign(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[Header]
    ) -> tuple[Header, ...]:
        """See HeaderKeys."""
        return self._keys.sign(topic, partition, key, value, headers)

    def _stored(self) -> list[bytes]:
        """In the order of their offsets; what is no key that this program made is passed over."""
        stored: dict[bytes, bytes] = {}
        for message in read_to_end(self._settings.broker, header_keys_spec(self._settings).name):
            name, key = message.key() or b"", message.value() or b""
            stored.pop(name, None)
            if message.partition() == 0 and len(key) == _KEY_BYTES and name == id_of(key):
                stored[name] = key
        return list(stored.values())

    def make(self) -> None:
        """Make a key and keep it, though there may be one. Raises BrokerUnavailable. Blocks."""
        spec, timeout_s = header_keys_spec(self._settings), self._settings.start_timeout_s
        ensure_topics(self._settings.broker, [spec], timeout_s)
        producer, key = ConfirmedProducer(self._settings.broker), secrets.token_bytes(_KEY_BYTES)
        producer.send(spec.name, 0, id_of(key), key)
        if (why := producer.confirm(timeout_s)) is not None:
            raise BrokerUnavailable(f"{spec.name}: {why}")
        _log.info("A key for our own headers was made; it is kept on %s", spec.name)
