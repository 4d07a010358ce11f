"""A class that goes on while things break: a thread that produces simulated events at a steady rate."""

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random
from typing import Any, Final, cast

from confluent_kafka import KafkaError, Producer

from streams.simulation import simulate
from tests.agents.deployment import PARTITIONS, Sent

STUDENTS: Final = 150
COURSES: Final = 3
RATE: Final = 800
_LONGEST: Final = 2_000_000
_TICK_S: Final = 0.05
_FLUSH_TIMEOUT_S: Final = 120.0


def a_class(seed: str, events: int = _LONGEST) -> Iterator[Sent]:
    """Simulated events: one in 250 broken or repeated, one in 500 on a partition that is not its student's."""
    rng = Random(f"{seed}/places")
    for record in simulate(STUDENTS, events, Random(seed).randrange(1 << 31), faults=0.004, courses=COURSES):
        yield Sent(record.key, record.value, partition=rng.randrange(PARTITIONS) if rng.random() < 0.002 else None)


class Producing:
    """A producer that outlives the broker's absences, and writes each record once."""

    def __init__(self, broker: str, topic: str, **options: Any) -> None:
        self._topic = topic
        self._refused: list[KafkaError] = []
        reliable = {"enable.idempotence": True, "message.timeout.ms": 300_000, "linger.ms": 5, "log_level": 0}
        self._producer = Producer({"bootstrap.servers": broker} | reliable | options)

    def produce(self, records: Iterable[Sent]) -> None:
        """Hand over; waits only while the queue is full."""
        for record in records:
            self._producer.produce(
                self._topic,
                record.value,
                record.key,
                record.place,
                on_delivery=self._delivered,
                headers=cast(Any, list(record.headers)),
            )
            self._producer.poll(0)

    def flush(self) -> None:
        """Return when all is confirmed; fails when a record was refused."""
        left = self._producer.flush(_FLUSH_TIMEOUT_S)
        assert not left, f"{left} records of the load are not confirmed after {_FLUSH_TIMEOUT_S:.0f} s"
        assert not self._refused, f"records of the load were refused: {self._refused[:3]}"

    def _delivered(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._refused.append(error)


class Load:
    """A context: produces `records` at `rate` records/s until it is left, and then until all is confirmed."""

    def __init__(self, producing: Producing, records: Iterator[Sent], rate: int = RATE) -> None:
        self._producing = producing
        self._records = records
        self._rate = rate
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._thread.join(_FLUSH_TIMEOUT_S)
        if kind is None:
            assert not self._thread.is_alive(), "the load hangs"
            assert self._error is None, f"the load failed: {self._error!r}"
            self._producing.flush()

    def _run(self) -> None:
        from_s, sent = time.monotonic(), 0
        try:
            while not self._over.wait(_TICK_S):
                due = int((time.monotonic() - from_s) * self._rate) - sent
                self._producing.produce(islice(self._records, due))
                sent += due
        except BaseException as error:
            self._error = error
