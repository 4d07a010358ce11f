"""One run of one contestant, timed from outside, by one rule for all.

    first record handed        last output on the broker,            its offset
    to the contestant's code   or last record handled                committed
            │◄──────────────────── timed ───────────────────►│            │
    ────────┴─────────────────────────────────────────────────┴────────────┴───► ends here, or fails

The broker is asked every 50 ms how far outputs and commits are; a run counts only when all records were committed and,
with an output for every event, all outputs are there. The wait for the commit's tick (all commit once a second) is not
timed, for anyone. CPU time is that of the contestant's processes between the same two moments.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

from agents.kafka.topics import TopicSpec, ensure_topics
from schemas.topics import UPDATES
from tests.benchmarks.broker import Broker, Watch, cpu_s, delete_topics
from tests.benchmarks.checks import check_table
from tests.benchmarks.contestants import Contestant, Run
from tests.benchmarks.datasets import PARTITIONS, ROOT
from tests.benchmarks.process import BenchmarkFailed, Contender

_POLL_S: Final = 0.05
_STALL_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Result:
    """`events` done in `took_s`; `cpu_s` of the contestant; how many cores the broker kept busy; outputs produced."""

    events: int
    took_s: float
    cpu_s: float
    broker_cores: float
    outputs: int

    @property
    def events_a_s(self) -> float:
        """The figure that is compared."""
        return self.events / self.took_s

    @property
    def cpu_us(self) -> float:
        """CPU time of the contestant, µs an event."""
        return self.cpu_s / self.events * 1e6


@dataclass(frozen=True, slots=True)
class Glance:
    """How far a run was at one moment."""

    at_s: float
    committed: int
    outputs: int
    cpu_s: float
    broker_cpu_s: float


@dataclass
class Course:
    """The glances of a run that goes on, and what ends it."""

    contestant: Contestant
    run: Run
    kafka: Broker
    contenders: list[Contender]
    glances: list[Glance] = field(default_factory=list)

    def finish(self) -> Result:
        """Block until everything is done. Raises BenchmarkFailed when nothing moves for 90 s."""
        watch = Watch(self.run.broker, self.run.group, self.run.data.topic)
        try:
            moved_s = time.monotonic()
            while not self._done():
                glance = self._look(watch)
                if not self.glances or (glance.committed, glance.outputs) != self._progress():
                    moved_s = time.monotonic()
                self.glances.append(glance)
                if time.monotonic() - moved_s > _STALL_S:
                    raise BenchmarkFailed(f"{self.contestant.name} is stuck at {glance}{self.contenders[0].tail()}")
                time.sleep(_POLL_S)
        finally:
            watch.close()
        return self._result()

    def _look(self, watch: Watch) -> Glance:
        for contender in self.contenders:
            contender.listen()
        outputs = 0 if self.contestant.outputs == "none" else watch.ends(self.contestant.output(self.run))
        committed = watch.committed()
        pids = [contender.process.pid for contender in self.contenders]
        return Glance(time.time(), committed, outputs, cpu_s(pids), cpu_s([self.kafka.pid]))

    def _progress(self) -> tuple[int, int]:
        return self.glances[-1].committed, self.glances[-1].outputs

    def _done(self) -> bool:
        if not self.glances or self.glances[-1].committed < self.run.events:
            return False
        if self.contestant.outputs == "an event":
            return self.glances[-1].outputs >= self.run.events
        return self.contestant.outputs != "none" or "done_s" in self.contenders[0].said

    def _result(self) -> Result:
        last = self.glances[-1]
        first_s = min(contender.said.get("first_s", float("inf")) for contender in self.contenders)
        if len(self.contenders) > 1 and any("first_s" not in contender.said for contender in self.contenders):
            raise BenchmarkFailed(f"{self.contestant.name}: one process did all the work")
        done_s, events = self._end()
        if self.contestant.outputs != "none" and not last.outputs:
            raise BenchmarkFailed(f"{self.contestant.name}: committed everything, and produced nothing")
        took_s = done_s - first_s
        return Result(
            events,
            took_s,
            self._at(done_s).cpu_s - self._at(first_s).cpu_s,
            (self._at(done_s).broker_cpu_s - self._at(first_s).broker_cpu_s) / took_s,
            last.outputs,
        )

    def _end(self) -> tuple[float, int]:
        """When the last of it was done, and how many events that was."""
        last = self.glances[-1]
        if self.contestant.outputs == "none":
            said = self.contenders[0].said
            return said["done_s"], int(said["handled"])
        wanted = last.outputs
        if self.contestant.outputs == "an event":
            wanted = min(wanted, self.run.events)
        there = next(glance for glance in self.glances if glance.outputs >= wanted)
        return there.at_s, there.outputs if self.contestant.outputs == "an event" else last.committed

    def _at(self, moment_s: float) -> Glance:
        return min(self.glances, key=lambda glance: abs(glance.at_s - moment_s))


def race(contestant: Contestant, kafka: Broker, total: int, *, check: bool = False) -> Result:
    """Run `contestant` over the first events of its data set's topic, which holds `total`, and clean up after it.

    `check`: compare our worker's table with the events, afterwards; not that of another checkout.
    """
    with _run(contestant, kafka, total) as run:
        ensure_topics(run.broker, [TopicSpec(contestant.output(run), PARTITIONS, config=UPDATES.config)])
        command, environment = contestant.command(run), contestant.environment(run)
        contenders: list[Contender] = []
        try:
            for number in range(contestant.processes):
                name = f"{contestant.name}-{number}"
                contenders.append(Contender.start(name, command, environment, run.folder, contestant.tree))
            result = Course(contestant, run, kafka, contenders).finish()
            if check and contestant.is_worker and contestant.tree == ROOT:
                check_table(run)
        finally:
            for contender in contenders:
                contender.end()
    return result


@contextmanager
def _run(contestant: Contestant, kafka: Broker, total: int) -> Iterator[Run]:
    group = f"{contestant.name}-{uuid4().hex[:8]}"
    data = contestant.data
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as folder:
        events = min(total, contestant.limit or total)
        yield Run(kafka.bootstrap, data, events, group, Path(folder))
    if not kafka.disposable:
        delete_topics(
            kafka.bootstrap,
            lambda name: group in name or (name.startswith(data.prefix) and name != data.topic),
        )
