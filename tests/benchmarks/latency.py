"""From produce to consumable update, at half the top rate and at a light one, against a bare echo at the same rate.

    producer ──► student-activity ──► worker ──► skill-updates ──► reader        all clocks are this machine's
      t0 of every event                                           t1 of every update

An event is visible when an update of its student arrives whose seq covers the event's offset. The producer (of another
process, as is the reader) notes the moment before each send; the i-th event that it sends to a partition has offset i,
as it alone writes there, idempotently. The echo sends every event on as it is: its i-th record is event i.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np

from agents.kafka.topics import TopicSpec, ensure_topics
from schemas.topics import ACTIVITY, UPDATES
from tests.benchmarks.broker import BenchKafka, delete_topics
from tests.benchmarks.contestants import CONTESTANTS, worker_environment
from tests.benchmarks.datasets import PARTITIONS, PLAIN, ROOT, fill
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.process import BenchmarkFailed, Contender
from tests.benchmarks.race import race
from tests.benchmarks.sizes import Sizes

NAME: Final = "latency"
_AT_MOST: Final = Target("at most", 3)
_LIGHT_RATE: Final = 1_000
_FULL_S: Final = 12.0
_WARM_UP: Final = 0.25  # of the events: not counted
_START_S: Final = 60.0
_POLL_S: Final = 0.05
_QUANTILES: Final = {"p50": 50, "p99": 99}

Quantiles = dict[str, float]


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds, top_rate: float | None) -> list[Figure]:
    """Latencies in ms. Without the `top_rate` of our worker (events/s) it is measured first."""
    if top_rate is None:
        fill(kafka.bootstrap, PLAIN, sizes.events)
        top_rate = race(CONTESTANTS["skillstream"], kafka, sizes.events).events_a_s
    rates = {NAME: max(100, int(top_rate / 2)), f"{NAME}_light": _LIGHT_RATE}
    runs: dict[str, list[tuple[Quantiles, Quantiles]]] = {which: [] for which in rates}
    for number in range(1, sizes.rounds + 1):
        for which, rate in rates.items():
            count = min(int(rate * _FULL_S), sizes.events)
            ours, echo = (_one(kafka, who, rate, count) for who in ("skillstream", "echo"))
            runs[which].append((ours, echo))
            shown = "  ".join(f"{name} {ours[name]:.1f} ms, echo {echo[name]:.1f} ms" for name in _QUANTILES)
            sys.stderr.write(f"  round {number} of {sizes.rounds}  latency at {rate:,} events/s: {shown}\n")
    return [
        rounds.figure(
            f"{which}_{name}",
            f"ms at {rates[which]:,} events/s",
            [ours[name] for ours, _echo in pairs],
            against=f"echo, {np.median([echo[name] for _ours, echo in pairs]):.1f} ms",
            ratios=[ours[name] / echo[name] for ours, echo in pairs],
            target=_AT_MOST if which == NAME else None,
        )
        for which, pairs in runs.items()
        for name in _QUANTILES
    ]


def _one(kafka: BenchKafka, name: str, rate: int, count: int) -> Quantiles:
    """One run: start, wait until it owns its partitions, send at `rate`, read what comes out."""
    prefix = f"latency-{uuid4().hex[:8]}."
    group, source, output = f"{prefix}group", f"{prefix}student-activity", f"{prefix}skill-updates"
    given = ((source, ACTIVITY), (output, UPDATES))
    ensure_topics(kafka.bootstrap, [TopicSpec(name, PARTITIONS, config=topic.config) for name, topic in given])
    addresses = [kafka.bootstrap, source, group, output]
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as scratch:
        folder = Path(scratch)
        environment = worker_environment(kafka.bootstrap, group, prefix)
        module = "echo" if name == "echo" else "skillstream_worker"
        command = [sys.executable, "-m", f"tests.benchmarks.peers.{module}", *addresses]
        with _running(name, command, environment, folder, "ready_s" if name == "echo" else "partitions"):
            found = _probe(kafka.bootstrap, source, output, rate, count, name)
    delete_topics(kafka.bootstrap, lambda topic: topic.startswith(prefix))
    return found


@contextmanager
def _running(
    name: str, command: list[str], environment: dict[str, str], folder: Path, ready: str
) -> Iterator[Contender]:
    contender = Contender.start(name, command, environment, folder)
    try:
        deadline_s = time.monotonic() + _START_S
        while not contender.listen().get(ready):
            if time.monotonic() > deadline_s:
                raise BenchmarkFailed(f"{name} owns no partitions{contender.tail()}")
            time.sleep(_POLL_S)
        yield contender
    finally:
        contender.end()


def _probe(broker: str, source: str, output: str, rate: int, count: int, name: str) -> Quantiles:
    by = "position" if name == "echo" else "seq"
    arguments = [broker, source, output, str(rate), str(count), by, str(_WARM_UP)]
    command = [sys.executable, "-m", "tests.benchmarks.latency_probe", *arguments]
    timeout_s = 3 * count / rate + 2 * _START_S
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        raise BenchmarkFailed(f"the probe of {name} failed: {done.stderr[-2_000:]}")
    said: Quantiles = json.loads(done.stdout.splitlines()[-1])
    return said
