"""Restoring a table from its changelog: our worker with all rows, stock Faust with a prefix of the same records.

Rows are what the pure pipeline makes of simulated students, repeated under keys of their own, each on its key's owning
partition. Timed in both by the same two methods of the table: from the first record of the log that is handed to it
until the recovery is complete. Faust keeps bytes as bytes and decodes nothing.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import uuid4

from agents.kafka.topics import TopicSpec, ensure_topics
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay, batches
from streams.simulation import SimulatedRecord, simulate
from tests.benchmarks.broker import BenchKafka, delete_topics
from tests.benchmarks.contestants import worker_environment
from tests.benchmarks.datasets import PARTITIONS, ROOT, produce
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.piping import patient_skills
from tests.benchmarks.process import BenchmarkFailed, Contender
from tests.benchmarks.sizes import Sizes
from tests.events import fail_source

NAME: Final = "recovery"
_TARGET: Final = Target("at least", 10)
_FAUST_ROWS: Final = 100_000
_TEMPLATE_STUDENTS: Final = 500
_TEMPLATE_EVENTS: Final = 25_000
_NOW_MS: Final = 1_900_000_000_000
_TIMEOUT_S: Final = 300.0
_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Restoring:
    """Who restores `rows` from its changelog: a worker of a checkout of ours, or stock Faust, by its program."""

    app: str
    rows: int
    program: str = "skillstream_worker"
    tree: Path = ROOT

    @property
    def changelog(self) -> str:
        """The topic."""
        return f"{self.app}-students-changelog"


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Rows a second, against stock Faust's."""
    run = f"recovery-{uuid4().hex[:8]}"
    ours = Restoring(f"{run}-ours", sizes.rows)
    faust = Restoring(f"{run}-faust", min(_FAUST_ROWS, sizes.rows), "faust_recovery")
    rates = compare(kafka, (ours, template_rows()), (faust, template_rows()), sizes=sizes)
    ratios = [our / their for our, their in zip(*rates, strict=True)]
    return [
        rounds.figure(NAME, "rows/s", rates[0], against="stock Faust", ratios=ratios, target=_TARGET),
        rounds.figure("recovery_faust", "rows/s", rates[1]),
    ]


def compare(kafka: BenchKafka, *given: tuple[Restoring, Sequence[bytes]], sizes: Sizes) -> list[list[float]]:
    """Rows a second of each, in turn, from changelogs of the rows that are given with it."""
    for restoring, templates in given:
        _fill(kafka.bootstrap, restoring, templates)
    rates: list[list[float]] = [[] for _ in given]
    for number in range(1, sizes.rounds + 1):
        for (restoring, _), found in zip(given, rates, strict=True):
            found.append(restoring.rows / _seconds(kafka, restoring))
            shown = f"recovery {restoring.app:30} {found[-1]:,.0f} rows/s"
            sys.stderr.write(f"  round {number} of {sizes.rounds}  {shown}\n")
    delete_topics(kafka.bootstrap, lambda name: any(name.startswith(restoring.app) for restoring, _ in given))
    return rates


def _fill(broker: str, restoring: Restoring, templates: Sequence[bytes]) -> None:
    sys.stderr.write(f"  {restoring.rows:,} rows for the changelog of {restoring.app}\n")
    compacted = TopicSpec(restoring.changelog, PARTITIONS, config={"cleanup.policy": "compact"})
    ensure_topics(broker, [compacted, TopicSpec(f"{restoring.app}.student-activity", PARTITIONS)])
    produce(broker, restoring.changelog, islice(changelog(templates), restoring.rows))


def changelog(templates: Sequence[bytes]) -> Iterator[SimulatedRecord]:
    """Endless rows of different students."""
    number = 0
    while True:
        yield SimulatedRecord(f"sim-{number:07d}".encode(), templates[number % len(templates)])
        number += 1


@cache
def template_rows() -> list[bytes]:
    """Encoded rows of simulated students, of about fifty events each."""
    simulated = simulate(_TEMPLATE_STUDENTS, _TEMPLATE_EVENTS, seed=3, faults=0.0)
    found = [FileRecord(offset, _NOW_MS, record.value) for offset, record in enumerate(simulated)]
    replay = Replay(Pipeline(patient_skills(), load_artifact("default"), on_failure=fail_source))

    async def feed() -> None:
        for batch in batches(found):
            await replay.feed(batch)

    asyncio.run(feed())
    return [row for _, row in replay.rows.items(0)]


def _seconds(kafka: BenchKafka, restoring: Restoring) -> float:
    """One recovery, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as folder:
        app = restoring.app
        addresses = [kafka.bootstrap, f"{app}.student-activity", app, f"{app}-out"]
        command = [sys.executable, "-m", f"tests.benchmarks.peers.{restoring.program}", *addresses]
        environment = worker_environment(kafka.bootstrap, app, f"{app}.")
        contender = Contender.start(app, command, environment, Path(folder), restoring.tree)
        try:
            said = _await_recovered(contender, restoring.rows)
        finally:
            contender.end()
    return said["recovered_s"] - said["recovering_s"]


def _await_recovered(contender: Contender, rows: int) -> dict[str, float]:
    deadline_s = time.monotonic() + _TIMEOUT_S
    while True:
        said = contender.listen()
        if said.get("rows") == rows:
            return said
        if time.monotonic() > deadline_s:
            raise BenchmarkFailed(f"not {rows} rows: {said}{contender.tail()}")
        time.sleep(_POLL_S)
