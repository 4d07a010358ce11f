"""The input topic as the broker has it: its id, its offsets, what the group has committed, single records.

Blocks; call it from a thread. Never asks for committed offsets by the admin client (see agents.health.lag.broker).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from agents.kafka.connection import ClientConfig, client_config
from agents.kafka.renewed import Renewed
from agents.kafka.topics import is_mock
from schemas.errors import Retryable
from streams.input.checkpoint import Found, Mark, Seen, checksum

_START: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_END: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_NO_IDS: Final = frozenset({"", "AAAAAAAAAAAAAAAAAAAAAA"})  # what brokers say that keep none
_POLL_S: Final = 0.1
_TRY_S: Final = 5.0
_FETCH_BYTES: Final = 64 * 1024

Answer = TypeVar("Answer")


class InputUnknown(Retryable):
    """The broker does not tell what must be known of the input topic."""


@dataclass(frozen=True, slots=True)
class Description:
    """A topic's id, empty where the broker keeps none, and its partition count."""

    topic_id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Extent:
    """The first offset retained, the next to be written, and what the group has committed."""

    start: int
    end: int
    committed: int | None


class InputTopic:
    """Reads `topic` for `group`, of which it is never a member. Every method raises InputUnknown after `timeout_s`."""

    def __init__(self, broker: str, group: str, topic: str, timeout_s: float = 30.0) -> None:
        self.topic = topic
        self._client: ClientConfig = {
            **client_config(broker),
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.message.max.bytes": _FETCH_BYTES,
            "queued.min.messages": 1,
        }
        self._admin = Renewed(lambda: AdminClient(client_config(broker)))
        self._keeps_ids: bool | None = None
        self._timeout_s = timeout_s
        self._try_s = min(timeout_s, _TRY_S)

    def describe(self) -> Description:
        """What the topic is now. On the embedded broker, which does not know the question, it has no id."""
        return self._until_told(self._describe, "its id")

    def find(self, marks: Mapping[int, Mark], rows: Mapping[int, int]) -> tuple[Description, dict[int, Found]]:
        """What is found of the partitions that have a number of `rows`, to be judged against their `marks`."""
        known, extents = self.describe(), self.extents(rows)
        retained = {
            partition: mark.offset
            for partition, mark in marks.items()
            if mark.checksum is not None and extents[partition].start <= mark.offset < extents[partition].end
        }
        seen = self.seen(retained) if retained else {}
        return known, {
            partition: Found(
                topic_id=known.topic_id,
                partitions=known.partitions,
                start=extent.start,
                end=extent.end,
                committed=extent.committed,
                rows=rows[partition],
                seen=seen.get(partition),
            )
            for partition, extent in extents.items()
        }

    def extents(self, partitions: Collection[int]) -> dict[int, Extent]:
        """Committed offsets are asked for first: so one beyond its end means what it says."""
        asked = [TopicPartition(self.topic, partition) for partition in partitions]
        committed = self._until_told(lambda _: self._committed(asked), "the group's offsets")
        starts = self._until_told(lambda admin: self._list(admin, asked, _START), "its beginnings")
        ends = self._until_told(lambda admin: self._list(admin, asked, _END), "its ends")
        return {partition: Extent(starts[partition], ends[partition], committed[partition]) for partition in partitions}

    def seen(self, offsets: Mapping[int, int]) -> dict[int, Seen]:
        """The records at `offsets`, by partition, below its end; one that is not retained is missing."""
        consumer = Consumer(self._client)
        try:
            return _read(consumer, self.topic, offsets, monotonic() + self._timeout_s)
        except KafkaException as error:
            raise InputUnknown(f"{self.topic} cannot be read: {error.args[0].str()}") from error
        finally:
            consumer.close()

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

    def _committed(self, asked: list[TopicPartition]) -> dict[int, int | None]:
        consumer = Consumer(self._client)
        try:
            answered = consumer.committed(asked, self._try_s)
        finally:
            consumer.close()
        for place in answered:
            if place.error is not None:
                raise KafkaException(place.error)
        return {place.partition: place.offset if place.offset >= 0 else None for place in answered}

    def _list(self, admin: AdminClient, asked: list[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
        answers = admin.list_offsets(dict.fromkeys(asked, spec), request_timeout=self._try_s)
        return {place.partition: answer.result(self._try_s).offset for place, answer in answers.items()}

    def _until_told(self, ask: Callable[[AdminClient], Answer], what: str) -> Answer:
        """A topic or a coordinator that has only just moved is not known at once."""
        deadline_s = monotonic() + self._timeout_s
        while True:
            try:
                with self._admin.round() as admin:
                    return ask(admin)
            except (KafkaException, TimeoutError) as error:
                if monotonic() > deadline_s:
                    said = error.args[0].str() if isinstance(error, KafkaException) else "no answer"
                    raise InputUnknown(f"the broker does not tell of {self.topic} {what}: {said}") from error
            sleep(_POLL_S)


def _read(consumer: Consumer, topic: str, offsets: Mapping[int, int], deadline_s: float) -> dict[int, Seen]:
    found: dict[int, Seen] = {}
    left = set(offsets)
    consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in offsets.items()])
    while left:
        if monotonic() > deadline_s:
            raise InputUnknown(f"{topic}: the records last folded were not read in time")
        message = consumer.poll(_POLL_S)
        if message is None or message.partition() not in left:
            continue
        error, partition = message.error(), message.partition() or 0
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        if error is None and message.offset() == offsets[partition]:
            found[partition] = Seen(message.timestamp()[1], checksum(message.value()))
        left.discard(partition)
        consumer.incremental_unassign([TopicPartition(topic, partition)])
    return found
