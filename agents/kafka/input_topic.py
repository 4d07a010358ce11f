"""The input topic as the broker has it: its id, its offsets, what the group has committed, single records.

Blocks; call it from a thread.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from agents.kafka.clients import SMALL_FETCHES, open_admin, open_reader
from agents.kafka.mock import is_mock
from agents.kafka.offsets import Offsets, end_offsets, offsets_of
from agents.kafka.reader import TopicReader
from agents.kafka.renewed import Answer, Renewed
from streams.input.checkpoint import Found, InputCheckpoint, Seen, value_checksum

_NO_IDS: Final = frozenset({"", "AAAAAAAAAAAAAAAAAAAAAA"})  # what brokers say that keep none
_TRY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Description:
    """A topic's id, empty where the broker keeps none, and its partition count."""

    topic_id: str
    partitions: int


class InputTopic:
    """Reads `topic` for `group`, of which it is never a member. Raises BrokerUnavailable after `timeout_s`."""

    def __init__(self, broker: str, group: str, topic: str, timeout_s: float = 30.0) -> None:
        self.topic = topic
        self._clients: Renewed[tuple[AdminClient, Consumer]] = Renewed(
            lambda: (open_admin(broker), open_reader(broker, group))
        )
        self._broker = broker
        self._group = group
        self._keeps_ids: bool | None = None
        self._timeout_s = timeout_s
        self._try_s = min(timeout_s, _TRY_S)

    def describe(self) -> Description:
        """What the topic is now. On the embedded broker, which does not know the question, it has no id."""
        return self._ask(lambda clients: self._describe(clients[0]), "its id")

    def find(
        self, checkpoints: Mapping[int, InputCheckpoint], rows: Mapping[int, int]
    ) -> tuple[Description, dict[int, Found]]:
        """What is found of the partitions that have a number of `rows`, to be compared with their `checkpoints`."""
        known, extents = self.describe(), self.extents(rows)
        retained = {
            partition: checkpoint.offset
            for partition, checkpoint in checkpoints.items()
            if checkpoint.checksum is not None
            and extents[partition].start <= checkpoint.offset < _high(extents[partition])
        }
        seen = self.seen(retained) if retained else {}
        return known, {
            partition: Found(
                topic_id=known.topic_id,
                partitions=known.partitions,
                start=extent.start,
                end=_high(extent),
                committed=extent.committed,
                rows=rows[partition],
                seen=seen.get(partition),
            )
            for partition, extent in extents.items()
        }

    def extents(self, partitions: Collection[int]) -> dict[int, Offsets]:
        """Offsets of all `partitions`. One that is committed beyond its high watermark means what it says."""
        parts = [(self.topic, partition) for partition in partitions]

        def ask(clients: tuple[AdminClient, Consumer]) -> dict[int, Offsets]:
            answered_for = offsets_of(*clients, parts, self._try_s)
            if len(answered_for) < len(parts) or any(each.high is None for each in answered_for.values()):
                raise KafkaException(KafkaError(KafkaError._PARTIAL, "only some of its partitions are told"))
            return {partition: offsets for (_, partition), offsets in answered_for.items()}

        return self._ask(ask, "its offsets")

    def ends(self, partitions: int) -> tuple[int, ...]:
        """Where all its partitions end as of now, with what waits for an open transaction."""
        parts = [(self.topic, partition) for partition in range(partitions)]

        def ask(clients: tuple[AdminClient, Consumer]) -> tuple[int, ...]:
            ends = end_offsets(clients[0], parts, self._try_s)
            if len(ends) < len(parts):
                raise KafkaException(KafkaError(KafkaError._PARTIAL, "only some of its partitions are told"))
            return tuple(ends[part] for part in parts)

        return self._ask(ask, "its ends")

    def seen(self, offsets: Mapping[int, int]) -> dict[int, Seen]:
        """The records at `offsets`, by partition, below its end; one that is not retained is missing."""
        with TopicReader(self._broker, self.topic, self._group, self._timeout_s, SMALL_FETCHES) as reader:
            return {
                partition: Seen(message.timestamp()[1], value_checksum(message.value()))
                for partition, message in reader.at(offsets).items()
            }

    def _describe(self, admin: AdminClient) -> Description:
        if self._keeps_ids is None:
            self._keeps_ids = not is_mock(admin.list_topics(timeout=self._try_s))
        if not self._keeps_ids:
            cluster = admin.list_topics(self.topic, timeout=self._try_s)
            return Description("", len(cluster.topics[self.topic].partitions))
        # Asked for by name, a deleted topic would come into being again on a broker that makes topics by itself.
        asked = admin.describe_topics(TopicCollection([self.topic]), request_timeout=self._try_s)
        described = asked[self.topic].result(self._try_s)
        topic_id = str(described.topic_id or "")
        return Description("" if topic_id in _NO_IDS else topic_id, len(described.partitions))

    def _ask(self, question: Callable[[tuple[AdminClient, Consumer]], Answer], what: str) -> Answer:
        return self._clients.ask(question, f"the broker does not tell of {self.topic} {what}", self._timeout_s)


def _high(offsets: Offsets) -> int:
    """What waits for an open transaction is on the topic too."""
    return offsets.end if offsets.high is None else offsets.high
