"""A bare consume-and-produce echo, to compare latencies with. python -m ... BROKER TOPIC GROUP OUTPUT

Every record goes out as it came, to the same partition, with the commit and linger settings of our worker: a commit a
second, no linger, whole record batches, idempotent, acknowledged by all replicas. Up to eight batches in flight.
"""

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.benchmarks.peers.getmany import COMMIT_INTERVAL_S, FETCH_BYTES

_IN_FLIGHT = 8


async def main(broker: str, topic: str, group: str, output: str) -> None:
    """Echo until ended."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=broker, acks="all", enable_idempotence=True, linger_ms=0, max_batch_size=1 << 19
    )
    await producer.start()
    await consumer.start()
    sent: deque[Any] = deque()
    next_commit_s = time.monotonic() + COMMIT_INTERVAL_S
    steps = stepped = 0
    while True:
        fetched = await consumer.getmany(timeout_ms=250)
        for place, records in fetched.items():
            stepped += len(records)
            sent.extend([await _send(producer, output, place.partition, part) for part in _parts(records)])
        if fetched:
            steps += 1
            print(json.dumps({"steps": steps, "stepped": stepped}), flush=True)  # noqa: T201
        while len(sent) > _IN_FLIGHT:
            await sent.popleft()
        if time.monotonic() >= next_commit_s:
            while sent:
                await sent.popleft()
            await consumer.commit()
            next_commit_s = time.monotonic() + COMMIT_INTERVAL_S


def _parts(records: list[Any], size: int = 2_000) -> list[list[Any]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


async def _send(producer: Any, output: str, partition: int, records: list[Any]) -> Any:
    batch = producer.create_batch()
    for record in records:
        if batch.append(key=record.key, value=record.value, timestamp=None) is None:
            await producer.send_batch(batch, output, partition=partition)
            batch = producer.create_batch()
            batch.append(key=record.key, value=record.value, timestamp=None)
    return await producer.send_batch(batch, output, partition=partition)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
