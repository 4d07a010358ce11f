"""Sends whole record batches, each to one named partition.

A future and a task for every record is what makes Faust's own sends slow; here a batch of rows or outputs
costs one future.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from agents.delivery.errors import RecordTooLarge
from agents.delivery.outage import may_pass
from agents.delivery.step import Output

_OFFER_AGAIN_S = 0.05
_BATCH_OVERHEAD_BYTES = 128
"""More than a record batch's header and its first record's own lengths."""


class OutRecord(NamedTuple):
    """One record to send; a null value deletes the key from a compacted topic. `timestamp_ms` None is now."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp_ms: int | None = None


Sendable = OutRecord | Output


class BatchBuilder(Protocol):
    """A record batch being filled: aiokafka's BatchBuilder."""

    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
    ) -> object | None: ...


class BatchProducer(Protocol):
    """What sends record batches: aiokafka's producer, or a test's."""

    def create_batch(self, size_bytes: int = 0, /) -> BatchBuilder:
        """Make one with room for `size_bytes`, or for as many as the producer's batches have, if that is more."""
        ...

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[RecordMetadata]: ...


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch handed over: the future of its first offset, and how many records it holds."""

    confirmed: asyncio.Future[RecordMetadata]
    records: int


class RecordBatchWriter:
    """Writes to Kafka in record batches.

    `producer` is asked at every send, since Faust makes it at its start. Its batches take no record of more than
    `max_send_bytes` behind another.
    """

    def __init__(self, producer: Callable[[], BatchProducer], max_send_bytes: int) -> None:
        self._producer = producer
        self._max_send_bytes = max_send_bytes

    async def send(
        self, topic: str, partition: int, records: Iterable[Sendable]
    ) -> list[asyncio.Future[RecordMetadata]]:
        """Hand `records` over in order, in as few batches as they fit; one future a batch, none for none.

        Waits while the partition's former batch is still queued: as long as an outage lasts. The futures resolve
        when the broker has confirmed, which may be never: bound the wait. Raises RecordTooLarge before anything of an
        oversized record is sent (records before it may have been), and KafkaError when a batch cannot be queued.
        """
        return [sent.confirmed for sent in await self.send_counted(topic, partition, records)]

    async def send_counted(self, topic: str, partition: int, records: Iterable[Sendable]) -> list[SentBatch]:
        """As `send`, with the number of records in each batch."""
        producer = self._producer()
        sent: list[SentBatch] = []
        batch = producer.create_batch()
        count = 0
        for record in records:
            if count and not _append(batch, record):
                sent.append(await _sent(producer, batch, topic, partition, count))
                batch, count = producer.create_batch(), 0
            if not count:
                self._append_first(batch, topic, record)
            count += 1
        if count:
            sent.append(await _sent(producer, batch, topic, partition, count))
        return sent

    async def send_groups(self, topic: str, partition: int, groups: Sequence[Sequence[OutRecord]]) -> list[SentBatch]:
        """Hand `groups` over in order, each as one record batch: the log has all of a group or nothing.

        Raises RecordTooLarge before anything is sent where one is too large to be sent in one; else as `send`.
        """
        producer = self._producer()
        sizes = [self._size_of_group(topic, group) for group in groups]
        sent: list[SentBatch] = []
        for group, size_bytes in zip(groups, sizes, strict=True):
            batch = producer.create_batch(size_bytes)
            if not all(_append(batch, record) for record in group):
                raise RecordTooLarge(f"{len(group)} records for {topic} don't fit into one batch of {size_bytes} bytes")
            sent.append(await _sent(producer, batch, topic, partition, len(group)))
        return sent

    def _size_of_group(self, topic: str, group: Sequence[OutRecord]) -> int:
        if (size_bytes := sum(map(_size_bytes, group))) > self._max_send_bytes:
            raise RecordTooLarge(
                f"{len(group)} records for {topic} that belong together have {size_bytes} bytes, more than the limit "
                f"of {self._max_send_bytes}"
            )
        return size_bytes

    def _append_first(self, batch: BatchBuilder, topic: str, record: Sendable) -> None:
        # aiokafka takes a batch's first record whatever its size, and the broker would refuse it later.
        if (size_bytes := _size_bytes(record)) > self._max_send_bytes:
            raise RecordTooLarge(
                f"a record of {size_bytes} bytes for {topic} exceeds the limit of {self._max_send_bytes}"
            )
        if not _append(batch, record):
            raise RecordTooLarge(f"a record for {topic} doesn't fit into an empty batch")


async def _sent(producer: BatchProducer, batch: BatchBuilder, topic: str, partition: int, count: int) -> SentBatch:
    while True:
        try:
            confirmed = await producer.send_batch(batch, topic, partition=partition)
        except KafkaError as error:  # it was not queued: behind a former batch, or without knowing the topic's leaders
            if not may_pass(error):
                raise
            await asyncio.sleep(_OFFER_AGAIN_S)
        else:
            confirmed.add_done_callback(_look)
            return SentBatch(confirmed, count)


def _look(confirmed: "asyncio.Future[RecordMetadata]") -> None:
    # Whoever waits gets the failure; where a halt has cancelled them all, asyncio need not complain of each.
    if not confirmed.cancelled():
        confirmed.exception()


def _append(batch: BatchBuilder, record: Sendable) -> bool:
    return (
        batch.append(timestamp=record.timestamp_ms, key=record.key, value=record.value, headers=list(record.headers))
        is not None
    )


def _size_bytes(record: Sendable) -> int:
    size_bytes = len(record.key or b"") + len(record.value or b"") + _BATCH_OVERHEAD_BYTES
    if record.headers:
        size_bytes += sum(len(name.encode()) + len(value or b"") + 10 for name, value in record.headers)
    return size_bytes
