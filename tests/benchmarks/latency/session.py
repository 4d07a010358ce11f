"""One contestant that runs, on topics of its own, between a sender and a reader; measured at one rate after another."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final
from uuid import uuid4

import numpy as np

from agents.kafka.topics import TopicSpec, ensure_topics
from schemas.topics import ACTIVITY, UPDATES
from tests.benchmarks.broker import BenchKafka, cpu_s, delete_topics
from tests.benchmarks.contestants import Run
from tests.benchmarks.datasets import PARTITIONS, DataSet
from tests.benchmarks.latency.field import Entrant
from tests.benchmarks.latency.matching import Arrival, Missing, Numbering, grows, latencies_s
from tests.benchmarks.latency.reader import Reader, reading
from tests.benchmarks.latency.sender import EVENTS, Event, Sender, Supply, schedule
from tests.benchmarks.process import BenchmarkFailed, Contender

DRAIN_S: Final = 3.0
_START_S: Final = 90.0
_ASK_S: Final = 0.05
_AHEAD_S: Final = 0.02
_FIRST_EVENTS: Final = 50
_WARM_RATE: Final = 1_000
_WARM_S: Final = 3.0
WARM_EVENTS: Final = _FIRST_EVENTS + int(_WARM_RATE * _WARM_S)
"""What a session has used of its events when it begins."""
_SETTLE_S: Final = 4.0
_PAUSE_S: Final = (0.15, 0.35)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a contestant had used and done by a moment; steps and their events where it tells them."""

    at_s: float
    cpu_s: float
    steps: float | None
    stepped: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """What was measured at one rate: latencies of the events that matter, CPU in % of a core, events a step (None where
    nobody knows), outputs for an event, and how late the sender was at most.
    """

    latencies_ms: list[float]
    cpu_percent: float
    batch: float | None
    outputs_per_event: float
    sender_late_ms: float

    def quantile_ms(self, percent: float) -> float:
        """By linear interpolation."""
        return float(np.percentile(self.latencies_ms, percent))


@dataclass
class Session:
    """`run` may be called as long as it does not fall behind: what it has not done by then would be counted in.

    `unsure`: it fell behind where latencies grew, and there were not events enough to see whether they go on growing.
    """

    entrant: Entrant
    contender: Contender
    supply: Supply
    sender: Sender
    reader: Reader
    behind: bool = field(default=False, init=False)
    unsure: bool = field(default=False, init=False)

    def warm_up(self) -> None:
        """Return when it has done something, and more for a while. Raises BenchmarkFailed where it does not."""
        for count, rate in ((_FIRST_EVENTS, _FIRST_EVENTS), (WARM_EVENTS - _FIRST_EVENTS, _WARM_RATE)):
            events, began_s = self.supply.take(count), time.time()
            self.sender.send(events, began_s, rate)
            _, missing = self._drain(events, _START_S)
            if missing:
                raise BenchmarkFailed(f"{self.entrant.name} makes nothing of events{self.contender.tail()}")

    def run(self, rate: float, warm_up_s: float, measured_s: float) -> Window | None:
        """Measure at a rate (events/s); None where it falls behind. Raises SupplyExhausted without enough events.

        Where latencies grow, it is measured again, after 4 s: batches may have grown to what the rate needs.
        """
        window, grew = self._run(rate, warm_up_s, measured_s)
        if grew:
            self.unsure = rate * (_SETTLE_S + measured_s) >= self.supply.left
            if not self.unsure:
                window, _ = self._run(rate, _SETTLE_S, measured_s)
        self.behind = window is None
        return window

    def _run(self, rate: float, warm_up_s: float, measured_s: float) -> tuple[Window | None, bool]:
        """A window, or none and whether all arrived, later and later."""
        skipped = int(rate * warm_up_s)
        events, began_s = self.supply.take(skipped + int(rate * measured_s)), time.time() + _AHEAD_S
        self.sender.send(events[:skipped], began_s, rate)
        before = self.usage()
        late_s = self.sender.send(events[skipped:], began_s + skipped / rate, rate)
        after = self.usage()
        arrivals, missing = self._drain(events, DRAIN_S)
        due = list(schedule(events, began_s, rate))
        found = None if missing else latencies_s(due, arrivals)
        if found is None:
            return None, False
        found = found[sum(event.matters for event in events[:skipped]) :]
        if grows(found):
            return None, True
        outputs = sum(before.at_s <= arrival.at_s < after.at_s for arrival in arrivals)
        latencies_ms = [latency_s * 1000 for latency_s in found]
        per_event = outputs / (len(events) - skipped)
        cpu = cpu_percent(before, after)
        return Window(latencies_ms, cpu, _batch(before, after), per_event, late_s * 1000), False

    def single(self, count: int) -> list[float]:
        """Latencies (ms) of `count` events, each sent when the one before is visible and a pause is over, whose length
        varies so that it falls in step with nothing. Raises BenchmarkFailed where one never becomes visible.
        """
        found, pauses = [], Random(1)
        for event in self.supply.take(2 * count):
            time.sleep(pauses.uniform(*_PAUSE_S))
            due_s = time.time()
            self.sender.send([event], due_s, 1)
            if not event.matters:
                continue
            arrivals, missing = self._drain([event], DRAIN_S)
            latencies = None if missing else latencies_s([(due_s, event.covered)], arrivals)
            if latencies is None:
                raise BenchmarkFailed(f"{self.entrant.name}: an event never became visible{self.contender.tail()}")
            found += [latency_s * 1000 for latency_s in latencies]
            if len(found) == count:
                break
        return found

    def usage(self) -> Usage:
        """Up to now. Raises BenchmarkFailed when the contestant has ended."""
        said = self.contender.listen()
        return Usage(time.time(), cpu_s([self.contender.process.pid]), said.get("steps"), said.get("stepped"))

    def _drain(self, events: Sequence[Event], within_s: float) -> tuple[list[Arrival], Missing]:
        missing = Missing(event.covered for event in events if event.matters)
        arrivals: list[Arrival] = []
        deadline_s = time.monotonic() + within_s
        while True:
            came = self.reader.take()
            arrivals += came
            missing.take(came)
            if not missing or time.monotonic() > deadline_s:
                return arrivals, missing
            self.contender.listen()
            time.sleep(_ASK_S)


def cpu_percent(before: Usage, after: Usage) -> float:
    """Of a core."""
    return 100 * (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s)


@contextmanager
def session(kafka: BenchKafka, entrant: Entrant, data: DataSet) -> Iterator[Session]:
    """A contestant that has begun, warm, on topics that are gone when the context is left."""
    own = replace(data, name=f"latency-{uuid4().hex[:8]}")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="skillstream-bench-"))
        run = Run(kafka.bootstrap, own, EVENTS, f"{own.prefix}group", Path(folder))
        output = entrant.contestant.output(run)
        given = ((own.topic, ACTIVITY), (output, UPDATES))
        ensure_topics(run.broker, [TopicSpec(name, PARTITIONS, config=topic.config) for name, topic in given])
        stack.callback(delete_topics, run.broker, lambda name: name.startswith(own.prefix) or own.name in name)
        command, environment = entrant.contestant.command(run), entrant.contestant.environment(run)
        contender = Contender.start(entrant.name, command, environment, run.folder, entrant.contestant.tree)
        stack.callback(contender.end)
        reader = stack.enter_context(reading(run.broker, output, entrant.matched))
        supply = Supply(data, Numbering(entrant.matched))
        began = Session(entrant, contender, supply, Sender(run.broker, own.topic), reader)
        began.warm_up()
        yield began


def _batch(before: Usage, after: Usage) -> float | None:
    if before.steps is None or after.steps is None or before.stepped is None or after.stepped is None:
        return None
    steps = after.steps - before.steps
    return (after.stepped - before.stepped) / steps if steps else None
