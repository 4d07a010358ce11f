"""A Kafka broker inside a process, for demos and tests: librdkafka's mock cluster.

It speaks the real protocol over TCP, consumer groups and idempotent producers included. It keeps everything
in memory, at most about 5 MB a partition, and silently drops the oldest records beyond that: whoever uses it
stays below `BYTES_PER_PARTITION` and checks `assert_nothing_dropped`. Never for data.

    python -m agents.kafka.embedded       prints host:port, and runs until its standard input closes or SIGTERM
"""

import signal
import sys
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Self

from confluent_kafka import Producer

from agents.kafka.reader import TopicReader
from schemas.errors import Fatal

PARTITIONS = 4
"""What a topic gets when it's first asked for; librdkafka has no setting for it."""

BYTES_PER_PARTITION = 4 * 1024 * 1024
"""How much one may write to a partition: librdkafka keeps 5 MB."""

_ANSWER_TIMEOUT_S = 10.0


class RecordsDropped(Fatal):
    """The embedded broker has dropped records for want of room."""


class EmbeddedBroker:
    """A mock cluster of `brokers` nodes, living while the context is open."""

    def __init__(self, brokers: int = 1) -> None:
        self._brokers = brokers
        self._cluster: Producer | None = None
        self.bootstrap = ""

    def __enter__(self) -> Self:
        self._cluster = Producer({"test.mock.num.brokers": self._brokers, "log_level": 0})
        known = self._cluster.list_topics(timeout=_ANSWER_TIMEOUT_S).brokers.values()
        self.bootstrap = ",".join(f"{node.host}:{node.port}" for node in known)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster = None  # the cluster ends with the client that holds it
        self.bootstrap = ""

    def assert_nothing_dropped(self, topics: Iterable[str]) -> None:
        """Raise RecordsDropped when a partition of `topics` no longer begins at offset 0. Blocks."""
        assert_nothing_dropped(self.bootstrap, topics)


def assert_nothing_dropped(bootstrap: str, topics: Iterable[str]) -> None:
    """Raise RecordsDropped when a partition of `topics` no longer begins at offset 0. Blocks."""
    for topic in topics:
        with TopicReader(bootstrap, topic, "watermarks", _ANSWER_TIMEOUT_S) as reader:
            for partition in reader.partitions():
                if (low := reader.span(partition)[0]) > 0:
                    raise RecordsDropped(f"{topic}/{partition} begins at {low}: the embedded broker is full")


def serve() -> int:
    """Run a broker until standard input closes or SIGTERM; the first line printed is its address."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    with EmbeddedBroker() as broker:
        sys.stdout.write(broker.bootstrap + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(serve())
