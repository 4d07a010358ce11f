"""The one agent that owns the table: fetches in, rows and outputs out, acknowledged when all is confirmed.

    fetch of all partitions ──► lock ──► step ──► rows in memory, sends handed over ──► every send confirmed ──► ack
                                           │                                            by partition
                                           └─► the next fetch is asked for

All rows have one writer: the step, or who holds its lock. Nothing here retries: an idempotent producer does, in order
and for ever, and `outage` bounds the wait. Whatever fails for good is fatal, and a restart replays what was not
acknowledged.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from aiokafka.structs import ConsumerRecord
from faust.types import TP

from agents.delivery.context import DeliveryContext
from agents.delivery.errors import SendFailed
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.message import FetchMessage, SourceBatch
from agents.delivery.faust.table import RowTable
from agents.delivery.step import FETCHED_NS, Batches, BatchResult, BatchStep, Output
from agents.delivery.writer import RecordBatchWriter

Futures = list["asyncio.Future[Any]"]
"""Of record batches that were sent, and of what a step awaits."""
Records = Sequence[ConsumerRecord]
Job = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class SentOfPartition:
    """What was sent of one partition of a fetch, and who hears when all of it is confirmed."""

    futures: Futures = field(default_factory=list)
    confirmed: list[Callable[[], None]] = field(default_factory=list)


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
        self._lock = asyncio.Lock()
        self._ready: frozenset[int] = frozenset()
        self._tasks: set[asyncio.Task[None]] = set()
        self._late = 0
        self.last_progress_s: dict[int, float] = {}

    async def consume(self, stream: Any) -> None:
        """The body of the Faust agent. Returns when the stream ends."""
        fetches = stream.noack()  # acks are ours: Faust's come when the next message is asked for
        async for _ in fetches:
            message = cast(FetchMessage, fetches.current_event.message)
            await self._begin(partial(self._process, message), message)

    @property
    def in_flight(self) -> int:
        """Fetches begun and not yet confirmed."""
        return len(self._tasks)

    async def drain(self, timeout_s: float) -> bool:
        """Begin no more, and wait for those begun; False when some are left after `timeout_s`.

        What is given to us meanwhile finds no partition ready, and is not waited for.
        """
        self._ready = frozenset()
        begun = set(self._tasks)
        _, left = await asyncio.wait(begun, timeout=timeout_s) if begun else (begun, set())
        return not left

    def resume(self, partitions: frozenset[int]) -> None:
        """Begin work on these partitions, and of no others, until the next drain. None is begun before the first."""
        self._ready = partitions

    def abandon(self) -> None:
        """Cancel what is in flight, un-acked."""
        for task in self._tasks:
            task.cancel()

    async def _begin(self, work: Job, named: object) -> "asyncio.Task[None]":
        """Begin `work` as a task that a drain waits for, when there is room for it. What it raises stops the worker."""
        while len(self._tasks) >= self._delivery.settings.max_in_flight_batches:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._guarded(work, named))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Job, named: object) -> None:
        with self._delivery.switch.guard(named):
            await work()

    async def _process(self, message: FetchMessage) -> None:
        FETCHED_NS.set(message.fetched_ns)
        consumer = self._consumer()
        ask_again = partial(consumer.finish, message)
        async with self._lock:
            try:
                # Others move on, or a former fetch of theirs failed: these records are delivered again.
                batches = [batch for batch in message.batches if self._may_begin(batch)]
                sent = await self._step_through(batches, ask_again)
            finally:
                ask_again()
        await asyncio.gather(*(self._acknowledge(consumer, batch, sent[batch.tp]) for batch in batches))
        consumer.ack(message)

    def _may_begin(self, batch: SourceBatch) -> bool:
        return batch.tp.partition in self._ready and self._consumer().is_current(batch)

    async def _step_through(
        self, batches: Sequence[SourceBatch], stepped: Callable[[], None]
    ) -> Mapping[TP, SentOfPartition]:
        """Run the step until nothing is left, topic by topic; what was sent of each partition of each.

        `stepped` is called before what the last step led to is sent: the next fetch may come meanwhile.
        """
        left: defaultdict[str, dict[int, Records]] = defaultdict(dict)
        sent: defaultdict[TP, SentOfPartition] = defaultdict(SentOfPartition)
        for batch in batches:
            left[batch.tp.topic][batch.tp.partition] = batch.records
        while left:
            topic, of_topic = next(iter(left.items()))
            results = await self._step(topic, of_topic)
            left[topic] = _rest(of_topic, results)
            if not left[topic]:
                del left[topic]
            if not left:
                stepped()
            for partition, result in results.items():
                of_partition = sent[TP(topic, partition)]
                of_partition.futures += await self._publish(partition, result)
                of_partition.confirmed.append(result.confirmed)
            await asyncio.sleep(0)  # other work's turn, between two parts of a long fetch
        return sent

    async def _acknowledge(self, consumer: BatchConsumer, batch: SourceBatch, sent: SentOfPartition) -> None:
        await self.confirmed(sent.futures)
        consumer.acknowledge(batch)
        self.last_progress_s[batch.tp.partition] = time.monotonic()
        for confirmed in sent.confirmed:
            confirmed()

    async def exclusive(self, partition: int, work: Job) -> None:
        """Run `work` while nothing else writes rows; a drain waits for it, and none begins in one.

        What it raises stops the worker, as a fetch's error would.
        """

        async def exclusively() -> None:
            async with self._lock:
                if partition in self._ready:
                    await work()

        await asyncio.wait([await self._begin(exclusively, f"work on partition {partition}")])

    async def apply(self, partition: int, step: Callable[[], Awaitable[BatchResult]]) -> bool:
        """Run a step of no record as the only writer, and wait until what it changes is confirmed.

        False where the partition is not ours to write to: nothing was run. Raises what `exclusive` raises.
        """
        is_done = False

        async def applied() -> None:
            nonlocal is_done
            async with self._lock:
                if partition not in self._ready:
                    return
                result = await step()
                sent = await self._publish(partition, result)
            await self.confirmed(sent)
            result.confirmed()
            is_done = True

        await asyncio.wait([await self._begin(applied, f"work on partition {partition}")])
        return is_done

    async def _publish(self, partition: int, result: BatchResult) -> Futures:
        groups = result.journaled.groups if result.journaled is not None else ()
        changes = result.rows or result.checkpoint is not None or groups
        sent: Futures = list(result.awaited)
        if changes:
            sent += await self._table.put_batch(partition, result.rows, result.checkpoint, groups)
        result.stored()
        outputs: defaultdict[tuple[str, int], list[Output]] = defaultdict(list)
        for output in result.outputs:
            outputs[output.topic, output.partition].append(output)
        for (topic, to_partition), records in outputs.items():
            sent += await self._writer.send(topic, to_partition, records)
        return sent

    async def confirmed(self, sent: Collection["asyncio.Future[Any]"]) -> None:
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


def _require(done: Collection["asyncio.Future[Any]"]) -> None:
    for future in done:
        if future.cancelled():
            raise SendFailed("a send was cancelled")
        if (error := future.exception()) is not None:
            raise SendFailed(f"a send failed: {error!r}") from error


def _rest(batches: Batches, results: Mapping[int, BatchResult]) -> dict[int, Records]:
    """What steps with these results have left of the batches."""
    taken = {at: len(batches[at]) if result.records is None else result.records for at, result in results.items()}
    return {at: rest for at, records in batches.items() if (rest := records[taken.get(at, 0) :])}
