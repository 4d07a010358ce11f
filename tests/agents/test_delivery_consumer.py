"""The consumer's own rules, on a consumer whose thread is a fake: positions, stale batches, rejected commits."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaConnectionError, TopicAuthorizationFailedError
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from agents.delivery.errors import CommitRejected
from agents.delivery.faust.app import DeliveryApp, create_app
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.consumer_thread import BatchConsumerThread
from agents.delivery.faust.message import FetchMessage, LogMessage, SourceBatch
from agents.delivery.settings import DeliverySettings
from agents.delivery.step import Batches, BatchResult
from agents.kafka.errors import BrokerUnavailable

EVENTS = TP("events", 0)
LOG = TP("app-students-changelog", 0)


class FakeThread:
    """Stands for the thread with aiokafka in it: hands out fetches, takes commits and seeks."""

    def __init__(self) -> None:
        self.fetches: list[dict[TP, list[ConsumerRecord]]] = []
        self.fetched_from: list[set[TP]] = []
        self.commits: list[Mapping[TP, int]] = []
        self.commit_error: Exception | None = None
        self.committed: dict[TP, int | None] = {EVENTS: None}
        self.thread_loop = asyncio.new_event_loop()
        self.asked = asyncio.Event()
        self.may_commit = asyncio.Event()
        self.may_commit.set()

    def assignment(self) -> set[TP]:
        return {EVENTS, LOG}

    async def call_thread(self, function: Any, *args: Any) -> Any:
        return await function(*args)

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        self.thread_loop.call_soon_threadsafe(dict)  # as mode's does, to reach its thread
        return dict.fromkeys(partitions, 7)

    async def getmany(self, active: set[TP], timeout: float) -> dict[TP, list[ConsumerRecord]]:
        self.fetched_from.append(active)
        return self.fetches.pop(0) if self.fetches else {}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self.fetches.clear()

    async def seek_sources(self, sources: Sequence[TP]) -> dict[TP, int | None]:
        return {tp: self.committed[tp] for tp in sources}

    async def commit_offsets(self, offsets: Mapping[TP, int]) -> None:
        self.asked.set()
        await self.may_commit.wait()
        if self.commit_error is not None:
            raise self.commit_error
        self.commits.append(dict(offsets))


def records(tp: TP, *offsets: int) -> list[ConsumerRecord]:
    return [
        ConsumerRecord(tp.topic, tp.partition, offset, 1_000, 0, b"key", b"value", None, 3, 5, []) for offset in offsets
    ]


@pytest.fixture
async def app() -> AsyncIterator[DeliveryApp]:
    app = create_app(
        DeliverySettings(app_id="app", broker="127.0.0.1:1", sources=("events",), partitions=1, max_batch_records=2_000)
    )
    consumer = cast(BatchConsumer, app.consumer)
    thread_loop = consumer._thread.thread_loop  # mode makes one in the thread's constructor
    consumer._thread = cast(BatchConsumerThread, FakeThread())
    consumer._set_active_tps({EVENTS, LOG})
    yield app
    thread_loop.close()
    cast(FakeThread, consumer._thread).thread_loop.close()


def parts(app: DeliveryApp) -> tuple[BatchConsumer, FakeThread]:
    consumer = cast(BatchConsumer, app.consumer)
    return consumer, cast(FakeThread, consumer._thread)


async def messages(consumer: BatchConsumer) -> list[FetchMessage | LogMessage]:
    return [cast(FetchMessage | LogMessage, message) async for _tp, message in consumer.getmany(1.0)]


async def delivered(consumer: BatchConsumer) -> list[SourceBatch]:
    """The batches of one fetch of the sources, which the agent is done with at once."""
    fetches = [message for message in await messages(consumer) if isinstance(message, FetchMessage)]
    for fetch in fetches:
        consumer.finish(fetch)
    return [batch for fetch in fetches for batch in fetch.batches]


async def read_of_logs(consumer: BatchConsumer) -> list[LogMessage]:
    return [message for message in await messages(consumer) if isinstance(message, LogMessage)]


def offsets(batch: SourceBatch) -> list[int]:
    return [record.offset for record in batch.records]


async def test_a_fetch_is_one_message_whose_ack_covers_the_gaps(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, 3, 4, 9)}, {EVENTS: records(EVENTS, 12)}]
    [first] = await delivered(consumer)
    [second] = await delivered(consumer)
    assert offsets(first) == [3, 4, 9]

    consumer.acknowledge(second)
    assert not await consumer.commit()
    consumer.acknowledge(first)
    assert await consumer.commit()
    assert thread.commits == [{EVENTS: 13}]


async def test_the_sources_are_asked_again_when_work_on_all_that_they_gave_is_done(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, *range(3_000)), LOG: records(LOG, 0)}]
    _log, first, second = await messages(consumer)
    await messages(consumer)
    consumer.finish(cast(FetchMessage, first))
    await messages(consumer)
    consumer.finish(cast(FetchMessage, second))
    await messages(consumer)
    assert thread.fetched_from == [{EVENTS, LOG}, {LOG}, {LOG}, {EVENTS, LOG}]


async def test_nothing_is_fetched_while_the_agent_is_at_work(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    consumer._set_active_tps({EVENTS})
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, 0)}]
    [first] = await messages(consumer)

    waiting = asyncio.create_task(delivered(consumer))
    await asyncio.sleep(0)
    consumer.finish(cast(FetchMessage, first))
    assert await waiting == []
    assert thread.fetched_from == [{EVENTS}]
    await delivered(consumer)
    assert thread.fetched_from == [{EVENTS}, {EVENTS}]


async def test_what_is_acknowledged_while_a_commit_is_in_flight_is_committed_by_the_drain(app: DeliveryApp) -> None:
    app.attach(_no_step)
    consumer, thread = parts(app)
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, 0, 1)}, {EVENTS: records(EVENTS, 2)}]
    [first], [second] = await delivered(consumer), await delivered(consumer)
    consumer.acknowledge(first)
    thread.may_commit.clear()
    in_flight = asyncio.create_task(consumer.commit())
    await thread.asked.wait()

    consumer.acknowledge(second)
    drain = asyncio.create_task(app._consumer_wait_empty(consumer, consumer.log))
    await asyncio.sleep(0)
    thread.may_commit.set()
    await asyncio.gather(in_flight, drain)

    assert thread.commits == [{EVENTS: 2}, {EVENTS: 3}]


async def _no_step(_topic: str, batches: Batches) -> Mapping[int, BatchResult]:
    return dict.fromkeys(batches, BatchResult({}, []))


async def test_a_large_fetch_comes_in_even_parts_that_are_acknowledged_by_themselves(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, *range(4_500)), LOG: records(LOG, *range(4_500))}]
    log, *fetches = await messages(consumer)
    [first], [second], [third] = (cast(FetchMessage, fetch).batches for fetch in fetches)
    assert [len(each.records) for each in (first, second, third, cast(LogMessage, log))] == [1_500] * 3 + [4_500]
    consumer.acknowledge(first)
    consumer.acknowledge(third)
    assert consumer.uncommitted() == {EVENTS: 1_500}


async def test_source_records_wait_for_the_seek_that_ends_recovery_and_changelogs_dont(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    both = {EVENTS: records(EVENTS, 0), LOG: records(LOG, 0)}
    thread.fetches = [both, both]
    assert [message.topic for message in await messages(consumer)] == [LOG.topic]
    await consumer.perform_seek()
    assert [message.topic for message in await messages(consumer)] == [LOG.topic, EVENTS.topic]


async def test_what_was_fetched_before_a_seek_is_dropped_and_its_ack_is_void(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, 0, 1)}, {LOG: records(LOG, 0), EVENTS: records(EVENTS, 2, 3)}]
    [stale] = await delivered(consumer)
    in_hand = consumer.getmany(1.0)
    assert (await anext(in_hand))[0] == LOG

    await consumer.perform_seek()
    assert [tp async for tp, _ in in_hand] == []
    assert not consumer.is_current(stale)
    thread.fetches = [{EVENTS: records(EVENTS, 0, 1)}]
    [fresh] = await delivered(consumer)
    assert consumer.is_current(fresh)
    consumer.acknowledge(stale)
    assert consumer.uncommitted() == {}
    consumer.acknowledge(fresh)
    assert consumer.uncommitted() == {EVENTS: 2}


async def test_what_was_read_of_a_changelog_before_it_was_sought_is_never_applied(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    await app.table.on_rebalance({LOG}, set(), {LOG})
    thread.fetches = [{LOG: records(LOG, 8, 9)}]
    [stale] = await read_of_logs(consumer)

    await consumer.seek_wait({LOG: 0})
    thread.fetches = [{LOG: records(LOG, 0, 1, 2)}]
    [fresh] = await read_of_logs(consumer)
    for message in (stale, fresh):
        await app.table.on_changelog_event(cast(Any, SimpleNamespace(message=message)))

    assert app.table.positions.reached(0) == 2


async def test_records_below_the_position_are_not_delivered_again(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    thread.committed[EVENTS] = 5
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, 3, 4, 5, 6)}, {EVENTS: records(EVENTS, 5, 6)}]
    [batch] = await delivered(consumer)
    assert offsets(batch) == [5, 6]
    assert await delivered(consumer) == []


async def test_a_commit_refused_in_a_rebalance_is_recorded_nowhere_and_offered_again(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, 0, 1)}]
    [batch] = await delivered(consumer)
    consumer.acknowledge(batch)

    thread.commit_error = CommitFailedError("the group has already rebalanced")
    assert not await consumer.commit()
    assert (consumer.committed_offsets(), app.failure) == ({EVENTS: None}, None)
    thread.commit_error = None
    assert await consumer.commit()
    assert (consumer.committed_offsets(), thread.commits) == ({EVENTS: 2}, [{EVENTS: 2}])


@pytest.mark.parametrize("silence", [KafkaConnectionError("reset"), TimeoutError()])
async def test_a_commit_that_is_not_answered_is_offered_again_when_the_broker_is_back(
    app: DeliveryApp, silence: Exception
) -> None:
    consumer, thread = parts(app)
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, 0, 1)}]
    [batch] = await delivered(consumer)
    consumer.acknowledge(batch)

    thread.commit_error = silence
    for _ in range(20):
        assert not await consumer.commit()
    assert (consumer.committed_offsets(), app.failure) == ({EVENTS: None}, None)
    assert (app.broker_outage or "").startswith("commit: ")

    thread.commit_error = None
    assert await consumer.commit()
    assert (thread.commits, app.broker_outage) == ([{EVENTS: 2}], None)


async def test_any_other_rejected_commit_stops_the_worker_and_nothing_is_committed_after(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    await consumer.perform_seek()
    thread.fetches = [{EVENTS: records(EVENTS, 0, 1)}, {EVENTS: records(EVENTS, 2)}]
    [batch] = await delivered(consumer)
    consumer.acknowledge(batch)
    thread.commit_error = TopicAuthorizationFailedError("events")
    assert not await consumer.commit()
    assert isinstance(app.failure, CommitRejected)

    thread.commit_error = None
    assert not await consumer.commit()
    assert await delivered(consumer) == []
    assert thread.commits == []


async def test_a_seek_goes_to_the_beginning_where_nothing_is_committed() -> None:
    class FakeKafka:
        def __init__(self) -> None:
            self.sought: dict[TopicPartition, int | str] = {}

        async def committed(self, partition: TopicPartition) -> int | None:
            return {0: None, 1: 0, 2: 7}[partition.partition]

        def seek(self, partition: TopicPartition, offset: int) -> None:
            self.sought[partition] = offset

        async def seek_to_beginning(self, partition: TopicPartition) -> None:
            self.sought[partition] = "beginning"

    kafka = FakeKafka()

    class Thread:
        _patience_s = 30.0

        def _ensure_consumer(self) -> FakeKafka:
            return kafka

    sources = [TP("events", partition) for partition in range(3)]
    committed = await BatchConsumerThread.seek_sources(cast(BatchConsumerThread, Thread()), sources)
    assert list(committed.values()) == [None, 0, 7]
    assert list(kafka.sought.values()) == ["beginning", 0, 7]


async def test_a_worker_that_stops_leaves_the_ends_of_its_changelog_untold_and_nothing_fails(app: DeliveryApp) -> None:
    consumer, thread = parts(app)
    assert await consumer.changelog_ends([0]) == {0: 7}
    thread.thread_loop.close()
    with pytest.raises(BrokerUnavailable):
        await consumer.changelog_ends([0])
