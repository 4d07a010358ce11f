"""How much a restart reads: records of the log, against the rows of the table, on a log that was written for long.

Students are written one by one at random, in zstd batches as workers do it, at the rate and for the minutes that
RATE and MINUTES say (700 a second, 20 minutes), to two logs: one as a worker makes it, one as workers made it before.
Then both are read as a start reads them. What the last ten minutes wrote cannot be compacted yet and is left out.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from agents.delivery.settings import DeliverySettings, changelog_spec
from agents.delivery.writer import OutRecord, RecordBatchWriter
from agents.kafka.reader import read_to_end
from agents.kafka.topics import TopicSpec, ensure_topics
from tests.benchmarks.broker import BenchKafka, delete_topics
from tests.benchmarks.datasets import PARTITIONS
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.recovery import template_rows
from tests.benchmarks.sizes import Sizes

NAME: Final = "recovery_bound"
_TARGET: Final = Target("at most", 3, of="value")
_STUDENTS: Final = 2_000
_RECENT_S: Final = 600.0
_TICK_S: Final = 1.0
_FORMER: Final = {"cleanup.policy": "compact", "min.compaction.lag.ms": "3600000"}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a start reads of a log."""

    rows: int
    records: int
    recent: int

    @property
    def per_row(self) -> float:
        """Records read for a row, without the recent ones."""
        return (self.records - self.recent) / max(self.rows, 1)

    def __str__(self) -> str:
        return f"{self.records:,} records for {self.rows:,} rows, {self.recent:,} of the last ten minutes"


def measure(kafka: BenchKafka, _sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Records read for each row, of both logs."""
    minutes, rate = float(os.environ.get("MINUTES") or 20), int(os.environ.get("RATE") or 700)
    app = f"bound-{uuid4().hex[:8]}"
    settings = DeliverySettings(app_id=app, broker=kafka.bootstrap, sources=("any",), partitions=PARTITIONS)
    logs = [changelog_spec(settings), TopicSpec(f"{app}-former", PARTITIONS, config=_FORMER)]
    ensure_topics(kafka.bootstrap, logs)
    sys.stderr.write(f"  {rate} rows/s of {_STUDENTS:,} students, for {minutes:g} minutes\n")
    rows = template_rows()
    asyncio.run(_write(kafka.bootstrap, [spec.name for spec in logs], rows, rate, minutes * 60))
    found = [_restored(kafka.bootstrap, spec.name) for spec in logs]
    for spec, restored in zip(logs, found, strict=True):
        sys.stderr.write(f"  {spec.name}: {restored}\n")
    delete_topics(kafka.bootstrap, lambda name: name.startswith(app))
    return [
        rounds.figure(NAME, "records/row", [found[0].per_row], target=_TARGET),
        rounds.figure(f"{NAME}.former_settings", "records/row", [found[1].per_row]),
    ]


async def _write(broker: str, logs: Sequence[str], rows: Sequence[bytes], rate: int, for_s: float) -> None:
    rng = Random(5)
    producer = AIOKafkaProducer(bootstrap_servers=broker, enable_idempotence=True, compression_type="zstd")
    await producer.start()
    writer = RecordBatchWriter(lambda: producer, max_send_bytes=1 << 20)
    try:
        until_s = time.monotonic() + for_s
        while (now_s := time.monotonic()) < until_s:
            for partition in range(PARTITIONS):
                students = rng.sample(range(partition, _STUDENTS, PARTITIONS), rate // PARTITIONS)
                records = [OutRecord(b"sim-%07d" % one, rng.choice(rows)) for one in students]
                for log in logs:
                    for confirmed in await writer.send(log, partition, records):
                        await confirmed
            await asyncio.sleep(max(0.0, now_s + _TICK_S - time.monotonic()))
    finally:
        await producer.stop()


def _restored(broker: str, log: str) -> Restored:
    since_ms = (time.time() - _RECENT_S) * 1000
    keys: set[bytes | None] = set()
    records = recent = 0
    for message in read_to_end(broker, log):
        keys.add(message.key())
        records += 1
        recent += message.timestamp()[1] >= since_ms
    return Restored(len(keys), records, recent)
