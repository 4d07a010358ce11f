"""A worker with a counter for a step, run as a process of its own: python -m tests.agents.delivery_worker CONFIG.

CONFIG is JSON (see `WorkerConfig`). What the worker sees of itself is written to the status file over and over.
"""

import asyncio
import json
import logging
import struct
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance
from aiokafka.structs import ConsumerRecord

from agents.delivery.faust.app import DeliveryApp, create_app
from agents.delivery.faust.run import run_worker
from agents.delivery.ownership import DeliveryHooks
from agents.delivery.settings import DeliverySettings
from agents.delivery.step import Batches, BatchResult, Output
from agents.delivery.writer import BatchBuilder, BatchProducer
from agents.stores import MemoryStore, Store
from agents.stores.rocksdb import RocksRows

ROW = struct.Struct("<qq")
OUTPUT_TOPIC = "counts"
STICKS = "a step that never returns has begun"
_FOLLOWERS_S = 0.3


class WorkerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`fail_at`: the step raises at the first record with an offset at or above; `fail_sends_to`: the writer's
    seam fails every send to that topic after the first few; `stick_at`: the step never returns; `store`: a folder
    for the rows, else they are in memory; `restore_delay_s`: how long each fetch of the
    changelog takes to apply until the worker is told to hurry; fetches are small then."""

    broker: str
    status: str
    app_id: str = "counter"
    sources: tuple[str, ...] = ("events",)
    partitions: int = 4
    standby_replicas: int = 0
    group_instance_id: str | None = None
    session_timeout_s: float = 10.0
    max_batch_records: int = 50
    outputs: bool = True
    step_delay_s: float = 0.0
    fail_at: int | None = None
    stick_at: int | None = None
    fail_sends_to: str | None = None
    drain_timeout_s: float = 15.0
    stop_timeout_s: float = 30.0
    start_timeout_s: float = 60.0
    store: str = ""
    restore_delay_s: float = 0.0
    broker_wait_s: float = 600.0


@dataclass(slots=True)
class CounterStep:
    """Counts a key's records; the row holds (count, last offset), so a replayed record isn't counted again."""

    app: DeliveryApp
    config: WorkerConfig

    async def __call__(self, _topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        if self.config.step_delay_s:
            await asyncio.sleep(self.config.step_delay_s)
        await self._misbehave(max(records[-1].offset for records in batches.values()))
        return {partition: self._count(partition, records) for partition, records in batches.items()}

    def _count(self, partition: int, records: Sequence[ConsumerRecord]) -> BatchResult:
        rows: dict[bytes, tuple[int, int]] = {}
        for record in records:
            key = record.key or b""
            row = rows.get(key) or self._stored(partition, key)
            if record.offset > row[1]:
                rows[key] = (row[0] + 1, record.offset)
        encoded = {key: ROW.pack(*row) for key, row in rows.items()}
        outputs = [Output(OUTPUT_TOPIC, partition, key, row, (("from", b"test"),)) for key, row in encoded.items()]
        return BatchResult(encoded, outputs if self.config.outputs else [])

    def _stored(self, partition: int, key: bytes) -> tuple[int, int]:
        stored = self.app.table.rows.get(partition, key)
        return cast(tuple[int, int], ROW.unpack(stored)) if stored else (0, -1)

    async def _misbehave(self, last_offset: int) -> None:
        if self.config.fail_at is not None and last_offset >= self.config.fail_at:
            raise ValueError("a step that fails on purpose")
        if self.config.stick_at is not None and last_offset >= self.config.stick_at:
            logging.info(STICKS)
            await asyncio.Event().wait()


@dataclass(slots=True)
class FailingProducer:
    """The writer's seam: sends to one topic come back failed after the first three."""

    real: BatchProducer
    topic: str
    sends: list[int]

    def create_batch(self, size_bytes: int = 0) -> BatchBuilder:
        return self.real.create_batch(size_bytes)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        self.sends.append(partition)
        if topic != self.topic or self.sends.count(partition) <= 3:
            return await self.real.send_batch(batch, topic, partition=partition)
        failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        failed.set_exception(ConnectionError("a send that fails on purpose"))
        return failed


def _sync_after_followers() -> None:
    """Let a leader wait a moment before it syncs the group: it saves the tests some six seconds a rebalance.

    librdkafka's mock cluster refuses a follower whose SyncGroup comes after the leader's, where Kafka answers with the
    assignment; the follower has to join again then (`agents.delivery.membership`).
    """
    lead = CoordinatorGroupRebalance._on_join_leader

    async def later(group: CoordinatorGroupRebalance, response: object) -> object:
        await asyncio.sleep(_FOLLOWERS_S)
        return await lead(group, response)

    CoordinatorGroupRebalance._on_join_leader = later


def main(config: WorkerConfig) -> int:
    """Build the app, attach the counter, run."""
    _sync_after_followers()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    store = _store(config)
    app = create_app(
        DeliverySettings(
            app_id=config.app_id,
            broker=config.broker,
            sources=config.sources,
            partitions=config.partitions,
            standby_replicas=config.standby_replicas,
            group_instance_id=config.group_instance_id,
            session_timeout_s=config.session_timeout_s,
            heartbeat_interval_s=0.5,
            commit_interval_s=0.2,
            drain_timeout_s=config.drain_timeout_s,
            stop_timeout_s=config.stop_timeout_s,
            start_timeout_s=config.start_timeout_s,
            broker_wait_s=config.broker_wait_s,
            max_batch_records=config.max_batch_records,
            fetch_bytes=512 if config.restore_delay_s else 8 * 1024 * 1024,
        ),
        store,
    )
    _restore_slowly(app, config)
    calls: list[list[object]] = []

    def counted(partition: int) -> int:
        rows = (app.table.rows.get(partition, b"student-%d" % number) for number in range(42))
        return sum(ROW.unpack(row)[0] for row in rows if row is not None)

    async def on_recovered(active: frozenset[int]) -> None:
        calls.append(["recovered", sorted(active), [counted(partition) for partition in sorted(active)]])

    async def on_revoked(partitions: frozenset[int]) -> None:
        calls.append(["revoked", sorted(partitions)])

    app.attach(CounterStep(app, config), DeliveryHooks(on_recovered, on_revoked))
    if config.fail_sends_to is not None:
        real, sends = app.writer._producer, list[int]()
        topic = config.fail_sends_to
        app.writer._producer = lambda: FailingProducer(real(), topic, sends)
    threading.Thread(target=_report, args=(app, Path(config.status), calls), daemon=True).start()
    try:
        return run_worker(app)
    finally:
        if app.failure is not None:
            logging.critical("%r", app.failure)  # as the command's last line does
        store.close()


def slowness_of(status: Path) -> Path:
    """The worker with this status restores slowly for as long as there is this file."""
    return status.with_suffix(".slow")


def _restore_slowly(app: DeliveryApp, config: WorkerConfig) -> None:
    real, slowness = app.table.on_changelog_event, slowness_of(Path(config.status))

    async def slow(event: Any) -> None:
        if slowness.exists():
            await asyncio.sleep(config.restore_delay_s)
        await real(event)

    if config.restore_delay_s:
        slowness.touch()
        app.table.on_changelog_event = slow  # type: ignore[method-assign]


def _store(config: WorkerConfig) -> Store:
    if not config.store:
        return MemoryStore()
    store = RocksRows(Path(config.store), memory_mb=16)
    store.adopt(config.app_id)
    return store


def _report(app: DeliveryApp, path: Path, calls: list[list[object]]) -> None:
    pause = threading.Event()
    draft = path.with_suffix(".draft")
    while True:
        status = {
            "active": sorted(app.active_partitions),
            "standby": sorted(app.ownership.standby),
            "recovered": app.table_recovered,
            "row_partitions": sorted(app.table.rows.partitions()),
            "rows": len(app.table.rows),
            "progress": sorted(app.last_progress_s()),
            "restored": app.table.restored_records,
            "held": sum(offset + 1 for offset in app.restored_offsets().values()),
            "calls": calls,
        }
        draft.write_text(json.dumps(status))
        draft.replace(path)
        pause.wait(0.05)


if __name__ == "__main__":
    sys.exit(main(msgspec.json.decode(sys.argv[1], type=WorkerConfig)))
