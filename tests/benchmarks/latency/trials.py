"""Rates tried of one contestant, in as few sessions as will do."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import DataSet
from tests.benchmarks.latency.field import Entrant
from tests.benchmarks.latency.session import Session, Window, session
from tests.benchmarks.process import BenchmarkFailed


@dataclass
class Trials:
    """It is begun anew after it fell behind, when its events are used up and, once, when it fails, by whoever's fault.

    Raises BenchmarkFailed when it fails again.
    """

    kafka: BenchKafka
    entrant: Entrant
    data: DataSet
    _stack: ExitStack = field(default_factory=ExitStack)
    _running: Session | None = None
    _failed: bool = False

    def run(self, rate: float, warm_up_s: float, measured_s: float) -> Window | None:
        """See Session.run."""
        events = int(rate * (warm_up_s + measured_s)) + 1
        try:
            began = self._running
            window = self._session(events).run(rate, warm_up_s, measured_s)
            if window is None and self._running is began and began is not None and began.unsure:
                window = self._session(events).run(rate, warm_up_s, measured_s)
        except BenchmarkFailed as error:
            self.close()
            if self._failed:
                raise
            self._failed = True
            sys.stderr.write(f"  once more, as it failed: {error}\n")
            return self.run(rate, warm_up_s, measured_s)
        return window

    def close(self) -> None:
        """End what runs."""
        self._running = None
        self._stack.close()

    def _session(self, events: int) -> Session:
        if self._running is None or self._running.behind or self._running.supply.left < events:
            self.close()
            self._running = self._stack.enter_context(session(self.kafka, self.entrant, self.data))
        return self._running


@contextmanager
def trials(kafka: BenchKafka, entrant: Entrant, data: DataSet) -> Iterator[Trials]:
    """Trials whose contestant has ended when the context is left."""
    begun = Trials(kafka, entrant, data)
    try:
        yield begun
    finally:
        begun.close()
