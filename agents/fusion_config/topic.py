"""The topic: read on from where the last reading ended, and written to. Blocks."""

from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_BEGINNING

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.errors import BrokerUnavailable, NoSuchTopic
from agents.kafka.input_topic import InputTopic
from agents.kafka.producer import ConfirmedProducer
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from streams.replay import FileRecord
from streams.scoring.config_log import CONFIG_PARTITION


class TopicStartedAnew(Exception):
    """The topic is another one than was read, or ends before that: it was deleted and created again. Read on from its
    start.
    """


class FusionConfigTopic:
    """Of one deployment, while the context is open. Of one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self.name = Channels.of(settings).fusion_config
        self._broker, self._timeout_s = settings.broker, settings.start_timeout_s
        self._reader = TopicReader(settings.broker, self.name, f"skillstream-reader-{self.name}", self._timeout_s)
        self._identity = InputTopic(settings.broker, settings.app_id, self.name, self._timeout_s)
        self._topic_id: str | None = None
        self._next: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the clients."""
        self._reader.close()

    def read_on(self) -> list[FileRecord]:
        """What was written since the last reading, a partition's in their order.

        Raises NoSuchTopic, TopicStartedAnew, BrokerUnavailable, TopicForbidden.
        """
        partitions = self._reader.partitions()
        if not partitions:
            raise NoSuchTopic(f"there is no topic {self.name}")
        former, self._topic_id = self._topic_id, self._identity.describe().topic_id
        ends = {partition: self._reader.span(partition)[1] for partition in partitions}
        is_another = former is not None and former != self._topic_id
        if is_another or any(end < self._next.get(partition, 0) for partition, end in ends.items()):
            self._next = {}
            raise TopicStartedAnew
        new = {partition: end for partition, end in ends.items() if end > self._next.get(partition, 0)}
        spans = {partition: (self._next.get(partition, OFFSET_BEGINNING), None) for partition in new}
        records = [file_record(message) for messages in self._reader.batches(spans) for message in messages]
        last = {record.partition: record.offset + 1 for record in records}
        for partition, end in new.items():  # what is behind the last record holds none
            self._next[partition] = max(end, last.get(partition, 0))
        return records

    def write(self, key: bytes, value: bytes) -> None:
        """Append a record, and wait until the broker has confirmed it. Raises BrokerUnavailable."""
        producer = ConfirmedProducer(self._broker)
        producer.send(self.name, CONFIG_PARTITION, key, value)
        if (why := producer.confirm(self._timeout_s)) is not None:
            raise BrokerUnavailable(f"{self.name}: {why}")
