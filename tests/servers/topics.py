"""What administrators do to topics, by mistake too. Everything blocks until the broker knows of it."""

from collections.abc import Mapping
from typing import Final

from confluent_kafka import OFFSET_END, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from agents.kafka.topic_settings import CLEANUP, read_settings
from agents.kafka.topics import TopicSpec
from tests.agents.delivery_cluster import until
from tests.agents.topic_reader import end_of, reader

TIMEOUT_S: Final = 60.0


def configure(broker: str, topic: str, config: Mapping[str, str]) -> None:
    """What `kafka-configs.sh --alter --add-config` asks for."""
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in config.items()]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin = _admin(broker)
    admin.incremental_alter_configs([resource])[resource].result(TIMEOUT_S)
    until(lambda: read_settings(admin, [topic], TIMEOUT_S)[topic].items() >= config.items(), f"{topic} is changed")


def delete_before(broker: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Delete each partition's records before its offset, as a retention set by mistake would, and set that right."""
    admin = _admin(broker)
    policy = read_settings(admin, [topic], TIMEOUT_S)[topic][CLEANUP]
    configure(broker, topic, {CLEANUP: "delete"})
    places = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
    until(lambda: _deleted(admin, places), f"records of {topic} may be deleted")
    configure(broker, topic, {CLEANUP: policy})


def empty(broker: str, topic: str, partitions: int) -> None:
    """Delete all records; offsets go on from where they are."""
    delete_before(broker, topic, dict.fromkeys(range(partitions), OFFSET_END))


def delete(broker: str, topic: str) -> None:
    """Delete the topic."""
    admin = _admin(broker)  # without it nobody answers
    admin.delete_topics([topic])[topic].result(TIMEOUT_S)


def make_again(broker: str, spec: TopicSpec) -> None:
    """Make a topic that was deleted."""
    admin = _admin(broker)
    until(lambda: _made(admin, spec), f"{spec.name} is made again")


def recreate(broker: str, spec: TopicSpec) -> None:
    """Delete the topic, and make one of the same name.

    A broker under load hears of both a while after they were done: what is sent meanwhile goes to the one that is gone.
    """
    delete(broker, spec.name)
    make_again(broker, spec)
    until(lambda: _is_empty(broker, spec), f"{spec.name} is the new one for the broker too")


def _deleted(admin: AdminClient, places: list[TopicPartition]) -> bool:
    try:
        for answer in admin.delete_records(places, request_timeout=TIMEOUT_S).values():
            answer.result(TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.POLICY_VIOLATION:  # the partition's leader has not heard of it yet
            raise
        return False
    return True


def _made(admin: AdminClient, spec: TopicSpec) -> bool:
    made = admin.create_topics([NewTopic(spec.name, spec.partitions, spec.replication, config=dict(spec.config))])
    try:
        made[spec.name].result(TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # it is still being deleted
            raise
        return False
    return True


def _is_empty(broker: str, spec: TopicSpec) -> bool:
    try:
        with reader(broker, "none") as consumer:
            return not any(end_of(consumer, TopicPartition(spec.name, place)) for place in range(spec.partitions))
    except KafkaException:  # it has not heard of the partition yet
        return False


def _admin(broker: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker, "log_level": 0})
