"""Restoring a table from its changelog: our worker with all rows, stock Faust with a prefix of the same records.

Rows are what the pure pipeline makes of simulated students, repeated under keys of their own, each on its key's owning
partition. Timed in both by the same two methods of the table: from the first record of the log that is handed to it
until the recovery is complete. Faust keeps bytes as bytes and decodes nothing.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
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
from tests.benchmarks.datasets import PARTITIONS, produce
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


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Rows a second, against stock Faust's."""
    run = f"recovery-{uuid4().hex[:8]}"
    few = min(_FAUST_ROWS, sizes.rows)
    apps = {"ours": (f"{run}-ours", sizes.rows), "faust": (f"{run}-faust", few)}
    rates: dict[str, list[float]] = {name: [] for name in apps}
    for app, rows in apps.values():
        _fill(kafka.bootstrap, app, rows)
    for number in range(1, sizes.rounds + 1):
        for name, (app, rows) in apps.items():
            rates[name].append(rows / _seconds(kafka, name, app, rows))
        sys.stderr.write(
            f"  round {number} of {sizes.rounds}  recovery {rates['ours'][-1]:,.0f} rows/s, "
            f"stock Faust {rates['faust'][-1]:,.0f}\n"
        )
    delete_topics(kafka.bootstrap, lambda name: name.startswith(run))
    ratios = [ours / theirs for ours, theirs in zip(rates["ours"], rates["faust"], strict=True)]
    return [
        rounds.figure(NAME, "rows/s", rates["ours"], against="stock Faust", ratios=ratios, target=_TARGET),
        rounds.figure("recovery_faust", "rows/s", rates["faust"]),
    ]


def _fill(broker: str, app: str, rows: int) -> None:
    sys.stderr.write(f"  {rows:,} rows for the changelog of {app}\n")
    compacted = TopicSpec(_changelog(app), PARTITIONS, config={"cleanup.policy": "compact"})
    ensure_topics(broker, [compacted, TopicSpec(f"{app}.student-activity", PARTITIONS)])
    produce(broker, _changelog(app), islice(changelog(), rows))


def changelog() -> Iterator[SimulatedRecord]:
    """Endless rows of different students."""
    templates = template_rows()
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


def _changelog(app: str) -> str:
    return f"{app}-students-changelog"


def _seconds(kafka: BenchKafka, name: str, app: str, rows: int) -> float:
    """One recovery, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as folder:
        addresses = [kafka.bootstrap, f"{app}.student-activity", app, f"{app}-out"]
        module = "skillstream_worker" if name == "ours" else "faust_recovery"
        command = [sys.executable, "-m", f"tests.benchmarks.peers.{module}", *addresses]
        environment = worker_environment(kafka.bootstrap, app, f"{app}.")
        contender = Contender.start(f"recovery-{name}", command, environment, Path(folder))
        try:
            said = _await_recovered(contender, rows)
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
