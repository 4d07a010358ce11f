"""Reads where librdkafka stands still: with aiokafka, and so as the workers do.

librdkafka does not pass a record batch that it cannot unpack. It reports _BAD_COMPRESSION or _NOT_IMPLEMENTED at the
batch's first offset, twice a second, for ever; of a batch that unpacks to what is no record it says nothing at all, not
even that the partition ends. Here such a batch is one message, its value an UnreadableBatch.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka import Message

from agents.kafka.connection import aiokafka_config
from agents.kafka.deadline import Deadline
from agents.kafka.offsets import SourcePartition
from agents.kafka.unpacking import slim_records

Read = tuple[list[Message], dict[SourcePartition, int]]
"""Messages, and the offset behind what was read of each partition."""

_MOST_RECORDS: Final = 500
_MOST_BYTES: Final = 1 << 20
_FIRST_MS: Final = 2_000
_NEXT_MS: Final = 50
_REQUEST_MS: Final = 5_000
_ENOUGH_S: Final = 3.0
_LONGEST_S: Final = 15.0


def read_as_workers_do(broker: str, offsets: Mapping[SourcePartition, int]) -> Read:
    """What is found from `offsets` on, a piece of it; nothing where the broker does not answer. Blocks.

    An offset below 0 is the partition's start. Raises DamagedBatch.
    """
    slim_records()
    with ThreadPoolExecutor(1) as thread:  # the caller's may have a loop that runs
        return thread.submit(asyncio.run, _read_within(broker, offsets)).result()


async def _read_within(broker: str, offsets: Mapping[SourcePartition, int]) -> Read:
    try:
        async with asyncio.timeout(_LONGEST_S), _started(broker) as consumer:
            return await _read(consumer, {TopicPartition(*part): offset for part, offset in offsets.items()})
    except (KafkaError, OSError, TimeoutError):
        return [], {}


@asynccontextmanager
async def _started(broker: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = _consumer(broker)
    try:
        await consumer.start()  # where this fails, the consumer's own context would leave it open
        yield consumer
    finally:
        await consumer.stop()


async def _read(consumer: Any, offsets: Mapping[TopicPartition, int]) -> Read:
    consumer.assign(list(offsets))
    for partition, offset in offsets.items():
        if offset < 0:
            await consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, offset)
    found: list[Message] = []
    size_bytes, wait_ms = 0, _FIRST_MS
    enough = Deadline(_ENOUGH_S)
    while len(found) < _MOST_RECORDS and size_bytes < _MOST_BYTES and not enough.is_over:
        # One at a time: a fetch may become a thousand times as large when all of it is unpacked.
        records = await consumer.getmany(timeout_ms=wait_ms, max_records=1)
        if not records:
            break
        wait_ms = _NEXT_MS
        for record in (record for of_partition in records.values() for record in of_partition):
            found.append(_message(record))
            size_bytes += len(record.key or b"") + len(record.value or b"")
    return found, {(part.topic, part.partition): await consumer.position(part) for part in offsets}


def _message(record: Any) -> Message:
    """As if librdkafka had read it."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=list(record.headers),
        timestamp=(record.timestamp_type + 1, record.timestamp),  # librdkafka's 0 is that there is none
    )


def _consumer(broker: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **aiokafka_config(broker),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=_REQUEST_MS,
    )
