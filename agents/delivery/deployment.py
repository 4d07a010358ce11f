"""Delivery as a deployment's settings describe it. Without Faust: commands ask here for a topic's name."""

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.settings import DeliverySettings, changelog_spec
from agents.kafka.connection import client_name
from agents.kafka.topics import TopicSpec


def delivery_settings(settings: Settings) -> DeliverySettings:
    """Of one worker."""
    return DeliverySettings(
        app_id=settings.app_id,
        broker=settings.broker,
        sources=Channels.of(settings).sources,
        partitions=settings.partitions,
        replication=settings.replication,
        standby_replicas=settings.standby_replicas,
        group_instance_id=settings.instance_id,
        client_name=client_name(settings.broker),
        session_timeout_s=settings.session_timeout_s,
        heartbeat_interval_s=settings.session_timeout_s / 4,
        drain_timeout_s=settings.drain_timeout_s,
        stop_timeout_s=settings.drain_timeout_s + 15.0,
        start_timeout_s=settings.start_timeout_s,
        broker_wait_s=settings.broker_wait_s,
        blocked_after_s=settings.stall_after_s,
        max_batch_records=settings.max_batch_records,
        collect_ms=settings.collect_ms,
        compression=settings.compression,
        batch_max_unpacked_bytes=settings.batch_max_unpacked_mb * 1_000_000,
    )


def changelog_of(settings: Settings) -> TopicSpec:
    """How the table's log is made."""
    return changelog_spec(delivery_settings(settings))
