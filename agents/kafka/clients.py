"""Opens librdkafka's clients: each of them with the access and the name that the broker's address carries."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

from agents.kafka.connection import ClientConfig, client_config
from agents.kafka.refusal import refusal_of
from agents.kafka.rotation import OPEN_CLIENTS, use_log_in

SMALL_FETCHES: Final[ClientConfig] = {"fetch.message.max.bytes": 64 * 1024, "queued.min.messages": 1}
"""For a reader of single records."""


class _Consumer(Consumer):
    """One that can be referred to weakly."""


class _Producer(Producer):
    """One that can be referred to weakly."""


class FirstAdmin(AdminClient):
    """A client for the first questions to a broker, not to be kept: it remembers whatever went wrong."""

    def __init__(self, broker: str, config: Mapping[str, Any]) -> None:
        self._broker = broker
        self._errors: list[KafkaError] = []
        with_errors: dict[str, Any] = {**config, "error_cb": self._errors.append}
        super().__init__(with_errors)

    def refusal(self) -> str | None:
        """Why it was not let in, or would not go in; None where that is not the reason. Blocks for seconds."""
        self.poll(0)  # hands over what went wrong
        return refusal_of(self._broker, self._errors)

    def last_error(self) -> str | None:
        """What went wrong at last with a broker, in the client's words; None for nothing."""
        said = (str(each.str()) for each in reversed(self._errors) if each.code() != KafkaError._ALL_BROKERS_DOWN)
        return next(said, None)


def open_admin(broker: str, config: Mapping[str, Any] | None = None) -> AdminClient:
    """A client for questions about topics and groups."""
    admin = AdminClient({**client_config(broker), **(config or {})})
    OPEN_CLIENTS.add(broker, admin, use_log_in)
    return admin


def open_first_admin(broker: str, config: Mapping[str, Any] | None = None) -> FirstAdmin:
    """As `open_admin`, for questions at the start."""
    return FirstAdmin(broker, {**client_config(broker), **(config or {})})


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
    OPEN_CLIENTS.add(broker, consumer, use_log_in)
    return consumer


def open_producer(broker: str, config: ClientConfig | None = None) -> Producer:
    """An idempotent producer."""
    producer = _Producer({**client_config(broker), "enable.idempotence": True, **(config or {})})
    OPEN_CLIENTS.add(broker, producer, use_log_in)
    return producer
