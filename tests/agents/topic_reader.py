"""Topics read whole, as the broker has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Consumer

from agents.kafka.reader import read_to_end
from agents.kafka.record import file_record
from streams.replay import FileRecord

PARTITIONS: Final = 4
READ_TIMEOUT_S: Final = 30.0


def read_topic(broker: str, topic: str) -> list[FileRecord]:
    """Every record of a topic, each partition in its order, up to its end as of now. Blocks."""
    found = map(file_record, read_to_end(broker, topic))
    return sorted(found, key=lambda record: (record.partition, record.offset))


@contextmanager
def reader(broker: str, group: str) -> Iterator[Consumer]:
    """A consumer that is no member: partitions are assigned by hand, and nothing is committed."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
            "log_level": 0,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()
