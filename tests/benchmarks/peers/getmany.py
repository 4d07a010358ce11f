"""The limit: a bare `aiokafka.getmany()`, with and without orjson. python -m ... BROKER TOPIC GROUP OUTPUT N [--orjson]

A commit a second, and one at the end, which counts. Ended by whoever started it.
"""

import asyncio
import json
import sys
import time

import orjson
from aiokafka import AIOKafkaConsumer

FETCH_BYTES = 1 << 20
COMMIT_INTERVAL_S = 1.0


async def main(broker: str, topic: str, group: str, events: str, *, decode: bool) -> None:
    """Read `events` records."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    handled = 0
    next_commit_s = time.monotonic() + COMMIT_INTERVAL_S
    while handled < int(events):
        fetched = await consumer.getmany(timeout_ms=250)
        if fetched and not handled:
            print(json.dumps({"first_s": time.time()}), flush=True)  # noqa: T201
        for records in fetched.values():
            handled += len(records)
            if decode:
                for record in records:
                    orjson.loads(record.value)
        if time.monotonic() >= next_commit_s:
            await consumer.commit()
            next_commit_s = time.monotonic() + COMMIT_INTERVAL_S
    await consumer.commit()
    print(json.dumps({"done_s": time.time(), "handled": handled}), flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    broker, topic, group, _output, events = [argument for argument in sys.argv[1:] if argument != "--orjson"]
    asyncio.run(main(broker, topic, group, events, decode="--orjson" in sys.argv))
