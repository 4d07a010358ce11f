"""The table: rows in a store, followed and restored from its changelog a fetch at a time, written a batch at a time.

Rows and keys stay bytes from the log to the store and back. Private parts of Faust that are replaced, and
why:

* `on_changelog_event` applies at once, and `apply_changelog_batch` does nothing: Faust's recovery buffers
  messages by table, applies a buffer to whatever table came before when a partition is unknown, and swallows
  every error, each of which would lose rows silently.
* `persisted_offset` answers from memory, which begins with what the store has kept: so a standby that takes over, a
  worker that keeps a partition over a rebalance, and one that starts again on its disk, read only what they lack.
* `recovery_buffer_size=2`: with 1, Faust keeps feeding a worker its own writes.
* `on_start` declares no topic.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, cast

import faust
from aiokafka.structs import ConsumerRecord, RecordMetadata
from faust.types import TP, EventT
from faust.types.app import AppT
from msgspec.structs import replace

from agents.delivery.beside_rows import KEYS_BESIDE_ROWS, BesideRows, in_groups, is_beside_rows
from agents.delivery.context import DeliveryContext
from agents.delivery.errors import UnreadableLog
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.message import LogMessage
from agents.delivery.faust.schema import BatchSchema
from agents.delivery.log_positions import LogPositions
from agents.delivery.writer import OutRecord, RecordBatchWriter
from agents.stores import Store
from schemas.unreadable import UnreadableBatch
from streams.input.checkpoint import CHECKPOINT_KEY, InputCheckpoint, Remedy, encode_checkpoint, is_reserved
from streams.norms.journal import RowGroup
from streams.norms.journal_keys import is_of_journal

TABLE_NAME = "students"


class RowTable(faust.Table):  # type: ignore[type-arg]
    """Faust's table whose rows are `rows`; nothing else of Faust's mapping interface is meant to be used."""

    def __init__(self, app: AppT, *, delivery: DeliveryContext, writer: RecordBatchWriter, rows: Store) -> None:
        super().__init__(
            app,
            name=TABLE_NAME,
            partitions=delivery.settings.partitions,
            schema=BatchSchema(),
            recovery_buffer_size=2,
            standby_buffer_size=1,
        )
        self._delivery = delivery
        self.rows = rows
        self._beside = BesideRows()
        self._writer = writer
        self.positions = LogPositions()
        self._followed: frozenset[int] = frozenset()
        self.restored_records = 0
        """How many records of the changelog the last recovery read, beyond what was held when it began."""
        self._read = 0

    @property
    def checkpoints(self) -> Mapping[int, bytes]:
        """The last input checkpoint of each partition, encoded."""
        return self._beside.checkpoints

    @property
    def norm_records(self) -> Mapping[int, Mapping[bytes, bytes]]:
        """The journal of norms of each partition, by the changelog's keys."""
        return self._beside.norm_records

    async def on_start(self) -> None:
        """Start the (empty) store that Faust expects."""
        await self.add_runtime_dependency(cast(Any, self.data))

    async def put_batch(
        self,
        partition: int,
        rows: Mapping[bytes, bytes | None],
        checkpoint: InputCheckpoint | None = None,
        groups: Sequence[RowGroup] = (),
    ) -> list[asyncio.Future[RecordMetadata]]:
        """Replace rows of a partition, None deleting: in memory at once, then on the changelog, in as few batches as
        they fit, or where there are `groups` in one batch each, with what these close it with behind its rows.

        A `checkpoint` stands behind them, with the number of rows that the partition then has: never among the rows.
        Returns the futures of the changelog's confirmation. When one fails the memory is ahead of the log,
        and the worker must stop. Raises what RecordBatchWriter raises, and ValueError where the groups are not of
        these rows.
        """
        batches = in_groups(rows, groups)
        ticket = self.rows.stage(partition, rows)
        self._beside.put_groups(partition, groups)
        if checkpoint is not None:
            counted = encode_checkpoint(replace(checkpoint, rows=self.rows.count(partition)))
            self._beside.put(partition, CHECKPOINT_KEY, counted)
            batches[-1].append(OutRecord(CHECKPOINT_KEY, counted))
        return await self._append(partition, batches, ticket, whole=bool(groups))

    async def put_again(self, partition: int, keys: Collection[bytes]) -> list[asyncio.Future[RecordMetadata]]:
        """Append what memory holds of `keys` (a null where it holds nothing): somebody else wrote them. As above.

        Where the journal of norms is among them, in one batch: it is of these rows.
        """
        records = [OutRecord(key, self.held(partition, key)) for key in keys]
        whole = any(map(is_of_journal, keys))
        return await self._append(partition, [records], self.rows.stage(partition, {}), whole=whole)

    def held(self, partition: int, key: bytes) -> bytes | None:
        """What the last record of `key` on the partition's log should be: a row, the checkpoint, or the journal's."""
        return self._beside.get(partition, key) if is_beside_rows(key) else self.rows.get(partition, key)

    async def _append(
        self, partition: int, batches: Sequence[Sequence[OutRecord]], ticket: int, *, whole: bool
    ) -> list[asyncio.Future[RecordMetadata]]:
        topic, left = self.changelog_topic_name, chain.from_iterable(batches)
        if whole:
            sent = await self._writer.send_groups(topic, partition, batches)
        else:
            sent = await self._writer.send_counted(topic, partition, batches[0])
        for batch in sent:
            self.positions.sent(partition, batch.confirmed, batch.records)
            self._keep_when_confirmed(partition, batch.confirmed, list(islice(left, batch.records)), ticket)
        return [batch.confirmed for batch in sent]

    def _keep_when_confirmed(
        self, partition: int, confirmed: asyncio.Future[RecordMetadata], records: Sequence[OutRecord], ticket: int
    ) -> None:
        def keep(done: asyncio.Future[RecordMetadata]) -> None:
            if done.cancelled() or done.exception() is not None:
                return
            with self._delivery.switch.guard("the local store"):
                reached = self.positions.reached(partition)
                self.rows.confirm(partition, ticket, records, done.result().offset, reached)

        confirmed.add_done_callback(keep)  # after the positions' own, so `reached` counts these records

    # -- recovery and standbys

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset up to which memory holds the partition; None for nothing."""
        return self.positions.reached(tp.partition)

    async def on_changelog_event(self, event: EventT) -> None:  # type: ignore[type-arg]
        """Apply a batch of the changelog, unless its partition has moved or was sought meanwhile."""
        message = event.message
        if not isinstance(message, LogMessage) or message.partition not in self._followed:
            return
        if cast(BatchConsumer, self.app.consumer).follows(message):
            self._apply(message.partition, message.records)

    def _apply(self, partition: int, records: Sequence[ConsumerRecord]) -> None:
        last = self.positions.next_offset(partition) - 1
        records = [record for record in records if record.offset > last]
        for record in records:
            if record.key is None:
                where = f"{self.changelog_topic_name}/{partition}@{record.offset}"
                why = "has no key: another program wrote it"
                if isinstance(record.value, UnreadableBatch):
                    why = record.value.why
                self._delivery.switch.halt(UnreadableLog(f"{where}: {why}. What to do: {Remedy.REBUILD.value}."))
                return
            last = record.offset
            if is_reserved(record.key):
                self._beside.put(partition, record.key, record.value)
        self.rows.restore(partition, records)
        self._read += len(records)
        self.positions.reach(partition, last)

    def apply_changelog_batch(self, batch: Iterable[EventT]) -> None:  # type: ignore[type-arg]
        """Nothing: every batch was applied when it came."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Keep the rows of partitions that stay (as owner or standby), forget all others."""
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        self._read = 0
        log = self.changelog_topic_name
        self._followed = frozenset(tp.partition for tp in assigned if tp.topic == log)
        held = (
            self.rows.partitions()
            | self.rows.checkpoints().keys()
            | self.positions.partitions()
            | self._beside.partitions()
        )
        for partition in held - self._followed:
            self.rows.drop_partition(partition)
            self._beside.drop_partition(partition)
            self.positions.forget(partition)
        self._restore_rows(self._followed - self.positions.partitions())

    def _restore_rows(self, partitions: Iterable[int]) -> None:
        """Begin with what the store has kept of partitions that memory knows nothing of."""
        stored_to = self.rows.checkpoints()
        for partition in stored_to.keys() & set(partitions):
            self.positions.reach(partition, stored_to[partition])
            for key, value in zip(KEYS_BESIDE_ROWS, self.rows.get_many(partition, KEYS_BESIDE_ROWS), strict=True):
                self._beside.put(partition, key, value)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Rows of the owned partitions are complete: tell the app, before it's given any record."""
        await super().on_recovery_completed(active_tps, standby_tps)
        self.restored_records, self._read = self._read, 0
        await self._delivery.ownership.recovered(
            frozenset(tp.partition for tp in active_tps), frozenset(tp.partition for tp in standby_tps)
        )
