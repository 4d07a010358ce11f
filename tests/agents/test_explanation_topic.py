"""The last explanation of each student on the topic: the newest, none after an erasure, only of what is owned."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from agents.kafka.topics import TopicSpec, ensure_topics
from agents.metrics import Metrics
from agents.queries.explanations import ExplanationTopic


class Topic:
    """A topic of its own on the embedded broker, and who reads it for the partitions that are `owned`."""

    def __init__(self, broker: str) -> None:
        self.name = f"t{uuid4().hex[:8]}"
        self.owned = {0, 1, 2, 3}
        self.metrics = Metrics()
        ensure_topics(broker, [TopicSpec(self.name, 4)])
        self._producer = Producer({"bootstrap.servers": broker})
        self.log = ExplanationTopic(broker, self.name, lambda: frozenset(self.owned), self.metrics, timeout_s=60.0)

    def write(self, partition: int, **values: str | None) -> None:
        for key, value in values.items():
            self._producer.produce(self.name, None if value is None else value.encode(), key.encode(), partition)
        self._producer.flush()

    def find(self, partition: int, key: str) -> bytes | None:
        self.log.read_on([partition])
        return self.log.find(partition, key.encode())


@pytest.fixture
def topic(broker: str) -> Iterator[Topic]:
    made = Topic(broker)
    yield made
    made.log.close()


def test_the_newest_is_found_and_none_of_who_was_erased(topic: Topic) -> None:
    topic.write(0, ada="1", eve="2")
    topic.write(1, ada="of another partition")
    assert topic.find(0, "ada") == b"1"
    topic.write(0, ada="3", eve=None)

    assert topic.find(0, "ada") == b"3"
    assert topic.find(0, "eve") is None
    assert topic.find(0, "nobody") is None
    assert topic.find(2, "ada") is None


def test_what_moves_on_is_let_go_of_and_read_again_when_it_is_back(topic: Topic) -> None:
    topic.write(0, ada="1")
    topic.write(1, eve="2")
    assert topic.find(0, "ada") == b"1"
    assert topic.find(1, "eve") == b"2"
    topic.owned = {1}
    topic.find(1, "eve")
    assert topic.log.find(0, b"ada") is None
    assert topic.metrics.explanations_indexed.value == 1
    topic.owned = {0, 1}

    assert topic.find(0, "ada") == b"1"
