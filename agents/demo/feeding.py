"""Producing events to the activity topic, each on its student's home partition."""

from collections.abc import Callable, Iterable
from time import monotonic, sleep
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from agents.config.channels import MAX_RECORD_BYTES
from agents.kafka.connection import client_config
from schemas.errors import Fatal

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
    failed: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failed.append(error)

    producer = Producer(
        {
            **client_config(broker),
            "message.max.bytes": MAX_RECORD_BYTES,  # whatever the topic takes: what is too large is the worker's to say
            "linger.ms": 5,
            "enable.idempotence": True,
        }
    )
    sent, began_s = 0, monotonic()
    for key, value in records:
        partition = 0 if key is None else partition_of(key)
        _produce(producer, topic, key, value, partition, on_delivery)
        sent += 1
        advance(1)
        if failed:
            break
        if rate is not None and (ahead_s := sent / rate - (monotonic() - began_s)) > 0:
            producer.poll(0)
            sleep(ahead_s)
    left = producer.flush(_FLUSH_TIMEOUT_S)
    if failed:
        raise NotDelivered(f"{topic}: {failed[0].str()}")
    if left:
        raise NotDelivered(f"{topic}: {left} records were not confirmed within {_FLUSH_TIMEOUT_S:.0f} s")
    return sent


def _produce(
    producer: Producer,
    topic: str,
    key: bytes | None,
    value: bytes,
    partition: int,
    on_delivery: Callable[[KafkaError | None, Message], None],
) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition, on_delivery)
        except BufferError:  # the local queue is full: let it drain
            producer.poll(0.1)
        except KafkaException as error:
            raise NotDelivered(f"{topic}: {error.args[0].str()}") from None
        else:
            producer.poll(0)
            return
