"""The topic `tenant-holds` of a deployment. Blocks."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from agents.config.channels import Channels
from agents.config.dialects import decoder_of
from agents.config.settings import Settings
from agents.config.tenants import Tenants
from agents.kafka.followed import FollowedTopic, TopicStartedAnew
from schemas.tenant_hold import HOLD_VERSION, TenantHoldRecord, hold_key
from streams.input.tenant_decoding import TenantDecoding
from streams.input.tenant_hold import Hold, HoldLog

_PARTITION: Final = 0


class HoldTopic(FollowedTopic):
    """See FollowedTopic."""

    def __init__(self, settings: Settings) -> None:
        name = Channels.of(settings).tenant_hold
        super().__init__(settings.broker, settings.app_id, name, settings.start_timeout_s, _PARTITION)

    def read(self, topic_id: str) -> HoldLog:
        """All that it says now of the input topic of this id. Raises as `read_on`, but for TopicStartedAnew."""
        log = HoldLog(topic_id)
        self.rewind()
        try:
            records = self.read_on()
        except TopicStartedAnew:
            records = self.read_on()
        for record in records:
            log.note(record)
        return log

    def write(self, said: TenantHoldRecord) -> None:
        """Append a record, and wait until the broker has confirmed it. Raises BrokerUnavailable."""
        self.append(_PARTITION, hold_key(said), msgspec.json.encode(said))


def hold_record(hold: Hold, why: str) -> TenantHoldRecord:
    """The record that holds."""
    return TenantHoldRecord(
        version=HOLD_VERSION,
        kind="hold",
        tenant=hold.tenant,
        at=datetime.now(UTC),
        topic_id=hold.topic_id,
        partition=hold.partition,
        start=hold.start,
        why=why[:500],
    )


def end_record(hold: Hold, end: int) -> TenantHoldRecord:
    """The record that ends a hold."""
    return msgspec.structs.replace(hold_record(hold, ""), kind="end", end=end)


def release_record(tenant: str) -> TenantHoldRecord:
    """The record that asks for an end of all that is held of a tenant."""
    return TenantHoldRecord(version=HOLD_VERSION, kind="release", tenant=tenant, at=datetime.now(UTC))


def tenant_decoding(settings: Settings) -> TenantDecoding | None:
    """What decodes a deployment's records; nothing is held yet. None without tenants. Raises SettingsError."""
    tenants = Tenants.of(settings)
    return TenantDecoding(tenants.tenancy, decoder_of(settings)) if tenants else None
