"""The thread that holds aiokafka's consumer: what the main thread calls there.

Private parts that are replaced, and why:

* `AIOKafkaConsumerThread._create_worker_consumer`: aiokafka's `_isolation_level`, which Faust offers no setting for.
* `AIOKafkaConsumerThread._fetch_records`: a batch that was damaged on its way is fetched again.
* `_coordinator.check_errors` is called, which Faust never does; `fencing` listens to what the group answers, `fetching`
  bounds fetches, `jumps` tells of resets.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.delivery.aiokafka.fencing import listen_to_group
from agents.delivery.aiokafka.fetching import plan_fetches, size_fetches
from agents.delivery.aiokafka.jumps import report_jumps
from agents.delivery.aiokafka.leaving import leave
from agents.delivery.aiokafka.rotation import follow_access
from agents.delivery.context import DeliveryContext
from agents.delivery.errors import SessionLost
from agents.kafka.errors import DamagedBatch
from agents.kafka.unpacking import slim_records

_STOP_S: Final = 5.0
_FETCHES: Final = 3
"""Of a damaged batch: the network may have done it once, not thrice."""
_FETCH_AGAIN_S: Final = 0.5


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that holds aiokafka's consumer."""

    def __init__(self, *args: Any, delivery: DeliveryContext, collect_ms: Callable[[], int], **options: Any) -> None:
        super().__init__(*args, **options)
        self._collect_ms = collect_ms
        self._delivery = delivery
        self._damaged: Counter[str] = Counter()

    async def _fetch_records(self, *args: Any, **options: Any) -> Any:
        try:
            return await super()._fetch_records(*args, **options)
        except DamagedBatch as error:
            self._damaged[str(error)] += 1
            if self._damaged[str(error)] >= _FETCHES:
                raise
            self.log.warning("Fetching again: %s", error)
            await asyncio.sleep(_FETCH_AGAIN_S)
            return {}

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # A platform that produces in transactions may abort them; its events then never happened.
        consumer._isolation_level = "read_committed"
        follow_access(self._delivery.settings.broker, consumer._client)
        slim_records(self._delivery.settings.batch_max_unpacked_bytes)
        size_fetches()
        return consumer

    async def on_start(self) -> None:
        """Start aiokafka's consumer; it joins its group after that, when it's told what to read."""
        await super().on_start()
        delivery, consumer = self._delivery, self._ensure_consumer()
        plan_fetches(consumer._fetcher, self._collect_ms)
        report_jumps(consumer._fetcher, delivery.ownership.jumped)
        listen_to_group(consumer._coordinator, delivery.fence, delivery.outage, self._session_lost)

    def _session_lost(self, lost: SessionLost) -> None:
        self._delivery.switch.halt(lost, "the membership in the group")

    async def on_thread_stop(self) -> None:
        """Leave the group, then stop aiokafka's consumer. Bounded, and raises nothing: else the worker waits a minute.

        A fetch or a commit on its way can hold aiokafka's stop up, or end it by a CancelledError, of which mode is not
        told: it waits for the thread.
        """
        if self._consumer is not None:
            await leave(self._consumer)
        stopping = asyncio.create_task(super().on_thread_stop())
        await asyncio.wait([stopping], timeout=_STOP_S)
        if not stopping.done() or stopping.cancelled() or stopping.exception():
            self.log.warning("aiokafka's consumer did not stop in good order: %r", stopping)

    async def seek_sources(self, sources: Sequence[TP]) -> dict[TP, int | None]:
        """Put each partition at its committed offset, or its beginning; what was committed. In this thread.

        Raises TimeoutError; aiokafka would ask for ever, and keep this thread from all else.
        """
        consumer = self._ensure_consumer()
        committed: dict[TP, int | None] = {}
        for tp in sources:
            partition = TopicPartition(tp.topic, tp.partition)
            offset = await asyncio.wait_for(consumer.committed(partition), self._patience_s)
            committed[tp] = offset if offset is not None and offset >= 0 else None
            if committed[tp] is None:
                await consumer.seek_to_beginning(partition)
            else:
                consumer.seek(partition, offset)
        return committed

    def pause(self, partitions: Collection[TP], *, paused: bool) -> None:
        """Fetch nothing of these partitions, or go on with them, as far as they are assigned. In this thread.

        Faust keeps a list of what it pauses, and has it fetched all the same.
        """
        if (consumer := self._consumer) is None:
            return
        assigned = consumer.assignment().intersection(partitions)
        (consumer.pause if paused else consumer.resume)(*assigned)

    async def check_group(self) -> None:
        """Raise the error that keeps this member out of its group, if there is one; aiokafka then tries again."""
        self._ensure_consumer()._coordinator.check_errors()

    async def commit_offsets(self, offsets: Mapping[TP, int]) -> None:
        """Commit, in this thread; raises aiokafka's errors, which Faust's own method swallows, and TimeoutError."""
        committing = self._ensure_consumer().commit(
            {TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(at, "") for tp, at in offsets.items()}
        )
        await asyncio.wait_for(committing, self._patience_s)

    @property
    def _patience_s(self) -> float:
        return self._delivery.settings.commit_timeout_s
