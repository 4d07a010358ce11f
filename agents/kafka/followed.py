"""A small topic that is read on and on, from where the last reading ended, and written to. Blocks."""

from collections.abc import Iterable, Iterator, Sequence

from confluent_kafka import OFFSET_BEGINNING, KafkaException

from agents.kafka.errors import BrokerUnavailable, NoSuchTopic, message_of
from agents.kafka.input_topic import InputTopic
from agents.kafka.producer import ConfirmedProducer
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from schemas.dead_letter import Header
from streams.replay import FileRecord


class TopicStartedAnew(Exception):
    """The topic is another one than was read, or ends before that: it was deleted and created again. Read on from its
    start.
    """


class FollowedTopic:
    """Topic `name`, or one `partition` of it, for `group`, which never has it as a member. Of one thread at a time."""

    def __init__(self, broker: str, group: str, name: str, timeout_s: float, partition: int | None = None) -> None:
        self.name, self._partition = name, partition
        self._broker, self._timeout_s = broker, timeout_s
        self._reader = TopicReader(broker, name, f"skillstream-reader-{name}", timeout_s)
        self._identity = InputTopic(broker, group, name, timeout_s)
        self._topic_id: str | None = None
        self._next: dict[int, int] = {}

    def close(self) -> None:
        """Let go of the clients; what is asked after it opens others."""
        self._reader.close()

    def read_on(self) -> list[FileRecord]:
        """What was written since the last reading, a partition's in their order; all of it again after an error.

        Raises NoSuchTopic, TopicStartedAnew, BrokerUnavailable, TopicForbidden.
        """
        before = dict(self._next)
        try:
            return [record for records in self.batches_on() for record in records]
        except TopicStartedAnew:
            raise
        except BaseException:
            self._next = before
            raise

    def batches_on(self) -> Iterator[list[FileRecord]]:
        """As `read_on`, some at a time, for topics that are not small; after an error only what is behind these."""
        followed = self._followed()
        former, self._topic_id = self._topic_id, self._identity.describe().topic_id
        ends = {partition: self._reader.span(partition)[1] for partition in followed}
        is_another = former is not None and former != self._topic_id
        if is_another or any(end < self._next.get(partition, 0) for partition, end in ends.items()):
            self._next = {}
            raise TopicStartedAnew
        new = {partition: end for partition, end in ends.items() if end > self._next.get(partition, 0)}
        spans = {partition: (self._next.get(partition, OFFSET_BEGINNING), None) for partition in new}
        for messages in self._reader.batches(spans):
            records = [file_record(message) for message in messages]
            self._next |= {record.partition: record.offset + 1 for record in records}
            yield records
        for partition, end in new.items():  # what is behind the last record holds none
            self._next[partition] = max(end, self._next.get(partition, 0))

    def rewind(self, last: int | None = None) -> None:
        """Read from the start next, or from about the `last` records of each partition. Raises as `read_on`."""
        self._next = {}
        if last is not None:
            spans = {partition: self._reader.span(partition) for partition in self._followed()}
            self._next = {partition: max(start, end - last) for partition, (start, end) in spans.items()}

    def append(self, partition: int, key: bytes, value: bytes | None, headers: Sequence[Header] = ()) -> None:
        """Append a record, and wait until the broker has confirmed it. Raises BrokerUnavailable."""
        self.append_all(partition, [(key, value)], headers)

    def append_all(
        self, partition: int, records: Iterable[tuple[bytes, bytes | None]], headers: Sequence[Header] = ()
    ) -> None:
        """Append records in their order, each with these headers, and wait until the broker has confirmed all. Raises
        BrokerUnavailable.
        """
        producer = ConfirmedProducer(self._broker)
        try:
            for key, value in records:
                producer.send(self.name, partition, key, value, headers)
            why = producer.confirm(self._timeout_s)
        except KafkaException as error:
            why = message_of(error)
        if why is not None:
            raise BrokerUnavailable(f"{self.name}: {why}")

    def _followed(self) -> list[int]:
        partitions = self._reader.partitions()
        if not partitions:
            raise NoSuchTopic(f"there is no topic {self.name}")
        return partitions if self._partition is None else [self._partition]
