"""A table on a changelog that is a list of record batches, and tables restored from any beginning of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, cast

from aiokafka.structs import ConsumerRecord, RecordMetadata, TopicPartition
from faust.types import TP

from agents.delivery.faust.app import create_app
from agents.delivery.faust.message import LogMessage
from agents.delivery.faust.table import RowTable
from agents.delivery.settings import DeliverySettings
from agents.delivery.writer import RecordBatchWriter
from agents.stores import MemoryStore, Store

P: Final = 0
SETTINGS: Final = DeliverySettings(app_id="app", broker="one:9092", sources=("events",), partitions=4)
Batch = Sequence[tuple[bytes, bytes | None]]


@dataclass
class ListedBatch:
    """A record batch with room for so many bytes of keys and values."""

    room: int
    records: list[tuple[bytes, bytes | None]] = field(default_factory=list)

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: object
    ) -> object | None:
        assert key is not None
        if self.records and sum(len(k) + len(v or b"") for k, v in [*self.records, (key, value)]) > self.room:
            return None
        self.records.append((key, value))
        return key


@dataclass
class TableLog:
    """See the module. `room` is that of a record batch of which no more is asked."""

    room: int = 200
    batches: list[Batch] = field(default_factory=list)

    def create_batch(self, size_bytes: int = 0) -> ListedBatch:
        return ListedBatch(max(self.room, size_bytes))

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> "asyncio.Future[RecordMetadata]":
        confirmed: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        offset = sum(map(len, self.batches))
        confirmed.set_result(RecordMetadata(topic, partition, TopicPartition(topic, partition), offset, -1, 0, 0))
        self.batches.append(batch.records)
        return confirmed

    def table(self, store: Store | None = None) -> RowTable:
        """An empty one that writes here."""
        app = create_app(SETTINGS)
        app.consumer = cast(Any, SimpleNamespace(follows=lambda _message: True))
        writer = RecordBatchWriter(lambda: self, max_send_bytes=1_000_000)
        return RowTable(app, delivery=app.delivery, writer=writer, rows=MemoryStore() if store is None else store)

    async def restored(
        self, batches: int | None = None, *, compacted: bool = False, store: Store | None = None
    ) -> RowTable:
        """One that has followed the first `batches` of the log; of `compacted` ones the last record of each key."""
        table = self.table(store)
        tp = TP(table.changelog_topic_name, P)
        await table.on_rebalance({tp}, set(), {tp})
        records = [record for batch in self.batches[:batches] for record in batch]
        last = {key: offset for offset, (key, _) in enumerate(records)}
        left = [
            ConsumerRecord(tp.topic, P, offset, 0, 0, key, value, None, 0, 0, [])
            for offset, (key, value) in enumerate(records)
            if not compacted or last[key] == offset
        ]
        if left:
            message = LogMessage.of(tp, left, generation_id=0, seek=0)
            await table.on_changelog_event(cast(Any, SimpleNamespace(message=message)))
        return table
