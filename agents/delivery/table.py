"""The table: rows in memory, followed and restored from its changelog a fetch at a time, written a batch at a
time.

Rows and keys stay bytes from the log to the memory and back. Private parts of Faust that are replaced, and
why:

* `on_changelog_event` applies at once, and `apply_changelog_batch` does nothing: Faust's recovery buffers
  messages by table, applies a buffer to whatever table came before when a partition is unknown, and swallows
  every error, each of which would lose rows silently.
* `persisted_offset` answers from memory, so a standby that takes over, and a worker that keeps a partition
  over a rebalance, read only what they lack.
* `recovery_buffer_size=2`: with 1, Faust keeps feeding a worker its own writes.
* `on_start` declares no topic.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import faust
from aiokafka.structs import ConsumerRecord, RecordMetadata
from faust.types import TP, EventT
from faust.types.app import AppT

from agents.delivery.errors import UnreadableLog
from agents.delivery.message import BatchMessage
from agents.delivery.schema import BatchSchema
from agents.delivery.writer import OutRecord, RecordBatchWriter, SentBatch
from streams.rows import PartitionedRows

if TYPE_CHECKING:
    from agents.delivery.app import DeliveryApp

TABLE_NAME = "students"
_FIRST_OFFSET = -1  # Faust's word for 'nothing read yet'


class RowTable(faust.Table):  # type: ignore[type-arg]
    """Faust's table whose rows are `rows`; nothing else of Faust's mapping interface is meant to be used."""

    def __init__(self, app: AppT, *, partitions: int, writer: RecordBatchWriter) -> None:
        super().__init__(
            app,
            name=TABLE_NAME,
            partitions=partitions,
            schema=BatchSchema(),
            recovery_buffer_size=2,
            standby_buffer_size=1,
        )
        self.rows = PartitionedRows()
        self._writer = writer
        self._applied: dict[int, int] = {}
        self._followed: frozenset[int] = frozenset()

    async def on_start(self) -> None:
        """Start the (empty) store that Faust expects."""
        await self.add_runtime_dependency(cast(Any, self.data))

    async def put_batch(
        self, partition: int, rows: Mapping[bytes, bytes | None]
    ) -> list[asyncio.Future[RecordMetadata]]:
        """Replace rows of a partition, None deleting: in memory at once, then in one batch on the changelog.

        Returns the futures of the changelog's confirmation. When one fails the memory is ahead of the log,
        and the worker must stop. Raises what RecordBatchWriter.send raises.
        """
        self.rows.put_many(partition, rows)
        sent = await self._writer.send_counted(
            self.changelog_topic_name, partition, (OutRecord(key, row) for key, row in rows.items())
        )
        for batch in sent:
            self._track(partition, batch)
        return [batch.confirmed for batch in sent]

    def _track(self, partition: int, batch: SentBatch) -> None:
        # Memory holds the log up to an offset only if nobody else wrote in between: then it is read again.
        def advance(confirmed: "asyncio.Future[RecordMetadata]") -> None:
            if confirmed.cancelled() or confirmed.exception() is not None:
                return
            first = confirmed.result().offset
            if first == self._applied.get(partition, _FIRST_OFFSET) + 1:
                self._applied[partition] = first + batch.records - 1

        batch.confirmed.add_done_callback(advance)

    # -- recovery and standbys

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset up to which memory holds the partition; None for nothing."""
        return self._applied.get(tp.partition)

    async def on_changelog_event(self, event: EventT) -> None:  # type: ignore[type-arg]
        """Apply a batch of the changelog, unless its partition has moved away meanwhile."""
        message = event.message
        if not isinstance(message, BatchMessage) or message.partition not in self._followed:
            return
        self._apply(message.partition, message.records)

    def _apply(self, partition: int, records: Iterable[ConsumerRecord]) -> None:
        rows: dict[bytes, bytes | None] = {}
        last = self._applied.get(partition, _FIRST_OFFSET)
        for record in records:
            if record.key is None:
                problem = UnreadableLog(f"{self.changelog_topic_name}/{partition}@{record.offset} has no key")
                self._delivery.halt(problem)
                return
            rows[record.key] = record.value
            last = record.offset
        self.rows.put_many(partition, rows)
        self._applied[partition] = last

    def apply_changelog_batch(self, batch: Iterable[EventT]) -> None:  # type: ignore[type-arg]
        """Nothing: every batch was applied when it came."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Keep the rows of partitions that stay (as owner or standby), forget all others."""
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        log = self.changelog_topic_name
        self._followed = frozenset(tp.partition for tp in assigned if tp.topic == log)
        for partition in (self.rows.partitions() | self._applied.keys()) - self._followed:
            self.rows.drop_partition(partition)
            self._applied.pop(partition, None)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Rows of the owned partitions are complete: tell the app, before it's given any record."""
        await super().on_recovery_completed(active_tps, standby_tps)
        await self._delivery.recovered(
            frozenset(tp.partition for tp in active_tps), frozenset(tp.partition for tp in standby_tps)
        )

    @property
    def _delivery(self) -> "DeliveryApp":
        return cast("DeliveryApp", self.app)
