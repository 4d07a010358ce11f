"""Sends events at a rate and reads what comes of them, in two processes of their own; prints the latencies.

python -m ... BROKER SOURCE OUTPUT RATE EVENTS seq|position WARM_UP; see `latency` for what is matched how.
"""

import json
import multiprocessing
import re
import sys
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from schemas.dialects import native
from streams.folding.facts import facts_of, kinds_of
from streams.simulation import SimulatedRecord
from tests.benchmarks.datasets import PARTITIONS, PLAIN, owning_partition, records
from tests.benchmarks.sizes import Sizes

_SEQ: Final = re.compile(rb'"seq": ?\[(\d+), ?(\d+)\]')
_HEAD_BYTES: Final = 400
_TICK_S: Final = 0.001
_GIVE_UP_S: Final = 30.0
_SILENCE_S: Final = 3.0

Arrival = tuple[float, int, bytes, int]
"""When, partition, student (none by position), and the offset that it covers."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that was sent; `matters`: an update is to come of it."""

    at_s: float
    partition: int
    student: bytes
    matters: bool


def main(broker: str, source: str, output: str, rate: int, count: int, by: str, warm_up: float) -> None:
    """Print the quantiles, in ms, as one JSON object."""
    ready, stop = multiprocessing.Event(), multiprocessing.Event()
    arrivals: Any = multiprocessing.Queue()
    reader = multiprocessing.Process(target=read, args=(broker, output, by, ready, stop, arrivals), daemon=True)
    reader.start()
    if not ready.wait(_GIVE_UP_S):
        raise SystemExit("the reader does not read")
    sent = send(broker, source, rate, count)
    stop.set()
    latencies = match(sent, arrivals.get(timeout=4 * _GIVE_UP_S), skip=int(count * warm_up))
    if not latencies:
        raise SystemExit("no event became visible")
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    print(json.dumps({"p50": p50, "p99": p99, "events": len(latencies)}))  # noqa: T201


def send(broker: str, topic: str, rate: int, count: int) -> list[Sent]:
    """Send `count` events at `rate` a second; what was sent, in its order."""
    producer = Producer(
        {
            "bootstrap.servers": broker,
            "log_level": 0,
            "linger.ms": 5,  # as Kafka's own producer, from 4.0 on
            "enable.idempotence": True,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    producer.list_topics(topic, timeout=10)
    waiting = _events(count)
    sent: list[Sent] = []
    began_s = time.time()
    while len(sent) < count:
        due = min(count, int((time.time() - began_s) * rate))
        for record, partition, matters in waiting[len(sent) : due]:
            sent.append(Sent(time.time(), partition, record.key, matters))
            producer.produce(topic, record.value, record.key, partition)
        producer.poll(0)
        time.sleep(_TICK_S)
    if producer.flush(_GIVE_UP_S):
        raise SystemExit("not all events were confirmed")
    return sent


def read(broker: str, topic: str, by: str, ready: Any, stop: Any, arrivals: Any) -> None:
    """Note every update as it arrives, until nothing has come for a while after `stop`."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "latency-reader",
            "fetch.wait.max.ms": 10,
            "fetch.queue.backoff.ms": 1,
            "queued.max.messages.kbytes": 1 << 20,
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    consumer.consume(1, 0.5)
    ready.set()
    noted: list[tuple[float, list[Any]]] = []
    last_s = time.time()
    while True:
        messages = consumer.consume(5_000, 0.002)
        now_s = time.time()
        if messages:
            noted.append((now_s, [_note(message, by) for message in messages]))
            last_s = now_s
        elif stop.is_set() and now_s - last_s > _SILENCE_S:
            break
    arrivals.put([(at_s, *what) for at_s, batch in noted for what in batch])
    consumer.close()


def match(sent: list[Sent], arrived: list[Arrival], skip: int) -> list[float]:
    """Seconds from each send that matters, after the first `skip`, to the first arrival that covers it.

    Raises SystemExit when one never becomes visible.
    """
    covering: defaultdict[tuple[int, bytes], deque[tuple[int, float]]] = defaultdict(deque)
    by_position = bool(arrived) and arrived[0][2] == b""
    for at_s, partition, student, offset in arrived:
        covering[partition, student].append((offset, at_s))
    next_offset = [0] * PARTITIONS
    latencies: list[float] = []
    for number, event in enumerate(sent):
        offset, next_offset[event.partition] = next_offset[event.partition], next_offset[event.partition] + 1
        updates = covering[event.partition, b"" if by_position else event.student]
        while updates and updates[0][0] < offset:
            updates.popleft()
        if event.matters and not updates:
            raise SystemExit(f"event {number} of {len(sent)} never became visible")
        if event.matters and number >= skip:
            latencies.append(updates[0][1] - event.at_s)
    return latencies


def _note(message: Any, by: str) -> tuple[int, bytes, int]:
    if by == "position":
        return message.partition(), b"", message.offset()
    seq = _SEQ.search(message.value(), 0, _HEAD_BYTES)
    if seq is None:
        raise SystemExit("an update without a seq")
    return message.partition(), message.key(), int(seq[2])


def _events(count: int) -> list[tuple[SimulatedRecord, int, bool]]:
    """Events with their partitions; the third says whether one has facts, as only those lead to an update."""
    found = list(islice(records(PLAIN, max(count, Sizes.of_environment().events)), count))
    events = [native.decode(record.value) for record in found]
    useful = np.isin(np.arange(count), facts_of(events, kinds_of(events)).event).tolist()
    return [(record, owning_partition(record.key), use) for record, use in zip(found, useful, strict=True)]


if __name__ == "__main__":
    broker, source, output, rate, count, by, warm_up = sys.argv[1:8]
    main(broker, source, output, int(rate), int(count), by, float(warm_up))
