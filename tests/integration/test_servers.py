"""The harness itself: what the other integration tests take for granted of their servers."""

import hashlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.servers import kafka as kafka_module
from tests.servers import redis as redis_module
from tests.servers.child import Child, ServerFailed
from tests.servers.kafka import RealKafka
from tests.servers.ports import free_ports
from tests.servers.redis import RealRedis

_DEADLINE_S = 60.0
_TEN_MB = 10_000_000


def _create_topic(bootstrap: str) -> str:
    topic = f"harness-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(_DEADLINE_S)
    return topic


def _produce(bootstrap: str, topic: str, value: bytes) -> None:
    refused: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 16_000_000, "acks": "all"})
    producer.produce(topic, value, on_delivery=lambda error, _: refused.append(error) if error else None)
    assert producer.flush(_DEADLINE_S) == 0
    assert refused == []


def _values(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    deadline = time.monotonic() + _DEADLINE_S
    values: list[bytes] = []
    try:
        while len(values) < count:
            assert time.monotonic() < deadline, f"only {len(values)} of {count} records came"
            values.extend(value for value in _polled(consumer.poll(1.0)))
    finally:
        consumer.close()
    return values


def _polled(message: Message | None) -> Iterator[bytes]:
    if message is not None and message.error() is None:
        value = message.value()
        assert value is not None
        yield value


def test_a_record_of_10_mb_comes_back_whole(kafka: str) -> None:
    value = os.urandom(_TEN_MB)
    topic = _create_topic(kafka)
    _produce(kafka, topic, value)

    (got,) = _values(kafka, topic, 1)

    assert hashlib.sha256(got).digest() == hashlib.sha256(value).digest()


def test_kafka_does_not_create_a_topic_that_nobody_declared(kafka: str) -> None:
    topic = f"harness-{uuid4().hex[:8]}"
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": kafka, "message.timeout.ms": 3_000})
    producer.produce(topic, b"lost", on_delivery=lambda error, _: failures.append(error))
    producer.flush(_DEADLINE_S)

    assert [error is not None for error in failures] == [True]
    assert topic not in AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=_DEADLINE_S).topics


def test_kafka_keeps_its_records_over_a_restart_and_over_a_kill(own_kafka: RealKafka) -> None:
    address = own_kafka.bootstrap
    topic = _create_topic(address)
    _produce(address, topic, b"before the restart")

    own_kafka.restart()
    _produce(address, topic, b"before the kill")
    own_kafka.kill()
    assert not own_kafka.alive
    with pytest.raises(KafkaException):
        AdminClient({"bootstrap.servers": address}).list_topics(timeout=1)
    own_kafka.restart()

    assert own_kafka.bootstrap == address
    assert _values(address, topic, 2) == [b"before the restart", b"before the kill"]


@pytest.mark.kafka
def test_a_port_that_is_taken_meanwhile_is_given_up_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        choices = iter([[taken, *free_ports(1)], free_ports(2)])
        monkeypatch.setattr(kafka_module, "free_ports", lambda count: next(choices))

        with RealKafka() as broker:
            assert broker.alive
            assert broker.bootstrap != f"127.0.0.1:{taken}"


@pytest.mark.kafka
def test_leaving_takes_the_broker_and_its_data_away() -> None:
    with RealKafka() as broker:
        folder = broker.folder
        assert folder.is_dir()

    assert not broker.alive
    assert not folder.exists()


def test_redis_comes_back_empty_on_the_same_port(own_redis: RealRedis) -> None:
    url = own_redis.url
    with Redis.from_url(url) as client:
        client.set("tokens", 50)
        own_redis.kill()
        with pytest.raises(RedisConnectionError):
            client.get("tokens")
        own_redis.restart()

        assert own_redis.url == url
        assert client.get("tokens") is None


def test_redis_runs_scripts_and_has_a_clock(redis: str) -> None:
    with Redis.from_url(redis) as client:
        seconds, microseconds = client.eval("return redis.call('TIME')", 0)

    assert abs(int(seconds) + int(microseconds) / 1e6 - time.time()) < 60


@pytest.mark.redis
def test_a_redis_without_a_free_port_fails_with_the_end_of_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        monkeypatch.setattr(redis_module, "free_ports", lambda count: [taken])

        with pytest.raises(ServerFailed, match="Address already in use"), RealRedis():
            pytest.fail("a server answered on a port that it does not hold")


@pytest.mark.redis
def test_a_server_that_never_answers_is_ended_when_its_time_is_up(tmp_path: Path) -> None:
    sleeper = Child("sleep", tmp_path / "log")
    sleeper.start(["sleep", "600"])

    with pytest.raises(ServerFailed, match="did not answer within 0 s"):
        sleeper.await_answer(lambda: False, timeout_s=0.2)

    assert not sleeper.alive
    with pytest.raises(ProcessLookupError):
        os.kill(sleeper.pid, signal.SIG_DFL)
