"""The table's log and the input topic, as an administrator can damage them."""

import time
from collections.abc import Iterable
from typing import Final

from confluent_kafka import OFFSET_END, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, read_topic

_TIMEOUT_S: Final = 20.0
_BROKER_ID: Final = "1"
_END: Final = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class Log:
    """A topic, as its administrator sees it. Everything blocks until it is done."""

    def __init__(self, broker: str, topic: str) -> None:
        self._broker = broker
        self._topic = topic
        self._admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})
        self._places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]

    def empty(self) -> None:
        """Delete all records; offsets go on from where they are."""
        self._delete([TopicPartition(place.topic, place.partition, OFFSET_END) for place in self._places])

    def cut_head(self, share: float) -> None:
        """Delete the oldest `share` of the records."""
        ends = self._offsets(_END)
        self._delete([TopicPartition(self._topic, p, int(end * share)) for p, end in ends.items()])

    def recreate(self, partitions: int = PARTITIONS) -> None:
        """Delete the topic, and create one of the same name."""
        self._admin.delete_topics([self._topic])[self._topic].result(_TIMEOUT_S)
        until(lambda: self._topic not in self._admin.list_topics(timeout=5).topics, "the topic is gone", _TIMEOUT_S)
        deadline_s = time.monotonic() + _TIMEOUT_S
        while True:  # the name is free a moment after the metadata say so
            try:
                self._admin.create_topics([NewTopic(self._topic, partitions, 1)])[self._topic].result(_TIMEOUT_S)
            except Exception:
                if time.monotonic() > deadline_s:
                    raise
            else:
                return

    def compact_at_once(self) -> None:
        """Let the cleaner have everything but the newest second."""
        self._set(ConfigResource(ResourceType.BROKER, _BROKER_ID), {"log.cleaner.backoff.ms": "300"})
        eager = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01", "min.compaction.lag.ms": "0"}
        self._set(ConfigResource(ResourceType.TOPIC, self._topic), eager)

    @property
    def missing(self) -> int:
        """Offsets that hold no record any more."""
        ends: Iterable[int] = self._offsets(_END).values()
        return sum(ends) - len(read_topic(self._broker, self._topic))

    def _delete(self, up_to: list[TopicPartition]) -> None:
        self._set(ConfigResource(ResourceType.TOPIC, self._topic), {"cleanup.policy": "compact,delete"})
        for deleted in self._admin.delete_records(up_to, request_timeout=_TIMEOUT_S).values():
            deleted.result(_TIMEOUT_S)

    def _offsets(self, spec: OffsetSpec) -> dict[int, int]:
        asked = self._admin.list_offsets(dict.fromkeys(self._places, spec))
        return {place.partition: found.result(_TIMEOUT_S).offset for place, found in asked.items()}

    def _set(self, resource: ConfigResource, values: dict[str, str]) -> None:
        for name, value in values.items():
            entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            resource.add_incremental_config(entry)
        self._admin.incremental_alter_configs([resource])[resource].result(_TIMEOUT_S)
