"""The audit trail in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from agents.audit.trail import AuditTrail
from agents.audit.writer import ChainWriter
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.kafka.errors import BrokerUnavailable
from agents.metrics import Metrics
from agents.queries.audited import AuditedReads
from schemas.audit import AuditRecord, NewestRecord, read_audit_record


@dataclass
class MemoryAuditLog:
    """Implements AuditLog. `away` refuses; `unheard` writes, and says that nothing was confirmed."""

    records: list[tuple[str, bytes]] = field(default_factory=list)
    away: bool = False
    unheard: bool = False

    def newest(self) -> NewestRecord | None:
        """See AuditLog."""
        if self.away:
            raise BrokerUnavailable("away")
        if not self.records:
            return None
        return NewestRecord(len(self.records) - 1, sha256(self.records[-1][1]).hexdigest())

    def append(self, writer: str, values: Sequence[bytes]) -> None:
        """See AuditLog."""
        if self.away:
            raise BrokerUnavailable("away")
        self.records += [(writer, value) for value in values]
        if self.unheard:
            raise BrokerUnavailable("not confirmed")

    def close(self) -> None:
        """Nothing."""


@dataclass
class MemoryTrail:
    """A worker's trail, on a clock that goes on by hand."""

    log: MemoryAuditLog = field(default_factory=MemoryAuditLog)
    metrics: Metrics = field(default_factory=Metrics)
    now_s: float = 1_000.0

    def __post_init__(self) -> None:
        self.keyring = Keyring(Settings(header_key="a key of the tests"))
        self.trail = AuditTrail(ChainWriter(self.log), self.metrics, clock_s=lambda: self.now_s)
        self.reads = AuditedReads(self.trail, self.keyring)

    async def acts(self) -> list[AuditRecord]:
        """All that was recorded, by now or waiting."""
        await self.trail.close()
        return [read_audit_record(value) for _, value in self.log.records]
