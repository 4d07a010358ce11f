"""Running workers with something to show: an embedded broker, a simulated class that goes on and on, broken records."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from agents.demo.feeding import feed
from agents.kafka.embedded import EmbeddedBroker
from streams.simulation import simulate
from tests.agents.deployment import Deployment, deployed, owning_partition

STUDENTS: Final = 150
READER_TOKEN: Final = "a token of readers, of tests"
_AT_ONCE: Final = 5
_BROKEN: Final = (b'{"student_id": ', b'{"student_id": "s", "type": "attempt"}', b"\xff\xfe", b"[]")


class EventLoad(threading.Thread):
    """Sends events of a simulated class until it is stopped, about `rate` a second; one in a hundred is broken."""

    def __init__(self, deployment: Deployment, rate: float) -> None:
        super().__init__(daemon=True)
        self._deployment, self._rate = deployment, rate
        self._enough = threading.Event()

    def run(self) -> None:
        for seed in count():
            records = list(simulate(STUDENTS, 2_000, seed))
            for begin in range(0, len(records), _AT_ONCE):
                batch = [(each.key, each.value) for each in records[begin : begin + _AT_ONCE]]
                if begin % (100 * _AT_ONCE) == 0:
                    batch.append((batch[0][0], _BROKEN[begin // (100 * _AT_ONCE) % len(_BROKEN)]))
                feed(self._deployment.broker, self._deployment.channels.activity, batch, owning_partition)
                if self._enough.wait(_AT_ONCE / self._rate):
                    return

    def stop(self) -> None:
        """Send no more."""
        self._enough.set()
        self.join()


@contextmanager
def running(folder: Path, workers: int, rate: float, **settings: object) -> Iterator[Deployment]:
    """`workers` that are ready, and have folded the first events."""
    settings = {"reasoning": "scripted", "seed_limits": "true", "reader_token": READER_TOKEN, **settings}
    with EmbeddedBroker() as broker, deployed(broker.bootstrap, folder, **settings) as deployment:
        records = [(each.key, each.value) for each in simulate(STUDENTS, 3_000, seed=7)]
        feed(broker.bootstrap, deployment.channels.activity, records, owning_partition)
        for number in range(workers):
            deployment.start(instance_id=f"worker-{number}")
        for worker in deployment.workers:
            worker.await_ready()
        load = EventLoad(deployment, rate)
        load.start()
        try:
            yield deployment
        finally:
            load.stop()
