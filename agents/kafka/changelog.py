"""The table's changelog, seen and changed from outside while no worker runs. Blocks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaException

from agents.kafka.clients import open_admin
from agents.kafka.connection import Compression
from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable, message_of
from agents.kafka.producer import ConfirmedProducer
from agents.kafka.reader import read_to_end
from agents.kafka.topics import TopicMismatch, TopicSpec, describe_cluster, ensure_topics
from streams.input.checkpoint import CHECKPOINT_KEY, InputCheckpoint, encode_checkpoint, is_reserved

_POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Contents:
    """What a worker would restore, by partition: the checkpoints, encoded, and the number of rows."""

    checkpoints: dict[int, bytes] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)


class Changelog:
    """The topic that `spec` describes."""

    def __init__(
        self, broker: str, spec: TopicSpec, timeout_s: float = 30.0, compression: Compression = "none"
    ) -> None:
        self._broker = broker
        self._spec = spec
        self._timeout_s = timeout_s
        self._compression = compression

    @property
    def name(self) -> str:
        """The topic's."""
        return self._spec.name

    def read(self) -> Contents:
        """Nothing for a topic that is not there. Raises BrokerUnavailable, TopicForbidden."""
        keys: defaultdict[int, set[bytes]] = defaultdict(set)
        checkpoints: dict[int, bytes] = {}
        for message in read_to_end(self._broker, self.name):
            partition, key, value = message.partition() or 0, message.key(), message.value()
            if key is None:  # no row: a batch that nobody can unpack
                continue
            if key == CHECKPOINT_KEY:
                checkpoints[partition] = value or b""  # nobody writes an empty one: it cannot be read, and says so
            elif is_reserved(key):
                continue
            elif value is None:
                keys[partition].discard(key)
            else:
                keys[partition].add(key)
        return Contents(checkpoints, {partition: len(known) for partition, known in keys.items()})

    def make(self) -> None:
        """See ensure_topics."""
        ensure_topics(self._broker, [self._spec], self._timeout_s)

    def write(
        self, records: Mapping[int, Sequence[tuple[bytes, bytes]]], checkpoints: Mapping[int, InputCheckpoint]
    ) -> None:
        """Append `records` and behind them `checkpoints`, by partition.

        Raises BrokerUnavailable where one is not confirmed. What was written stays: the command may be run again.
        """
        producer = ConfirmedProducer(self._broker, {"compression.type": self._compression})
        for partition, checkpoint in checkpoints.items():
            for key, value in [*records.get(partition, ()), (CHECKPOINT_KEY, encode_checkpoint(checkpoint))]:
                producer.send(self.name, partition, key, value)
        if (why := producer.confirm(self._timeout_s)) is not None:
            raise BrokerUnavailable(f"{self.name}: {why}")

    def recreate(self) -> None:
        """Empty it: Kafka deletes no records of a topic that is only compacted, so the topic goes, and comes again.

        Raises TopicMismatch or BrokerUnavailable where it cannot.
        """
        admin = open_admin(self._broker)
        try:
            admin.delete_topics([self.name], request_timeout=self._timeout_s)[self.name].result(self._timeout_s)
        except KafkaException as error:
            if error.args[0].name() != "UNKNOWN_TOPIC_OR_PART":
                raise TopicMismatch(
                    f"topic {self.name} can't be deleted: {message_of(error)}. Delete it, or allow this client to."
                ) from error
        except TimeoutError as error:
            raise BrokerUnavailable(f"topic {self.name} wasn't deleted within {self._timeout_s:g} s") from error
        deadline = Deadline(self._timeout_s)
        while self.name in describe_cluster(admin, self._broker, self._timeout_s).topics:
            if deadline.is_over:
                raise BrokerUnavailable(f"topic {self.name} is still there after {self._timeout_s:g} s")
            deadline.pause(_POLL_S)
        self.make()
