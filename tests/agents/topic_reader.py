"""Topics read whole, as the broker has them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from streams.replay import FileRecord

PARTITIONS: Final = 4
READ_TIMEOUT_S: Final = 30.0


def read_topic(broker: str, topic: str) -> list[FileRecord]:
    """Every record of a topic, each partition in its order, up to its end as of now. Blocks."""
    found: list[FileRecord] = []
    with reader(broker, f"reader-{uuid4().hex[:8]}") as consumer:
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
        ended: set[int] = set()
        deadline_s = time.monotonic() + READ_TIMEOUT_S
        while len(ended) < PARTITIONS:
            assert time.monotonic() < deadline_s, f"{topic}: nothing read for {READ_TIMEOUT_S} s"
            messages = consumer.consume(500, 0.05)
            if messages:
                deadline_s = time.monotonic() + READ_TIMEOUT_S
            for message in messages:
                error = message.error()
                if error is None:
                    found.append(_record(message))
                else:
                    assert error.code() == KafkaError._PARTITION_EOF, f"{topic}: {error}"
                    ended.add(int(message.partition() or 0))
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


def _record(message: Message) -> FileRecord:
    headers = cast(list[tuple[str, bytes | None]], message.headers() or [])
    return FileRecord(
        offset=int(message.offset() or 0),
        timestamp=message.timestamp()[1],
        value=message.value(),
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        key=message.key(),
        headers=tuple((name, value or b"") for name, value in headers),
    )
