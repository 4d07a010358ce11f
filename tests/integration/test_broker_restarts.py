"""What is kept open to a broker knows it again when it comes back: leader epochs, positions and offsets are renewed."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Producer

from agents.health import BrokerPing
from agents.health.lag import BrokerOffsets, LagMonitor
from agents.kafka.input_topic import InputTopic
from agents.kafka.offsets import Offsets
from agents.kafka.reader import TopicReader
from agents.kafka.topics import TopicSpec, ensure_topics
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Sent, deployed
from tests.servers.kafka import RealKafka

TOPIC, GROUP = "restarts", "readers"
RECORDS = 150_000
"""More than a client fetches ahead (queued.min.messages, 100,000): none has seen the end before the broker stops."""
KNOWN_AGAIN_S = 60.0
"""Generous, for a busy machine; on an idle one it takes less than 6 s."""


def produce(broker: str, records: int) -> None:
    producer = Producer({"bootstrap.servers": broker, "queue.buffering.max.messages": 0})
    for number in range(records):
        producer.produce(TOPIC, b"%d" % number, partition=0)
    assert producer.flush(60) == 0


def restart(kafka: RealKafka) -> None:
    kafka.kill()
    kafka.restart()


async def eventually(ask: Callable[[], bool], measure: LagMonitor) -> None:
    deadline_s = time.monotonic() + KNOWN_AGAIN_S
    while not ask():
        assert time.monotonic() < deadline_s, measure.current().problem
        await asyncio.sleep(0.2)
        await measure.measure()


async def test_the_lag_is_known_again_after_every_restart_of_the_broker(own_kafka: RealKafka) -> None:
    ensure_topics(own_kafka.bootstrap, [TopicSpec(TOPIC, PARTITIONS)])
    produce(own_kafka.bootstrap, 7)
    monitor = LagMonitor(BrokerOffsets(own_kafka.bootstrap, GROUP, [TOPIC], PARTITIONS))
    ping, topic = BrokerPing(own_kafka.bootstrap, TOPIC), InputTopic(own_kafka.bootstrap, GROUP, TOPIC)
    wanted = {(TOPIC, 0): 7, (TOPIC, 1): 0, (TOPIC, 2): 0, (TOPIC, 3): 0}
    await eventually(lambda: monitor.current().records == wanted, monitor)
    topic.extents([0])
    await ping()
    for _ in range(2):
        await asyncio.to_thread(restart, own_kafka)
        await eventually(lambda: monitor.current().records == wanted, monitor)
        assert topic.extents([0]) == {0: Offsets(0, 7, None)}
        await ping()


def test_a_reader_reads_on_over_a_restart_each_record_once(own_kafka: RealKafka) -> None:
    ensure_topics(own_kafka.bootstrap, [TopicSpec(TOPIC, PARTITIONS)])
    produce(own_kafka.bootstrap, RECORDS)
    read: list[int | None] = []
    with TopicReader(own_kafka.bootstrap, TOPIC, "reader", 120.0) as reader:
        assert reader.span(0)[0] == 0
        for records in reader.batches({0: (0, None)}):
            if not read:
                restart(own_kafka)
                produce(own_kafka.bootstrap, RECORDS)
            read += [record.offset() for record in records]
        assert reader.span(0)[0] == 0

    assert read == list(range(2 * RECORDS))


def test_a_worker_tells_its_lag_again_after_a_restart_of_the_broker(own_kafka: RealKafka, tmp_path: Path) -> None:
    with deployed(own_kafka.bootstrap, tmp_path) as deployment:
        worker = deployment.start()
        worker.await_ready()

        def lag() -> set[float]:
            return {value for name, value in worker.metrics().items() if name.startswith("consumer_lag_records")}

        until(lambda: lag() == {0.0}, "the lag is known", KNOWN_AGAIN_S)
        own_kafka.restart()
        deployment.send(Sent(record.key, record.value) for record in simulate(5, 100, seed=3))
        until(lambda: deployment.lag() == 0, "the worker works on", KNOWN_AGAIN_S)
        until(lambda: worker.get("/health").json["problems"].keys() <= {"redis"}, "all is well again", KNOWN_AGAIN_S)
        until(lambda: lag() == {0.0}, "the lag is known again", KNOWN_AGAIN_S)
        assert worker.terminate() == 0
