"""Our delivery alone, with a counter in the table for a step. python -m ... BROKER TOPIC GROUP OUTPUT

The worker's own delivery settings. A row holds (count, last offset), so that a replayed record is not counted again;
one row and one output for each student whose count changed in a batch. Values are not decoded.
"""

import json
import logging
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka.structs import ConsumerRecord

from agents.delivery.faust.app import DeliveryApp, create_app
from agents.delivery.faust.run import run_worker
from agents.delivery.settings import DeliverySettings, changelog_spec
from agents.delivery.step import Batches, BatchResult, Output
from agents.kafka.topics import ensure_topics

_ROW = struct.Struct("<qq")


@dataclass(slots=True)
class Counter:
    """Implements BatchStep."""

    app: DeliveryApp
    output: str
    said: bool = False

    async def __call__(self, _topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        """See BatchStep."""
        if not self.said:
            print(json.dumps({"first_s": time.time()}), flush=True)  # noqa: T201
            self.said = True
        return {partition: self._count(partition, records) for partition, records in batches.items()}

    def _count(self, partition: int, records: Sequence[ConsumerRecord]) -> BatchResult:
        rows: dict[bytes, tuple[int, int]] = {}
        for record in records:
            key = record.key or b""
            count, folded_to = rows.get(key) or self._stored(partition, key)
            if record.offset > folded_to:
                rows[key] = (count + 1, record.offset)
        encoded = {key: _ROW.pack(*row) for key, row in rows.items()}
        return BatchResult(encoded, [Output(self.output, partition, key, row) for key, row in encoded.items()])

    def _stored(self, partition: int, key: bytes) -> tuple[int, int]:
        stored = self.app.table.rows.get(partition, key)
        if stored is None:
            return 0, -1
        count, folded_to = _ROW.unpack(stored)
        return count, folded_to


def main(broker: str, topic: str, group: str, output: str) -> int:
    """Count until ended."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    settings = DeliverySettings(app_id=group, broker=broker, sources=(topic,), partitions=4)
    ensure_topics(broker, [changelog_spec(settings)])
    app = create_app(settings)
    app.attach(Counter(app, output))
    return run_worker(app)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
