"""Producing events to the activity topic, each on its student's owning partition."""

from collections.abc import Callable, Iterable
from time import monotonic, sleep
from typing import Final

from confluent_kafka import KafkaException

from agents.kafka.errors import message_of
from agents.kafka.producer import ConfirmedProducer
from schemas.errors import Fatal
from schemas.topics import MAX_RECORD_BYTES

_FLUSH_TIMEOUT_S: Final = 60.0


class NotDelivered(Fatal):
    """The broker did not take a record."""


def feed(
    broker: str,
    topic: str,
    records: Iterable[tuple[bytes | None, bytes]],
    partition_of: Callable[[bytes], int],
    *,
    rate: float | None = None,
    advance: Callable[[int], None] = lambda _records: None,
) -> int:
    """Send (key, value) records in order, at `rate` a second or as fast as the broker takes them; how many. Blocks.

    A record without a key goes to partition 0. Raises NotDelivered for the first that the broker refuses.
    """
    producer = ConfirmedProducer(
        broker,
        {
            "message.max.bytes": MAX_RECORD_BYTES,  # whatever the topic takes: what is too large is the worker's to say
            "linger.ms": 5,
        },
    )
    sent, began_s = 0, monotonic()
    for key, value in records:
        try:
            producer.send(topic, 0 if key is None else partition_of(key), key, value)
        except KafkaException as error:
            raise NotDelivered(f"{topic}: {message_of(error)}") from None
        sent += 1
        advance(1)
        if producer.refused is not None:
            break
        if rate is not None and (ahead_s := sent / rate - (monotonic() - began_s)) > 0:
            sleep(ahead_s)
    if (why := producer.confirm(_FLUSH_TIMEOUT_S)) is not None:
        raise NotDelivered(f"{topic}: {why}")
    return sent
