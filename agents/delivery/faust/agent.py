"""The one agent that owns the table: batches in, rows and outputs out, acknowledged when all is confirmed.

    stream ──► slot (bounded) ──► lock of the partition number ──► step ──► rows in memory, sends handed over
                                        │ next batch may enter                        │
                                        ▼                                             ▼
                                                                 every send confirmed ──► ack

Lanes are shared by all source topics, so one partition's rows have one writer. Nothing here retries: an idempotent
producer does, in order and for ever, and `outage` bounds the wait. Whatever fails for good is fatal, and a restart
replays what was not acknowledged.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from typing import Any, cast

from aiokafka.structs import RecordMetadata

from agents.delivery.context import DeliveryContext
from agents.delivery.errors import SendFailed
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.message import BatchMessage
from agents.delivery.faust.table import RowTable
from agents.delivery.step import BatchResult, BatchStep
from agents.delivery.writer import OutRecord, RecordBatchWriter

Futures = list["asyncio.Future[RecordMetadata]"]


class TableAgent:
    """Runs a step over the stream. One a worker; all in the event loop's thread."""

    def __init__(
        self,
        delivery: DeliveryContext,
        table: RowTable,
        writer: RecordBatchWriter,
        step: BatchStep,
        consumer: Callable[[], BatchConsumer],
    ) -> None:
        self._delivery = delivery
        self._table = table
        self._writer = writer
        self._step = step
        self._consumer = consumer
        self._slots = asyncio.Semaphore(delivery.settings.max_in_flight_batches)
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ready: frozenset[int] = frozenset()
        self._tasks: set[asyncio.Task[None]] = set()
        self._late = 0
        self.last_progress_s: dict[int, float] = {}

    async def consume(self, stream: Any) -> None:
        """The body of the Faust agent. Returns when the stream ends."""
        batches = stream.noack()  # acks are ours: Faust's come when the next batch is asked for
        async for _ in batches:
            message = cast(BatchMessage, batches.current_event.message)
            await self._slots.acquire()
            task = asyncio.create_task(self._guarded(message))
            self._tasks.add(task)
            task.add_done_callback(self._finished)

    @property
    def in_flight(self) -> int:
        """Batches begun and not yet confirmed."""
        return len(self._tasks)

    async def drain(self, timeout_s: float) -> bool:
        """Begin no more batches, and wait for those begun; False when some are left after `timeout_s`."""
        self._ready = frozenset()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)
        return not self._tasks

    def resume(self, partitions: frozenset[int]) -> None:
        """Begin batches of these partitions, and of no others, until the next drain. None is begun before the first."""
        self._ready = partitions

    def abandon(self) -> None:
        """Cancel what is in flight, un-acked."""
        for task in self._tasks:
            task.cancel()

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._slots.release()

    async def _guarded(self, message: BatchMessage) -> None:
        with self._delivery.switch.guard(f"{message.topic}/{message.partition}@{message.offset}"):
            await self._process(message)

    async def _process(self, message: BatchMessage) -> None:
        consumer = self._consumer()
        async with self._locks[message.partition]:
            consumer.begin(message)
            if message.partition not in self._ready or not consumer.is_current(message):
                return  # the partition moves on, or a former batch failed: the records are delivered again
            sent: Futures = []
            left = message.records
            while left:
                result = await self._step(message.topic, message.partition, left)
                sent += await self._publish(message.partition, result)
                left = left[len(left) if result.records is None else result.records :]
                await asyncio.sleep(0)  # other work's turn, between two parts of a long batch
        await self.confirmed(sent)
        consumer.ack(message)
        self.last_progress_s[message.partition] = time.monotonic()

    async def exclusive(self, partition: int, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` while nothing else writes the partition's rows; a drain waits for it, and none begins in one.

        What it raises stops the worker, as a batch's error would.
        """

        async def exclusively() -> None:
            with self._delivery.switch.guard(f"work on partition {partition}"):
                async with self._locks[partition]:
                    if partition in self._ready:
                        await work()

        await self._slots.acquire()
        task = asyncio.create_task(exclusively())
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        await asyncio.wait([task])

    async def apply(self, partition: int, step: Callable[[], Awaitable[BatchResult]]) -> bool:
        """Run a step of no record as the partition's only writer, and wait until what it changes is confirmed.

        False where the partition is not ours to write to: nothing was run. Raises what `exclusive` raises.
        """
        is_done = False

        async def work() -> None:
            nonlocal is_done
            await self.confirmed(await self._publish(partition, await step()))
            is_done = True

        await self.exclusive(partition, work)
        return is_done

    async def _publish(self, partition: int, result: BatchResult) -> Futures:
        changes = result.rows or result.checkpoint is not None
        sent = await self._table.put_batch(partition, result.rows, result.checkpoint) if changes else []
        result.stored()
        outputs: defaultdict[tuple[str, int], list[OutRecord]] = defaultdict(list)
        for output in result.outputs:
            outputs[output.topic, output.partition].append(OutRecord(*output[2:]))
        for (topic, to_partition), records in outputs.items():
            sent += await self._writer.send(topic, to_partition, records)
        return sent

    async def confirmed(self, sent: Collection["asyncio.Future[RecordMetadata]"]) -> None:
        """Wait for the broker; after `delivery_timeout_s` that is an outage. Raises SendFailed."""
        waiting, timeout_s = set(sent), self._delivery.settings.delivery_timeout_s
        late = False
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_EXCEPTION)
                _require(done)
                if waiting and not late:
                    late, self._late = True, self._late + 1
                    said = f"{len(waiting)} batches are not confirmed after {timeout_s:g} s"
                    self._delivery.outage.begin("send", said, timeout_s)
        finally:
            self._late -= late
            if late and not self._late:
                self._delivery.outage.back("send")


def _require(done: Collection["asyncio.Future[RecordMetadata]"]) -> None:
    for future in done:
        if future.cancelled():
            raise SendFailed("a send was cancelled")
        if (error := future.exception()) is not None:
            raise SendFailed(f"a send failed: {error!r}") from error
