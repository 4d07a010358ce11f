"""One worker from its first event to its second start: what a student, an event and a record cost it.

Events are waiting when it starts. CPU time is that of its process from the first record that it is handed until all
is committed; bytes are those of the segments on the broker's disk; then it drains, and another reads the table back.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from tests.benchmarks.broker import BenchKafka, Watch, cpu_s, delete_topics
from tests.benchmarks.contestants import worker_environment
from tests.benchmarks.datasets import DataSet, fill
from tests.benchmarks.process import BenchmarkFailed, Contender

_TIMEOUT_S: Final = 600.0
_DRAIN_S: Final = 60.0
_POLL_S: Final = 0.05
_PROGRAM: Final = "skillstream_worker"


@dataclass(frozen=True, slots=True)
class Load:
    """How much a worker is given."""

    students: int
    events: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What it took. `rows` and `updates` are records written; `restored` records were read back in `restored_s`,
    `start_s` after the process began. `peak_bytes` is the most that a process held, folding or restoring.
    """

    load: Load
    steps: int
    updates: int
    rows: int
    cpu_s: float
    event_bytes: float
    update_bytes: float
    row_bytes: float
    peak_bytes: int
    restored: int
    restored_s: float
    start_s: float


def spend(kafka: BenchKafka, load: Load) -> Spent:
    """Run it. Raises BenchmarkFailed where it does not come to its end."""
    data = DataSet(f"one-worker-{load.students}-{load.events}", load.students, texts=False, about="")
    app = f"one-worker-{uuid4().hex[:8]}"
    fill(kafka.bootstrap, data, load.events)
    watch = Watch(kafka.bootstrap, app, data.topic)
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as folder:
        environment = worker_environment(kafka.bootstrap, app, data.prefix)
        addresses = [kafka.bootstrap, data.topic, app, f"{data.prefix}skill-updates"]

        def start(name: str) -> Contender:
            return Contender.start(name, _command(addresses), environment, Path(folder))

        first = start("first")
        try:
            _await(first, lambda: "first_s" in first.said)
            from_s = cpu_s([first.process.pid])
            _await(first, lambda: watch.committed() >= load.events)
            took_s, said = cpu_s([first.process.pid]) - from_s, dict(first.listen())
            peak_bytes = _peak_bytes(first)
            first.process.terminate()
            first.process.wait(_DRAIN_S)
        finally:
            first.end()
        started_s = time.time()
        second = start("second")
        try:
            _await(second, lambda: second.said.get("partitions", 0) > 0 and second.said.get("rows", 0) > 0)
            peak_bytes = max(peak_bytes, _peak_bytes(second))
            restored_s = second.said["recovered_s"] - second.said["recovering_s"]
            start_s = second.said["recovering_s"] - started_s
        finally:
            second.end()
    updates, rows = (watch.ends(topic) for topic in (f"{data.prefix}skill-updates", f"{app}-students-changelog"))
    spent = Spent(
        load=load,
        steps=int(said["steps"]),
        updates=updates,
        rows=rows,
        cpu_s=took_s,
        event_bytes=_log_bytes(kafka, data.topic) / load.events,
        update_bytes=_log_bytes(kafka, f"{data.prefix}skill-updates") / updates,
        row_bytes=_log_bytes(kafka, f"{app}-students-changelog") / rows,
        peak_bytes=peak_bytes,
        restored=rows,
        restored_s=restored_s,
        start_s=start_s,
    )
    watch.close()
    delete_topics(kafka.bootstrap, lambda name: name.startswith((app, data.prefix)))
    return spent


def _command(addresses: list[str]) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.peers.{_PROGRAM}", *addresses]


def _await(worker: Contender, is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _TIMEOUT_S
    while not (worker.listen() is not None and is_so()):
        if time.monotonic() > deadline_s:
            raise BenchmarkFailed(f"{worker.name} is stuck: {worker.said}{worker.tail()}")
        time.sleep(_POLL_S)


def _peak_bytes(worker: Contender) -> int:
    """Linux."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    (size_kib,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(size_kib) * 1024


def _log_bytes(kafka: BenchKafka, topic: str) -> int:
    return sum(path.stat().st_size for path in kafka.folder.glob(f"*/{topic}-*/*.log"))
