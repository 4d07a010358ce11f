"""The table's log, as its administrator sees it and the cleaner treats it."""

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType

from tests.agents.topic_reader import PARTITIONS, read_topic
from tests.servers.topics import TIMEOUT_S, configure

_BROKER_ID = "1"


def ends(broker: str, topic: str) -> dict[int, int]:
    """By partition, the offset after the last."""
    latest: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})  # without it nobody answers
    asked = admin.list_offsets(dict.fromkeys(places, latest))
    return {place.partition: found.result(TIMEOUT_S).offset for place, found in asked.items()}


def missing(broker: str, topic: str) -> int:
    """Offsets that hold no record any more."""
    return sum(ends(broker, topic).values()) - len(read_topic(broker, topic))


def compact_at_once(broker: str, topic: str) -> None:
    """Let the cleaner have everything but the newest second."""
    eager = ConfigEntry("log.cleaner.backoff.ms", "300", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.BROKER, _BROKER_ID, incremental_configs=[eager])
    admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})
    admin.incremental_alter_configs([resource])[resource].result(TIMEOUT_S)
    configure(broker, topic, {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01", "min.compaction.lag.ms": "0"})
