"""Creates the topics that are missing, and refuses those that are not as they must be.

On a real Kafka, topics are created with explicit settings. librdkafka's mock cluster has no CreateTopics:
there a topic comes into being when it's first asked for, with four partitions.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.cimpl import NewTopic

from agents.kafka.clients import FirstAdmin, open_first_admin
from agents.kafka.deadline import Deadline
from agents.kafka.embedded import PARTITIONS as MOCK_PARTITIONS
from agents.kafka.errors import BrokerUnavailable, is_unanswered, message_of
from agents.kafka.mock import is_mock
from agents.kafka.resolving import unresolved, warn_of_unresolved
from agents.kafka.topic_settings import CLEANUP, DELETE, compacts_otherwise, loses_records, read_settings, set_command
from schemas.errors import Fatal

_POLL_S = 0.1
_log = logging.getLogger(__name__)


class TopicMismatch(Fatal):
    """A topic isn't as it must be, and can't be made so."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it must be; `config` holds Kafka's own names. Of one that is there, the cleanup policy is checked.

    One that `keeps_no_longer` is as it must be only with just that retention: what is in it is to go. Where keys do not
    come twice (`has_unique_keys`), a topic that is not compacted loses nothing.
    """

    name: str
    partitions: int
    replication: int = 1
    config: Mapping[str, str] = field(default_factory=dict)
    keeps_no_longer: bool = False
    has_unique_keys: bool = False


def require_broker(broker: str, timeout_s: float) -> None:
    """Return when the broker answers. Raises BrokerUnavailable after `timeout_s`. Blocks."""
    warn_of_unresolved(broker, timeout_s)
    describe_cluster(_admin(broker), broker, timeout_s)


def ensure_topics(broker: str, wanted: Sequence[TopicSpec], timeout_s: float = 15.0) -> None:
    """Make the missing of `wanted`, and check the partition counts and cleanup policies of all.

    Idempotent; several workers may do it at once. Blocks, for about `timeout_s` at most. Raises TopicMismatch for a
    topic that can't be made, has another number of partitions or loses records, BrokerUnavailable when nobody answers.
    """
    warn_of_unresolved(broker, timeout_s)
    deadline = Deadline(timeout_s)
    admin = _admin(broker)
    cluster = describe_cluster(admin, broker, timeout_s)
    missing = [spec for spec in wanted if spec.name not in cluster.topics]
    if is_mock(cluster):
        for spec in missing:
            describe_cluster(admin, broker, _left_s(deadline), spec.name)
    else:
        there = [spec for spec in wanted if spec.name in cluster.topics]
        seen = _check_policies(admin, broker, there, _left_s(deadline))
        _warn(broker, there, seen)
        _create(admin, missing, _left_s(deadline))
    for spec in wanted:
        _check(admin, broker, spec, deadline)


def try_topics(broker: str, wanted: Sequence[TopicSpec], timeout_s: float = 15.0) -> list[TopicSpec]:
    """What `ensure_topics` would make; it raises what that would raise. Makes nothing: the broker only validates."""
    admin = _admin(broker)
    cluster = describe_cluster(admin, broker, timeout_s)
    missing = [spec for spec in wanted if spec.name not in cluster.topics]
    if not is_mock(cluster):
        _check_policies(admin, broker, [spec for spec in wanted if spec.name in cluster.topics], timeout_s)
        _create(admin, missing, timeout_s, validate_only=True)
    for spec in wanted:
        known = MOCK_PARTITIONS if is_mock(cluster) else spec.partitions
        if spec not in missing:
            known = len(cluster.topics[spec.name].partitions)
        if (error := partition_mismatch(spec, known)) is not None:
            raise error
    return missing


def describe_cluster(admin: AdminClient, broker: str, timeout_s: float, topic: str | None = None) -> ClusterMetadata:
    """The brokers, and all topics or `topic`, which a mock cluster then makes. Blocks. Raises BrokerUnavailable."""
    try:
        return admin.list_topics(topic, timeout=timeout_s) if topic else admin.list_topics(timeout=timeout_s)
    except KafkaException as error:
        raise BrokerUnavailable(_unanswered(admin, broker, timeout_s, message_of(error))) from error


def _unanswered(admin: AdminClient, broker: str, timeout_s: float, why: str) -> str:
    waited = f"at {broker} (waited {timeout_s:.0f} s)"
    if unknown := "; ".join(unresolved(broker)):
        why = unknown
    elif isinstance(admin, FirstAdmin):
        if refusal := admin.refusal():
            return f"no Kafka broker can be used {waited}: {refusal}"
        why = admin.last_error() or why
    return f"no Kafka broker answers {waited}: {why}. Is it running, and is the address right?"


def partition_mismatch(spec: TopicSpec, known: int) -> TopicMismatch | None:
    """Why a topic of `known` partitions will not do."""
    if known == spec.partitions:
        return None
    return TopicMismatch(
        f"topic {spec.name} has {known} partitions, {spec.partitions} are needed. Topics that share a "
        f"key must share a partition count: recreate it with {spec.partitions}, or recreate all others with "
        f"{known}, set SKILLSTREAM_PARTITIONS={known} and run `skillstream rebuild`."
    )


def _create(admin: AdminClient, missing: Sequence[TopicSpec], timeout_s: float, *, validate_only: bool = False) -> None:
    if not missing:
        return
    topics = [NewTopic(spec.name, spec.partitions, spec.replication, config=dict(spec.config)) for spec in missing]
    for name, created in admin.create_topics(topics, request_timeout=timeout_s, validate_only=validate_only).items():
        try:
            created.result(timeout_s + 1)
        except KafkaException as error:
            if is_unanswered(error.args[0]):
                raise BrokerUnavailable(f"topic {name} wasn't created: {message_of(error)}") from error
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":  # another worker was faster
                raise TopicMismatch(
                    f"topic {name} can't be created: {message_of(error)}. Create it, or allow this client to."
                ) from error
        except TimeoutError as error:
            raise BrokerUnavailable(f"topic {name} wasn't created within {timeout_s:.0f} s") from error


def _check_policies(
    admin: AdminClient, broker: str, there: Sequence[TopicSpec], timeout_s: float
) -> dict[str, dict[str, str]]:
    """The settings of the topics that are `there`, as far as they may be seen. Raises TopicMismatch."""
    stated = {spec.name: spec.config[CLEANUP] for spec in there if CLEANUP in spec.config}
    unique = {spec.name for spec in there if spec.has_unique_keys}
    seen = read_settings(admin, list(stated), timeout_s)
    for name, settings in seen.items():
        may_be_deleted = name in unique and settings.get(CLEANUP) == DELETE
        if CLEANUP in settings and loses_records(settings[CLEANUP], stated[name]) and not may_be_deleted:
            raise TopicMismatch(
                f"topic {name} has {CLEANUP}={settings[CLEANUP]} and would lose records, {stated[name]} is needed: "
                + set_command(broker, name, [(CLEANUP, stated[name])])
            )
    return seen


def _warn(broker: str, there: Sequence[TopicSpec], seen: Mapping[str, Mapping[str, str]]) -> None:
    """Say what is not checked, and what is compacted too early or too late: a worker starts all the same."""
    for spec in there:
        settings = seen.get(spec.name, {})
        if CLEANUP in spec.config and CLEANUP not in settings:
            _log.warning("The settings of topic %s may not be seen: its %s is not checked", spec.name, CLEANUP)
        if otherwise := list(compacts_otherwise(settings, spec.config)):
            _log.warning(
                "Topic %s is compacted otherwise than it should be (%s): restoring may take longer, and what "
                "was erased stay on disk. To set it right: %s",
                spec.name,
                ", ".join(f"{name} is {found}, not {wanted}" for name, found, wanted in otherwise),
                set_command(broker, spec.name, [(name, wanted) for name, _, wanted in otherwise]),
            )


def _check(admin: AdminClient, broker: str, spec: TopicSpec, deadline: Deadline) -> None:
    while not (known := _partitions(describe_cluster(admin, broker, _left_s(deadline), spec.name), spec.name)):
        if deadline.is_over:
            raise TopicMismatch(f"topic {spec.name} doesn't exist and can't be created")
        deadline.pause(_POLL_S)  # a new one takes a moment until every broker knows it
    if (error := partition_mismatch(spec, known)) is not None:
        raise error


def _partitions(cluster: ClusterMetadata, name: str) -> int:
    topic = cluster.topics.get(name)
    return 0 if topic is None or topic.error is not None else len(topic.partitions)


def _admin(broker: str) -> FirstAdmin:
    return open_first_admin(broker, {"socket.timeout.ms": 10_000})


def _left_s(deadline: Deadline) -> float:
    return max(1.0, deadline.left_s)
