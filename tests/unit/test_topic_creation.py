"""A topic that is not made: whose fault it is decides what the worker does."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from agents.kafka import topics
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.topics import TopicMismatch, TopicSpec, ensure_topics


@dataclass(slots=True)
class Cluster:
    """A cluster without topics."""

    cluster_id: str = "a-real-one"
    topics: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class AdminOfNoTopic:
    """Knows no topic, and makes none."""

    refusal: int

    def list_topics(self, topic: str | None = None, timeout: float = 0) -> Cluster:
        return Cluster()

    def describe_configs(self, resources: Sequence[object], request_timeout: float) -> dict[object, object]:
        return {}

    def create_topics(
        self, wanted: Sequence[NewTopic], request_timeout: float, validate_only: bool
    ) -> dict[str, Future[None]]:
        refused: Future[None] = Future()
        refused.set_exception(KafkaException(KafkaError(self.refusal)))
        return {topic.topic: refused for topic in wanted}


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ("_TRANSPORT", BrokerUnavailable),
        ("_TIMED_OUT", BrokerUnavailable),
        ("REQUEST_TIMED_OUT", BrokerUnavailable),
        ("NOT_CONTROLLER", BrokerUnavailable),
        ("TOPIC_AUTHORIZATION_FAILED", TopicMismatch),
        ("INVALID_REPLICATION_FACTOR", TopicMismatch),
    ],
)
def test_a_broker_that_goes_while_it_makes_a_topic_is_unavailable_and_no_mismatch(
    refusal: str, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "open_first_admin", lambda *_: AdminOfNoTopic(getattr(KafkaError, refusal)))

    with pytest.raises(expected, match="topic events"):
        ensure_topics("127.0.0.1:9", [TopicSpec("events", 4)], timeout_s=1)
