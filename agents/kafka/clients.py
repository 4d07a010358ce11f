"""Opens librdkafka's clients: each of them with the access and the name that the broker's address carries."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from agents.kafka.connection import ClientConfig, client_config
from agents.kafka.rotation import OPEN_CLIENTS

SMALL_FETCHES: Final[ClientConfig] = {"fetch.message.max.bytes": 64 * 1024, "queued.min.messages": 1}
"""For a reader of single records."""


class _Consumer(Consumer):
    """One that can be referred to weakly."""


class _Producer(Producer):
    """One that can be referred to weakly."""


def open_admin(broker: str, config: Mapping[str, Any] | None = None) -> AdminClient:
    """A client for questions about topics and groups."""
    admin = AdminClient({**client_config(broker), **(config or {})})
    OPEN_CLIENTS.add(broker, admin, AdminClient.set_sasl_credentials)
    return admin


def open_reader(broker: str, group: str, config: ClientConfig | None = None) -> Consumer:
    """A consumer that is never a member of `group`: partitions are assigned by hand, and nothing commits by itself.

    It reads what transactions committed, says when a partition is at its end, and goes on at the earliest record
    where retention took away what was due. The group is the one whose committed offsets may be asked for.
    """
    consumer = _Consumer(
        {
            **client_config(broker),
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": 16 * 1024,
            "fetch.wait.max.ms": 20,  # how long the broker looks for more before it says that this is the end
            **(config or {}),
        }
    )
    OPEN_CLIENTS.add(broker, consumer, Consumer.set_sasl_credentials)
    return consumer


def open_producer(broker: str, config: ClientConfig | None = None) -> Producer:
    """An idempotent producer."""
    producer = _Producer({**client_config(broker), "enable.idempotence": True, **(config or {})})
    OPEN_CLIENTS.add(broker, producer, Producer.set_sasl_credentials)
    return producer
