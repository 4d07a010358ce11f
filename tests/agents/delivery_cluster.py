"""What the delivery tests share: an embedded broker with topics, worker processes, and a look at the truth.

The truth is read from the broker alone: the last row of each key on the changelog, and the committed offsets.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from agents.delivery.aiokafka.fetching import LONGEST_WAIT_MS
from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from agents.kafka.reader import read_to_end
from agents.kafka.topics import TopicSpec, ensure_topics
from tests.agents.delivery_worker import OUTPUT_TOPIC, ROW, WorkerConfig, slowness_of

APP_ID = "counter"
SOURCE = "events"
CHANGELOG = f"{APP_ID}-students-changelog"
DEADLINE_S = 180.0
"""A rebalance alone may wait a minute for a member that does not rejoin, and one follows another."""

Counts = Counter[tuple[int, bytes]]


def until(condition: Callable[[], bool], what: str, timeout_s: float = DEADLINE_S) -> None:
    """Poll until `condition` holds, or fail."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.02)


def await_no_fetch() -> None:
    """Wait until brokers have given up the last fetches of workers that were just stopped by SIGSTOP.

    Else they answer them with what is sent next, which the workers then have.
    """
    given_up_s = time.monotonic() + 2 * LONGEST_WAIT_MS / 1000
    until(lambda: time.monotonic() > given_up_s, "the last fetches are given up")


@dataclass
class Worker:
    """A worker process; `status` is what it last said of itself."""

    process: "subprocess.Popen[bytes]"
    status_path: Path
    log_path: Path

    @property
    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.status_path.read_text())) if self.status_path.exists() else {}

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def owns(self, partitions: int) -> bool:
        status = self.status
        return bool(status.get("recovered")) and len(status["active"]) == partitions

    def has_rows_of_what_it_owns_alone(self) -> bool:
        status = self.status
        return bool(status) and status["row_partitions"] == status["active"]

    def recoveries(self) -> Iterator[tuple[int, int]]:
        """Partition and events counted in its rows, whenever it held a table for restored."""
        for call, partitions, *counted in self.status.get("calls", []):
            if call == "recovered":
                yield from zip(partitions, *counted, strict=True)

    def hurry(self) -> None:
        """From now on it restores as fast as it can."""
        slowness_of(self.status_path).unlink()

    def exit_code(self, timeout_s: float = DEADLINE_S) -> int:
        return self.process.wait(timeout_s)


@dataclass
class Cluster:
    """An embedded broker, and everything started on it."""

    broker: str
    folder: Path
    expected: Counts = field(default_factory=Counter)
    workers: list[Worker] = field(default_factory=list)

    def produce(self, count: int, *, start: int = 0, keys: int = 42, topic: str = SOURCE) -> None:
        """Events over all partitions; every one of the 42 keys on two of them. Counted in `expected`."""
        producer = Producer({"bootstrap.servers": self.broker, "linger.ms": 5, "batch.num.messages": 100})
        for number in range(start, start + count):
            key, partition = b"student-%d" % (number % keys), number % PARTITIONS
            producer.produce(topic, key=key, value=b"{}", partition=partition)
            self.expected[partition, key] += 1
        producer.flush()

    def start(self, **options: Any) -> Worker:
        """A worker, told `options` (see WorkerConfig)."""
        status = self.folder / f"status-{len(self.workers)}.json"
        config = WorkerConfig(broker=self.broker, status=str(status), **options)
        command = [sys.executable, "-m", "tests.agents.delivery_worker", msgspec.json.encode(config).decode()]
        log = self.folder / f"log-{len(self.workers)}.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=output)
        self.workers.append(Worker(process, status, log))
        return self.workers[-1]

    def log(self) -> str:
        """What all workers logged."""
        return "".join(worker.log for worker in self.workers)

    def records(self, topic: str) -> list[Message]:
        """Every record of a topic, by partition and offset."""
        return read_topic(self.broker, topic)

    def rows(self) -> dict[tuple[int, bytes], tuple[int, int]]:
        """(count, last offset) by partition and key: the last row of each on the changelog."""
        last: dict[tuple[int, bytes], tuple[int, int]] = {}
        for message in self.records(CHANGELOG):
            last[message.partition() or 0, message.key() or b""] = ROW.unpack(message.value() or b"")
        return last

    def counts(self) -> Counts:
        """The counts of `rows`."""
        return Counter({address: count for address, (count, _offset) in self.rows().items()})

    def committed(self, topic: str = SOURCE) -> list[int]:
        """The group's committed offset by partition; -1 for none, and while the group has no coordinator."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": APP_ID, "log_level": 0})
        wanted = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        try:
            return [max(-1, found.offset) for found in consumer.committed(wanted, timeout=60)]
        except KafkaException as error:
            if not error.args[0].retriable() and error.args[0].name() != "NOT_COORDINATOR":
                raise
            return [-1] * PARTITIONS
        finally:
            consumer.close()

    def wait_until_all_is_committed(self, topic: str = SOURCE) -> None:
        def ends() -> list[int]:
            totals = Counter[int]()
            for (partition, _key), count in self.expected.items():
                totals[partition] += count
            return [totals[partition] for partition in range(PARTITIONS)]

        until(lambda: self.committed(topic) == ends(), f"committed {ends()}")


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A broker with the topics; the workers still running at the end are killed."""
    with EmbeddedBroker() as broker:
        names = (SOURCE, "more-events", CHANGELOG, OUTPUT_TOPIC)
        ensure_topics(broker.bootstrap, [TopicSpec(name, PARTITIONS) for name in names])
        running = Cluster(broker.bootstrap, folder)
        try:
            yield running
            broker.assert_nothing_dropped(names)
        finally:
            for worker in running.workers:
                worker.process.kill()
                worker.process.wait()


def read_topic(broker: str, topic: str) -> list[Message]:
    """Every record of a topic, in each partition by offset. Blocks."""
    return sorted(read_to_end(broker, topic), key=lambda message: (message.partition(), message.offset()))
