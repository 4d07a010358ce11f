"""FastStream, stateless: batches of raw events in, decoded by orjson, no output.

python faststream_decode.py BROKER TOPIC GROUP OUTPUT EVENTS, in the peers' own environment. Set apart from its
defaults: batches (up to 2,000), no validation of arguments by pydantic, acknowledged batch by batch.
"""

import asyncio
import json
import sys
import time
from typing import Any

import orjson
from faststream import AckPolicy
from faststream.kafka import KafkaBroker


class Decoding:
    """Decodes and counts, and says when `events` were handled."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._handled = 0
        self.done = asyncio.Event()

    async def handle(self, values: list[bytes]) -> None:
        """One batch."""
        if not self._handled:
            print(json.dumps({"first_s": time.time()}), flush=True)  # noqa: T201
        for value in values:
            orjson.loads(value)
        self._handled += len(values)
        if self._handled >= self._events and not self.done.is_set():
            print(json.dumps({"done_s": time.time(), "handled": self._handled}), flush=True)  # noqa: T201
            self.done.set()


async def _raw(message: Any, _original: Any) -> Any:
    return message.body


async def main(address: str, topic: str, group: str, _output: str, events: str) -> None:
    """Read until ended."""
    broker = KafkaBroker(address, logger=None, apply_types=False, decoder=_raw)
    decoding = Decoding(int(events))
    subscriber = broker.subscriber(
        topic,
        batch=True,
        max_records=2_000,
        batch_timeout_ms=250,
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK,
    )
    subscriber(decoding.handle)
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
