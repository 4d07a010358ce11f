"""Reads all topics of the demo while it runs: what was published, the table's log, and the input for the replay."""

from collections import Counter, defaultdict
from threading import Event, Lock, Thread
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Message, TopicPartition

from agents.config.channels import Channels
from agents.kafka.clients import open_reader
from agents.kafka.record import file_record
from agents.stores.store import is_row
from schemas.explanation import Explanation, read_explanation
from schemas.update import SkillUpdate, read_update
from streams.replay import FileRecord
from streams.rows.table import PartitionedRows

_POLL_S: Final = 0.2
_BATCH: Final = 500


class Watcher:
    """A thread with a consumer outside of every group. What it has seen may be read once it is stopped."""

    def __init__(self, broker: str, channels: Channels, changelog: str, partitions: int) -> None:
        self._channels = channels
        self._changelog = changelog
        self._consumer = open_reader(broker, "demo-watcher")
        topics = (channels.activity, channels.updates, channels.reasoning, channels.dead_letters, changelog)
        self._consumer.assign([TopicPartition(t, p, OFFSET_BEGINNING) for t in topics for p in range(partitions)])
        self._stopping = Event()
        self._lock = Lock()
        self._thread = Thread(target=self._run, name="demo-watcher", daemon=True)
        self._seen: Counter[tuple[str, int]] = Counter()
        self.input: defaultdict[int, list[FileRecord]] = defaultdict(list)
        self.table = PartitionedRows()
        self.updates: dict[str, SkillUpdate] = {}
        self.explanations: list[Explanation] = []

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read what is there to the end, then stop. Blocks."""
        self._stopping.set()
        self._thread.join()
        self._consumer.close()

    def count(self, topic: str) -> int:
        """Records of `topic` seen so far."""
        with self._lock:
            return sum(seen for (name, _), seen in self._seen.items() if name == topic)

    def _run(self) -> None:
        while True:
            messages = self._consumer.consume(_BATCH, _POLL_S)
            with self._lock:
                for message in messages:
                    if message.error() is None:
                        self._note(message)
            if not messages and self._stopping.is_set() and self._at_the_end():
                return

    def _at_the_end(self) -> bool:
        ends = {
            (topic_partition.topic, topic_partition.partition): self._consumer.get_watermark_offsets(
                topic_partition, timeout=30
            )[1]
            for topic_partition in self._consumer.assignment()
        }
        return all(self._seen[topic_partition] >= end for topic_partition, end in ends.items())

    def _note(self, message: Message) -> None:
        topic, partition, value = str(message.topic()), int(message.partition() or 0), message.value()
        self._seen[topic, partition] += 1
        if topic == self._channels.activity:
            self.input[partition].append(file_record(message))
        elif topic == self._changelog:
            if is_row(message.key() or b""):
                self.table.put(partition, message.key() or b"", value)
        elif topic == self._channels.updates and value is not None:
            update = read_update(value)
            self.updates[update.student_id] = update
        elif topic == self._channels.reasoning and value is not None:
            self.explanations.append(read_explanation(value))
