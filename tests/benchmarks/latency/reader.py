"""Notes outputs as they arrive, in a process of its own. python -m ... BROKER TOPIC position|seq|count

For each line on standard input it writes one: what has arrived since the last, as JSON, oldest first. It ends with its
standard input.
"""

import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final, Literal, get_args

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tests.benchmarks.datasets import PARTITIONS, ROOT
from tests.benchmarks.latency.matching import Arrival, Matched, covered_by
from tests.benchmarks.process import BenchmarkFailed

_WAIT_S: Final = 0.02
_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Reader:
    """The process, as seen by whoever sends."""

    asked: IO[bytes]
    answered: IO[bytes]

    def take(self) -> list[Arrival]:
        """What has arrived since the last call. Raises BenchmarkFailed when the process has ended."""
        self.asked.write(b"\n")
        self.asked.flush()
        line = self.answered.readline()
        if not line:
            raise BenchmarkFailed("the reader of outputs ended")
        return msgspec.json.decode(line, type=list[Arrival])


@contextmanager
def reading(broker: str, topic: str, matched: Matched) -> Iterator[Reader]:
    """A reader of a topic from its start on, which has begun when the context is entered."""
    command = [sys.executable, "-m", __spec__.name, broker, topic, matched]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            reader = Reader(process.stdin, process.stdout)
            reader.take()
            yield reader
        finally:
            process.kill()


def main(broker: str, topic: str, matched: Matched) -> None:
    """Read until nobody asks any more."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "latency-reader",  # never joins
            "fetch.wait.max.ms": 100,  # the broker answers as soon as there is something
            "fetch.queue.backoff.ms": 1,
            "queued.max.messages.kbytes": 1 << 20,
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    noted: list[Arrival] = []
    while True:
        first = consumer.poll(_WAIT_S)
        if first is not None:
            now_s = time.time()
            noted += [_note(message, matched, now_s) for message in (first, *consumer.consume(_AT_ONCE, 0))]
        if select.select([sys.stdin], [], [], 0)[0]:
            if not sys.stdin.readline():
                return
            sys.stdout.buffer.write(msgspec.json.encode(noted) + b"\n")
            sys.stdout.buffer.flush()
            noted.clear()


def _note(message: Any, matched: Matched, now_s: float) -> Arrival:
    if message.error() is not None:
        raise SystemExit(str(message.error()))
    key, value = message.key() or b"", message.value() or b""
    return Arrival(now_s, *covered_by(matched, message.partition(), message.offset(), key, value))


def _matched(text: str) -> Matched:
    known: tuple[Literal["position", "seq", "count"], ...] = get_args(Matched)
    return known[known.index(text)]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], _matched(sys.argv[3]))
