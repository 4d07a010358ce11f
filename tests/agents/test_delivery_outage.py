"""A broker that does not answer is waited for, un-acked, with a bound; what cannot pass ends the worker at once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    GroupAuthorizationFailedError,
    InvalidRequestError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NotLeaderForPartitionError,
    RebalanceInProgressError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from agents.delivery.errors import BrokerWaitExceeded, DrainTimedOut, GroupLost, SendFailed
from agents.delivery.faust.agent import TableAgent
from agents.delivery.faust.app import DeliveryApp, create_app
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.run import EXIT_FATAL, EXIT_UNREACHABLE, failure_code
from agents.delivery.faust.transport import IdempotentProducer
from agents.delivery.membership import Membership
from agents.delivery.outage import BrokerRequest, Outage, may_pass
from agents.delivery.settings import DeliverySettings
from agents.delivery.step import Batches, BatchResult
from agents.delivery.writer import OutRecord, RecordBatchWriter
from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from agents.kafka.topics import TopicSpec, ensure_topics
from tests.agents.delivery_cluster import CHANGELOG, SOURCE, Cluster, until
from tests.agents.delivery_worker import OUTPUT_TOPIC

SETTINGS = DeliverySettings(
    app_id="app", broker="127.0.0.1:1", sources=("events",), partitions=1, delivery_timeout_s=0.01
)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def app() -> AsyncIterator[DeliveryApp]:
    async def step(_topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        return dict.fromkeys(batches, BatchResult({}, []))

    app = create_app(SETTINGS)
    app.attach(step)
    thread_loop = cast(BatchConsumer, app.consumer).thread_loop
    yield app
    thread_loop.close()


def test_an_outage_lasts_from_the_first_trouble_to_the_end_of_the_last_one_and_is_told_twice(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage("kafka:9092", 600.0, clock)
    outage.begin("group", KafkaConnectionError("reset by peer"))
    clock.now_s += 5
    for _ in range(100):
        outage.begin("commit", TimeoutError())
    outage.back("group")
    clock.now_s += 3
    assert (outage.age_s, outage.reason) == (8.0, "commit: TimeoutError")

    outage.back("commit")
    outage.back("commit")
    assert (outage.age_s, outage.reason) == (0.0, None)
    assert len(caplog.records) == 2
    assert "away, at kafka:9092" in caplog.messages[0]
    assert "back, at kafka:9092, after 8.0 s" in caplog.messages[1]


def test_an_outage_of_a_broker_that_lets_nobody_in_says_why_once_and_until_it_ends(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    outage = Outage("kafka:9092", 600.0, clock)
    outage.explain("before it began")
    outage.begin("group", TimeoutError())
    for _ in range(3):
        outage.explain("the log-in is refused")

    assert outage.reason == "the log-in is refused; group: TimeoutError"
    assert caplog.messages[1:] == ["The broker cannot be used, at kafka:9092: the log-in is refused"]
    outage.back("group")
    outage.begin("commit", TimeoutError())
    assert outage.reason == "commit: TimeoutError"


def test_an_outage_counts_from_the_oldest_question_that_was_not_answered_and_not_from_noticing_it(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage("kafka:9092", 600.0, clock)
    outage.begin("commit", TimeoutError(), 10.0)
    clock.now_s += 5
    outage.begin("send", "1 batches are not confirmed after 30 s", 30.0)
    outage.begin("commit", TimeoutError(), 1.0)
    assert outage.age_s == 30.0
    clock.now_s += 2
    outage.back("send")
    outage.back("commit")

    assert "back, at kafka:9092, after 32.0 s" in caplog.messages[1]


def test_an_outage_ends_the_worker_with_3_after_the_wait_and_not_before(clock: Clock) -> None:
    outage = Outage("kafka:9092", 600.0, clock)
    outage.begin("send", "2 batches are not confirmed")
    clock.now_s += 599
    outage.check()
    clock.now_s += 1
    with pytest.raises(BrokerWaitExceeded, match=r"away for 600 s.*SKILLSTREAM_BROKER_WAIT_S") as ended:
        outage.check()
    assert failure_code(ended.value) == EXIT_UNREACHABLE
    assert failure_code(KafkaConnectionError("nobody at the start")) == EXIT_UNREACHABLE
    assert failure_code(SendFailed("refused")) == EXIT_FATAL


@pytest.mark.long
def test_a_broker_that_becomes_unavailable_while_the_table_is_restored_is_waited_for_with_the_same_bound(
    tmp_path: Path,
) -> None:
    with EmbeddedBroker() as broker:
        ensure_topics(broker.bootstrap, [TopicSpec(name, PARTITIONS) for name in (SOURCE, CHANGELOG, OUTPUT_TOPIC)])
        kafka = Cluster(broker.bootstrap, tmp_path)
        kafka.produce(4_000, topic=CHANGELOG)
        worker = kafka.start(restore_delay_s=1.0, broker_wait_s=2.0)
        until(lambda: worker.status.get("held", 0) > 0 and not worker.status["recovered"], "it restores its table")
    try:
        assert worker.exit_code() == EXIT_UNREACHABLE
    finally:
        worker.process.kill()
        worker.process.wait()
    assert "The broker is away" in kafka.log()
    assert "was away for" in kafka.log()


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (KafkaConnectionError("reset"), True),
        (NotLeaderForPartitionError(), True),
        (CoordinatorLoadInProgressError(), True),
        (KafkaTimeoutError(), True),
        (TimeoutError(), True),
        (TopicAuthorizationFailedError("events"), False),
        (KafkaError("unexpected"), False),
        (ValueError("ours"), False),
    ],
)
def test_what_waiting_may_help_is_told_from_what_it_cannot(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes


def test_a_group_that_is_unavailable_is_waited_for_and_one_that_refuses_is_not(clock: Clock) -> None:
    ended: list[BaseException] = []
    outage = Outage("kafka:9092", 600.0, clock)
    membership = Membership(10.0, ended.append, outage)
    for _ in range(50):
        membership.fail(KafkaConnectionError("reset"))
        membership.reject_commit(4, KafkaConnectionError("reset"))
    assert (ended, outage.reason is not None) == ([], True)

    membership.fail(GroupAuthorizationFailedError("group"))
    assert isinstance(ended[0], GroupLost)


def test_a_group_that_rebalances_while_it_is_joined_ends_nobody_and_a_join_refused_three_times_does() -> None:
    ended: list[BaseException] = []
    membership = Membership(10.0, ended.append, Outage("kafka:9092", 600.0))
    for refusal in (RebalanceInProgressError, InvalidRequestError) * 5:
        membership.fail(KafkaError(repr(refusal())))
    assert ended == []

    for _ in range(3):
        membership.fail(KafkaError("FencedInstanceIdError()"))
    assert isinstance(ended[0], GroupLost)


async def test_sends_that_are_not_confirmed_are_waited_for_and_the_outage_ends_with_the_last(
    app: DeliveryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, noted = asyncio.Event(), list[str]()

    def away(part: BrokerRequest, why: object, unanswered_s: float = 0.0) -> None:
        Outage.begin(app.outage, part, why, unanswered_s)
        noted.append(part)
        if len(noted) == 2:
            both.set()

    monkeypatch.setattr(app.outage, "begin", away)
    agent = cast(TableAgent, app.delivery_agent)
    sends: list[asyncio.Future[Any]] = [asyncio.get_running_loop().create_future() for _ in range(2)]
    waiting = [asyncio.create_task(agent.confirmed([send])) for send in sends]
    await asyncio.wait_for(both.wait(), 30)
    sends[0].set_result(None)
    await waiting[0]
    assert (app.broker_outage or "").startswith("send: ")

    sends[1].set_result(None)
    await waiting[1]
    assert (app.broker_outage, app.failure) == (None, None)


async def test_a_send_that_fails_for_good_is_not_waited_for(app: DeliveryApp) -> None:
    failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    failed.set_exception(TopicAuthorizationFailedError("updates"))
    with pytest.raises(SendFailed):
        await cast(TableAgent, app.delivery_agent).confirmed([failed, asyncio.get_running_loop().create_future()])


async def test_a_batch_whose_leader_is_unknown_waits_as_one_that_was_sent_does(app: DeliveryApp) -> None:
    producer = cast(IdempotentProducer, app.producer)._new_producer()
    waiting = producer._message_accumulator._append_batch(producer.create_batch(), TopicPartition("events", 0))
    waiting._ctime -= 1e6
    assert not waiting.expired()
    waiting.future.cancel()
    await producer.stop()


@pytest.mark.parametrize("refusal", [KafkaTimeoutError(), UnknownTopicOrPartitionError()])
async def test_a_batch_that_could_not_be_queued_in_time_is_offered_again_and_queued_once(refusal: KafkaError) -> None:
    class Full:
        def __init__(self) -> None:
            self.refusals, self.queued = 3, 0

        def create_batch(self, _size_bytes: int = 0) -> Any:
            return SimpleNamespace(append=lambda **_: object())

        async def send_batch(self, _batch: Any, _topic: str, *, partition: int) -> asyncio.Future[Any]:
            if self.refusals:
                self.refusals -= 1
                raise refusal
            self.queued += 1
            return asyncio.get_running_loop().create_future()

    full = Full()
    sent = await RecordBatchWriter(lambda: full, 1_000).send("updates", 0, [OutRecord(b"key", b"value")])
    assert (len(sent), full.queued) == (1, 1)


@pytest.mark.parametrize(("is_unavailable", "ends"), [(True, BrokerWaitExceeded), (False, DrainTimedOut)])
async def test_a_drain_that_the_broker_held_up_says_so(
    app: DeliveryApp, monkeypatch: pytest.MonkeyPatch, is_unavailable: bool, ends: type
) -> None:
    async def never(_timeout_s: float) -> bool:
        return False

    monkeypatch.setattr(app.delivery_agent, "drain", never)
    if is_unavailable:
        app.outage.begin("send", "1 batches are not confirmed")
    await app._consumer_wait_empty(app.consumer, None)
    assert isinstance(app.failure, ends)
