"""Events on a schedule that waits for nobody."""

import gc
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from math import floor
from typing import Final, NamedTuple

import numpy as np
from confluent_kafka import Producer

from schemas.dialects import native
from streams.folding.facts import facts_of, kinds_of
from tests.benchmarks.datasets import DataSet, owning_partition, records
from tests.benchmarks.latency.matching import Covered, Numbering
from tests.benchmarks.process import BenchmarkFailed

EVENTS: Final = 1_000_000
_TICK_S: Final = 0.001
_ANSWER_S: Final = 10.0


class Event(NamedTuple):
    """An event to send; `matters`: it has facts, so that an update of ours is to come of it."""

    key: bytes
    value: bytes
    partition: int
    covered: Covered
    matters: bool


class SupplyExhausted(BenchmarkFailed):
    """There are not as many events left."""


class Supply:
    """The events of a data set, each once, numbered."""

    def __init__(self, data: DataSet, numbering: Numbering) -> None:
        self._records = records(data, EVENTS)
        self._numbering = numbering
        self.left = EVENTS

    def take(self, count: int) -> list[Event]:
        """The next so many. Raises SupplyExhausted where there are fewer."""
        if count > self.left:
            raise SupplyExhausted(f"{count:,} events wanted, {self.left:,} left of {EVENTS:,}")
        self.left -= count
        found = list(islice(self._records, count))
        events = [native.decode(record.value) for record in found]
        matter = np.isin(np.arange(count), facts_of(events, kinds_of(events)).event).tolist()
        return [
            Event(record.key, record.value, at, self._numbering.number(at, record.key.decode()), matters)
            for record, at, matters in zip(found, (owning_partition(r.key) for r in found), matter, strict=True)
        ]


class Sender:
    """A producer as an application's: idempotent, acks of all replicas, Kafka's own linger of 5 ms, no compression."""

    def __init__(self, broker: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": broker,
                "log_level": 0,
                "linger.ms": 5,
                "enable.idempotence": True,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 1 << 19,
            }
        )
        self._producer.list_topics(topic, timeout=_ANSWER_S)

    def send(self, events: Sequence[Event], began_s: float, rate: float) -> float:
        """Send event i when it is due, at `began_s` + i / `rate` (Unix time). How late the latest was, in seconds."""
        sent, latest_s = 0, 0.0
        gc.disable()
        while sent < len(events):
            now_s = time.time()
            due = min(len(events), max(0, floor((now_s - began_s) * rate) + 1))
            if due > sent:
                latest_s = max(latest_s, now_s - began_s - sent / rate)
            for event in events[sent:due]:
                self._producer.produce(self._topic, event.value, event.key, event.partition)
            sent = max(sent, due)
            self._producer.poll(0)
            time.sleep(_TICK_S)
        gc.enable()
        return latest_s


def schedule(events: Sequence[Event], began_s: float, rate: float) -> Iterator[tuple[float, Covered]]:
    """When those of the events that matter are due."""
    return ((began_s + number / rate, event.covered) for number, event in enumerate(events) if event.matters)
