"""Lag tells the truth or nothing: what a broker holds beyond what the group has committed."""

import os
import uuid
from collections.abc import Collection, Iterator, Mapping

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from agents.health.lag import BrokerOffsets, LagMonitor
from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from agents.kafka.topics import TopicSpec, ensure_topics
from agents.metrics import Metrics

TOPIC, GROUP = "student-activity", "skillstream"


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        ensure_topics(running.bootstrap, [TopicSpec(TOPIC, PARTITIONS)])
        yield running


def produce(bootstrap: str, counts: Mapping[int, int], topic: str = TOPIC) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for partition, count in counts.items():
        for _ in range(count):
            producer.produce(topic, b"{}", partition=partition)
    assert producer.flush(60) == 0


def commit(bootstrap: str, offsets: Mapping[int, int], topic: str = TOPIC, group: str = GROUP) -> None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    places = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


def monitor_of(
    bootstrap: str, topics: Collection[str] = (TOPIC,), group: str = GROUP, timeout_s: float = 60.0
) -> LagMonitor:
    return LagMonitor(BrokerOffsets(bootstrap, group, topics, PARTITIONS, timeout_s))


def lags(monitor: LagMonitor, topic: str = TOPIC) -> dict[int, int]:
    return {partition: lag for (name, partition), lag in monitor.current().records.items() if name == topic}


async def test_all_that_was_produced_is_behind_until_it_is_committed(broker: EmbeddedBroker) -> None:
    monitor = monitor_of(broker.bootstrap)
    produce(broker.bootstrap, {0: 7, 1: 2, 3: 1})
    await monitor.measure()
    assert lags(monitor) == {0: 7, 1: 2, 2: 0, 3: 1}

    commit(broker.bootstrap, {0: 5, 1: 2})
    await monitor.measure()
    assert lags(monitor) == {0: 2, 1: 0, 2: 0, 3: 1}

    commit(broker.bootstrap, {0: 7, 3: 1})
    await monitor.measure()
    assert lags(monitor) == {0: 0, 1: 0, 2: 0, 3: 0}

    produce(broker.bootstrap, {2: 4})
    await monitor.measure()
    assert lags(monitor) == {0: 0, 1: 0, 2: 4, 3: 0}


async def test_another_group_s_commits_change_nothing(broker: EmbeddedBroker) -> None:
    monitor = monitor_of(broker.bootstrap)
    produce(broker.bootstrap, {0: 3})
    commit(broker.bootstrap, {0: 3}, group="somebody-else")
    await monitor.measure()

    assert lags(monitor)[0] == 3


async def test_records_that_stay_unread_stay_behind_however_often_they_are_looked_into(broker: EmbeddedBroker) -> None:
    monitor = monitor_of(broker.bootstrap)
    produce(broker.bootstrap, {0: 3, 1: 1})
    commit(broker.bootstrap, {0: 1})
    for _ in range(3):
        await monitor.measure()

    assert lags(monitor) == {0: 2, 1: 1, 2: 0, 3: 0}


async def test_a_broker_that_becomes_unavailable_leaves_the_lag_unknown_not_zero_and_not_frozen() -> None:
    metrics = Metrics()
    with EmbeddedBroker() as broker:
        ensure_topics(broker.bootstrap, [TopicSpec(TOPIC, PARTITIONS)])
        monitor = monitor_of(broker.bootstrap, timeout_s=8.0)
        metrics.before_render(lambda: monitor.publish(metrics))
        assert b"consumer_lag_records{" not in metrics.render()[0]
        produce(broker.bootstrap, {0: 3})
        await monitor.measure()
        assert b'consumer_lag_records{partition="0",topic="student-activity"} 3.0' in metrics.render()[0]
    await monitor.measure()

    assert monitor.current().records == {}
    assert monitor.current().problem
    assert monitor.current().age_s is not None
    assert b"consumer_lag_records{" not in metrics.render()[0]


async def test_a_topic_that_is_missing_is_unknown_beside_those_that_are_there(broker: EmbeddedBroker) -> None:
    reader = BrokerOffsets(broker.bootstrap, GROUP, [TOPIC], PARTITIONS + 1, timeout_s=60.0)
    monitor = LagMonitor(reader)
    await monitor.measure()

    assert lags(monitor) == dict.fromkeys(range(PARTITIONS), 0)


@pytest.mark.kafka
@pytest.mark.skipif("SKILLSTREAM_TEST_BROKER" not in os.environ, reason="needs SKILLSTREAM_TEST_BROKER")
async def test_on_a_real_kafka_the_marks_of_transactions_are_no_lag_and_open_ones_wait() -> None:
    bootstrap = os.environ["SKILLSTREAM_TEST_BROKER"]
    topic, group = f"lag-{uuid.uuid4()}", f"group-{uuid.uuid4()}"
    ensure_topics(bootstrap, [TopicSpec(topic, PARTITIONS)])
    monitor = monitor_of(bootstrap, [topic], group)
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic})
    producer.init_transactions(30)

    producer.begin_transaction()
    producer.produce(topic, b"{}", partition=0)
    producer.commit_transaction(30)
    producer.begin_transaction()
    producer.produce(topic, b"{}", partition=1)
    producer.flush(30)
    producer.abort_transaction(30)
    commit(bootstrap, {0: 1}, topic, group)
    await monitor.measure()
    await monitor.measure()
    assert lags(monitor, topic) == {0: 0, 1: 0, 2: 0, 3: 0}

    producer.begin_transaction()
    producer.produce(topic, b"{}", partition=2)
    producer.flush(30)
    await monitor.measure()
    assert lags(monitor, topic)[2] == 0
    held = monitor.current().held
    assert {part: each.records for part, each in held.items()} == {(topic, 2): 1}
    producer.commit_transaction(30)
    for _ in range(3):
        await monitor.measure()
    assert lags(monitor, topic) == {0: 0, 1: 0, 2: 2, 3: 0}
    assert monitor.current().held == {}
