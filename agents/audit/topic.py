"""The topic `audit` of a deployment. Only what a key of the deployment has signed is its own. Blocks."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from confluent_kafka import KafkaException

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.errors import BrokerUnavailable, message_of
from agents.kafka.producer import ConfirmedProducer
from agents.kafka.reader import TopicReader
from agents.kafka.topics import ensure_topics
from schemas.audit import NewestRecord
from streams.input.signature import Sign

AUDIT_PARTITION: Final = 0
_TIMEOUT_S: Final = 5.0


class AuditTopic:
    """Implements AuditLog, of one thread at a time. Makes the topic where it is missing."""

    def __init__(self, settings: Settings, sign: Sign, timeout_s: float = _TIMEOUT_S) -> None:
        self.name = Channels.of(settings).audit
        self._settings, self._sign, self._timeout_s = settings, sign, timeout_s
        self._reader = TopicReader(settings.broker, self.name, f"skillstream-reader-{self.name}", timeout_s)
        self._producer: ConfirmedProducer | None = None

    def newest(self) -> NewestRecord | None:
        """See AuditLog."""
        settings = self._settings
        specs = [spec for spec in Channels.of(settings).specs(settings) if spec.name == self.name]
        ensure_topics(settings.broker, specs, self._timeout_s)
        start, end = self._reader.span(AUDIT_PARTITION)
        if start == end:
            return None
        newest = None
        for message in self._reader.read(AUDIT_PARTITION, end - 1, end):
            newest = NewestRecord(int(message.offset() or 0), sha256(message.value() or b"").hexdigest())
        return newest

    def append(self, writer: str, values: Sequence[bytes]) -> None:
        """See AuditLog."""
        key = writer.encode()
        try:
            self._producer = self._producer or ConfirmedProducer(self._settings.broker)
            for value in values:
                headers = self._sign(self.name, AUDIT_PARTITION, key, value, ())
                self._producer.send(self.name, AUDIT_PARTITION, key, value, headers)
            why = self._producer.confirm(self._timeout_s)
        except KafkaException as error:
            why = message_of(error)
        if why is not None:
            self._drop_producer()
            raise BrokerUnavailable(f"{self.name}: {why}")

    def close(self) -> None:
        """See AuditLog."""
        self._drop_producer()
        self._reader.close()

    def _drop_producer(self) -> None:
        """What it still holds is written again by another, and by it no more."""
        if self._producer is not None:
            self._producer.client.purge()
            self._producer = None
