"""Running workers with something to show: an embedded broker, a simulated class that goes on and on, broken records."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from math import sin
from pathlib import Path
from typing import Final

from agents.demo.feeding import feed
from agents.kafka.embedded import EmbeddedBroker
from streams.simulation import simulate
from tests.agents.deployment import Deployment, owning_partition

STUDENTS: Final = 150
READER_TOKEN: Final = "a token of readers, of tests"
EVENTS: Final = 20_000
"""Of one class: some weeks of work."""
_BROKEN_EVERY: Final = 400
_BROKEN: Final = (b'{"student_id": ', b'{"student_id": "s", "type": "attempt"}', b"\xff\xfe", b"[]")


class EventLoad(threading.Thread):
    """Sends events of a simulated class until it is stopped, about `rate` a second, broken ones among them."""

    def __init__(self, deployment: Deployment, rate: float) -> None:
        super().__init__(daemon=True)
        self._deployment, self._rate = deployment, rate
        self._enough = threading.Event()

    def run(self) -> None:
        feed(self._deployment.broker, self._deployment.channels.activity, self._records(), owning_partition)

    def stop(self) -> None:
        """Send no more."""
        self._enough.set()
        if self.ident is not None:
            self.join()

    def _records(self) -> Iterator[tuple[bytes | None, bytes]]:
        for seed in count():
            for at, each in enumerate(simulate(STUDENTS, EVENTS, seed)):
                if at % _BROKEN_EVERY == 0:
                    yield each.key, _BROKEN[at // _BROKEN_EVERY % len(_BROKEN)]
                yield each.key, each.value
                swing = 1 + 0.4 * sin(at / (8 * self._rate)) + 0.1 * sin(at / self._rate)
                if self._enough.wait(1 / (self._rate * swing)):
                    return


@contextmanager
def running(folder: Path, workers: int, rate: float, name: str = "browsed") -> Iterator[Deployment]:
    """`workers` that are ready, on a broker of their own, and a load of `rate` events a second."""
    settings = {"reasoning": "scripted", "seed_limits": "true", "reader_token": READER_TOKEN}
    with EmbeddedBroker() as broker:
        deployment = Deployment(broker.bootstrap, folder, settings, name)
        deployment.make_topics()
        for number in range(workers):
            deployment.start(instance_id=f"worker-{number}")
        load = EventLoad(deployment, rate)
        try:
            for worker in deployment.workers:
                worker.await_ready()
            load.start()
            yield deployment
        finally:
            load.stop()
            for worker in deployment.workers:
                worker.end()
