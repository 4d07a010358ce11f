"""Record batches: what fits together, what never fits, in what order."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.aiokafka.batches import allow_larger_batches
from agents.delivery.errors import RecordTooLarge
from agents.delivery.writer import OutRecord, RecordBatchWriter
from agents.kafka.embedded import EmbeddedBroker
from tests.agents.delivery_cluster import read_topic


class CountedBatch:
    """A batch that holds at most `room` records."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.values: list[bytes | None] = []

    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
    ) -> object | None:
        if len(self.values) >= self.room:
            return None
        self.values.append(value)
        return value or b""


class CountingProducer:
    """Keeps the batches it is given; confirms nothing."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.sent: list[list[bytes | None]] = []

    def create_batch(self, _size_bytes: int = 0) -> CountedBatch:
        return CountedBatch(self.room)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        self.sent.append(batch.values)
        return asyncio.get_running_loop().create_future()


@settings(deadline=None)  # the machine may be busy
@given(st.integers(0, 30), st.integers(1, 7))
def test_all_records_go_in_order_in_as_few_batches_as_they_fit(count: int, room: int) -> None:
    producer = CountingProducer(room)
    writer = RecordBatchWriter(lambda: producer, max_send_bytes=1_000)
    values = [b"%d" % number for number in range(count)]

    sent = asyncio.run(writer.send_counted("topic", 0, [OutRecord(b"k", value) for value in values]))

    assert [value for batch in producer.sent for value in batch] == values
    assert [batch.records for batch in sent] == [len(batch) for batch in producer.sent]
    assert len(producer.sent) == -(-count // room)


async def test_a_record_over_the_limit_is_a_named_error_and_isnt_sent() -> None:
    producer = CountingProducer(10)
    writer = RecordBatchWriter(lambda: producer, max_send_bytes=1_000)
    with pytest.raises(RecordTooLarge, match="1528 bytes for topic exceeds the limit of 1000"):
        await writer.send("topic", 0, [OutRecord(b"k" * 400, b"v" * 1_000)])
    assert producer.sent == []


async def test_a_group_that_is_no_one_batch_is_a_named_error_and_none_is_sent() -> None:
    producer = CountingProducer(10)
    writer = RecordBatchWriter(lambda: producer, max_send_bytes=1_000)
    small = [OutRecord(b"k", b"v")]
    with pytest.raises(RecordTooLarge, match="6 records for topic that belong together have 1374 bytes"):
        await writer.send_groups("topic", 0, [small, [OutRecord(b"k", b"v" * 100)] * 6])
    with pytest.raises(RecordTooLarge, match="don't fit into one batch"):
        await RecordBatchWriter(lambda: CountingProducer(1), 1_000).send_groups("topic", 0, [small * 2])
    assert producer.sent == []


async def test_a_batch_that_takes_nothing_is_a_named_error_not_a_loop() -> None:
    writer = RecordBatchWriter(lambda: CountingProducer(0), max_send_bytes=1_000)
    with pytest.raises(RecordTooLarge, match="empty batch"):
        await writer.send("topic", 0, [OutRecord(b"k", b"v")])


@pytest.mark.parametrize("compression", ["zstd", None])
async def test_a_group_is_one_record_batch_even_where_it_is_larger_than_the_producers(compression: str | None) -> None:
    with EmbeddedBroker() as broker:
        producer = AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap,
            enable_idempotence=True,
            max_batch_size=1_000,
            compression_type=compression,
        )
        allow_larger_batches(producer)
        await producer.start()
        try:
            groups = [[OutRecord(b"%d" % group, b"x" * 999)] * records for group, records in enumerate((300, 1, 2))]
            sent = await RecordBatchWriter(lambda: producer, 1_000_000).send_groups("groups", 1, groups)
            first = [(await asyncio.wait_for(each.confirmed, 60)).offset for each in sent]
        finally:
            await producer.stop()
        records = await asyncio.to_thread(read_topic, broker.bootstrap, "groups")
    assert [each.records for each in sent] == [300, 1, 2]
    assert first == [0, 300, 301]
    assert [record.key() for record in records] == [b"0"] * 300 + [b"1"] + [b"2"] * 2


async def test_ten_megabytes_headers_times_and_null_values_arrive_as_sent() -> None:
    with EmbeddedBroker() as broker:
        producer = AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap, enable_idempotence=True, max_batch_size=64 * 1024
        )
        await producer.start()
        try:
            writer = RecordBatchWriter(lambda: producer, max_send_bytes=11 * 1024 * 1024)
            huge = OutRecord(b"huge", b"x" * 10 * 1024 * 1024, (("why", b"big"),), 1_700_000_000_000)
            for future in await writer.send("big", 2, [OutRecord(b"a", b"1"), huge, OutRecord(b"b", None)]):
                await asyncio.wait_for(future, 60)
            for future in await writer.send("small", 1, [OutRecord(b"a", b"1"), OutRecord(b"b", None)]):
                await asyncio.wait_for(future, 60)
        finally:
            await producer.stop()
        # The embedded broker keeps 5 MB a partition, so of the large ones it shows only that they were accepted.
        small = await asyncio.to_thread(read_topic, broker.bootstrap, "small")
    assert [(record.key(), record.value(), record.partition()) for record in small] == [
        (b"a", b"1", 1),
        (b"b", None, 1),
    ]
