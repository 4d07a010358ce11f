"""Quix Streams with a counter for each key: RocksDB state, changelog, at least once, an output for every event.

python quix_counter.py BROKER TOPIC GROUP OUTPUT EVENTS [LINGER_MS [VALUE_BYTES]], in the peers' own environment.
Values are not decoded. Set apart from its defaults: a checkpoint a second (5 s), the producer's linger (20 ms; 1 ms
where latency is measured) and batch size as librdkafka advises for throughput, the consumer's fetch as large
as the others', its queue deep enough for the whole fetch. VALUE_BYTES: each output is so long, by spaces after the
number.
"""

import json
import logging
import sys
import tempfile
import time
from typing import Any

from quixstreams import Application


def main(
    broker: str, topic: str, group: str, output: str, _events: str, linger_ms: str = "20", value_bytes: str = "0"
) -> None:
    """Count each student's events, until ended."""
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="quix-") as state:
        app = Application(
            broker_address=broker,
            consumer_group=group,
            auto_offset_reset="earliest",
            commit_interval=1.0,
            state_dir=state,
            loglevel="WARNING",
            consumer_extra_config={
                "fetch.queue.backoff.ms": 5,
                "max.partition.fetch.bytes": 1 << 20,
                "queued.min.messages": 100_000,
                "check.crcs": False,
            },
            producer_extra_config={
                "linger.ms": int(linger_ms),
                "batch.size": 1 << 19,
                "batch.num.messages": 50_000,
                "queue.buffering.max.messages": 500_000,
                "queue.buffering.max.kbytes": 1 << 18,
            },
        )
        events = app.topic(topic, key_deserializer="bytes", value_deserializer="bytes")
        counts = app.topic(output, key_serializer="bytes", value_serializer="bytes")
        stream = app.dataframe(events)
        stream = stream.apply(_counter(int(value_bytes)), stateful=True)
        stream.to_topic(counts)
        app.run()


def _counter(value_bytes: int) -> Any:
    said = False

    def count(_value: bytes, state: Any) -> bytes:
        nonlocal said
        if not said:
            said = True
            print(json.dumps({"first_s": time.time()}), flush=True)  # noqa: T201
        number: int = state.get("count", 0) + 1
        state.set("count", number)
        return (b"%d" % number).ljust(value_bytes)

    return count


if __name__ == "__main__":
    main(*sys.argv[1:])
