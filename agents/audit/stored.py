"""The audit trail of a deployment as its topic has it, read from outside. Blocks."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from agents.audit.topic import AUDIT_PARTITION
from agents.audit.verification import StoredAudit
from agents.config.channels import Channels
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from streams.replay import FileRecord


class StoredAuditTrail:
    """While the context is open. `keyring.lacking` says why signatures cannot be judged, if they cannot.

    Raises NoSuchTopic, TopicForbidden, Retryable.
    """

    def __init__(self, settings: Settings) -> None:
        self.keyring = Keyring(settings).open_as_allowed()
        topic = Channels.of(settings).audit
        self._reader = TopicReader(settings.broker, topic, f"skillstream-reader-{topic}", settings.start_timeout_s)
        self._spans = self._reader.spans()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    @property
    def first_offset(self) -> int:
        """Where it begins: not at 0 where something was removed."""
        return self._spans[AUDIT_PARTITION][0]

    @property
    def strays(self) -> list[int]:
        """Other partitions that have records: no writer of ours writes there."""
        return [partition for partition, (_, end) in self._spans.items() if end and partition != AUDIT_PARTITION]

    def __iter__(self) -> Iterator[StoredAudit]:
        """All records, in their order."""
        return self.having(b"")

    def having(self, part: bytes) -> Iterator[StoredAudit]:
        """The records in whose value this is, in their order: no other is looked at any closer."""
        start, end = self._spans[AUDIT_PARTITION]
        for message in self._reader.read(AUDIT_PARTITION, start, end):
            if part not in (message.value() or b""):
                continue
            record = file_record(message)
            yield StoredAudit(record.offset, record.key, record.value, self._is_signed(record))

    def _is_signed(self, record: FileRecord) -> bool | None:
        if self.keyring.authentic(record):
            return True
        return None if self.keyring.is_of_lacking_key(record) else False
