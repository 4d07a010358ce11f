"""Topics read whole, as the broker has them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from agents.kafka.reader import read_to_end
from agents.kafka.record import file_record
from streams.replay import FileRecord

PARTITIONS: Final = 4
READ_TIMEOUT_S: Final = 90.0
_NO_LEADER_YET: Final = ("NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PART")


def read_topic(broker: str, topic: str) -> list[FileRecord]:
    """Every record of a topic, each partition in its order, up to its end as of now. Blocks."""
    found = map(file_record, read_to_end(broker, topic))
    return sorted(found, key=lambda record: (record.partition, record.offset))


def end_of(consumer: Consumer, place: TopicPartition) -> int:
    """Where a partition ends; asked again while it has no leader, as where its topic was made a moment ago. Blocks."""
    deadline_s = time.monotonic() + READ_TIMEOUT_S
    while True:
        try:
            return int(consumer.get_watermark_offsets(place, timeout=60)[1])
        except KafkaException as error:
            if error.args[0].name() not in _NO_LEADER_YET or time.monotonic() > deadline_s:
                raise
        time.sleep(0.05)


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
