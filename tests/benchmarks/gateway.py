"""The gateway: events a second for each core that it uses, in requests of 50, acknowledged by the broker."""

import base64
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen
from uuid import UUID

import orjson

from streams.replay import batches
from streams.simulation import simulate
from tests.benchmarks.broker import BenchKafka, cpu_s, delete_topics
from tests.benchmarks.datasets import PARTITIONS
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.process import BenchmarkFailed, Contender
from tests.benchmarks.sizes import Sizes
from tests.contract.xapi_statements import statement
from tests.gateways import NORTH, NORTH_KEY, actor, tenants_file
from tests.servers.ports import free_ports

NAME: Final = "gateway"
_BATCH: Final = 50
_BODIES: Final = 40
_CONNECTIONS: Final = 8
_WARM_UP_S: Final = 2.0
_MEASURED_S: Final = 8.0
_PATIENCE_S: Final = 60.0
_TARGET: Final = Target("at least", 5_000, "value")
_DOORS: Final[Mapping[str, tuple[str, str]]] = {
    "statements": ("/xapi/statements", "application/json"),
    "events": ("/events", "application/x-ndjson"),
}


@dataclass
class Measured:
    """Of all rounds: events a second, and events for each second of CPU time of the gateway."""

    rates: list[float]
    of_a_core: list[float]


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Statements and native events, each in requests of 50 over a few connections."""
    found = {name: Measured([], []) for name in _DOORS}
    with TemporaryDirectory(prefix="skillstream-bench-") as name:
        folder = Path(name)
        for number in range(1, sizes.rounds + 1):
            for door, measured in found.items():
                _round(kafka, folder, door, measured)
                said = f"{measured.rates[-1]:,.0f} events/s, {measured.of_a_core[-1]:,.0f} a core"
                sys.stderr.write(f"  round {number} of {sizes.rounds}  {NAME}.{door}: {said}\n")
    return [*_figures(rounds, found)]


def _figures(rounds: Rounds, found: Mapping[str, Measured]) -> Iterator[Figure]:
    for door, measured in found.items():
        unit = f"events/s a core, {_BATCH} a request"
        yield rounds.figure(f"{NAME}.{door}", unit, measured.of_a_core, target=_TARGET)
        yield rounds.figure(f"{NAME}.{door}.rate", f"events/s, {_CONNECTIONS} connections", measured.rates)


def _round(kafka: BenchKafka, folder: Path, door: str, measured: Measured) -> None:
    [port], prefix = free_ports(1), f"bench-{token_hex(4)}."
    with _gateway(kafka, folder, port, prefix) as running, _posting(folder, port, door) as posting:
        time.sleep(_WARM_UP_S)
        before, before_s = dict(_said(posting)), cpu_s([running.process.pid])
        time.sleep(_MEASURED_S)
        after, after_s = dict(_said(posting)), cpu_s([running.process.pid])
    events = after["posted"] - before["posted"]
    measured.rates.append(events / (after["posted_s"] - before["posted_s"]))
    measured.of_a_core.append(events / (after_s - before_s))
    delete_topics(kafka.bootstrap, lambda topic: topic.startswith(prefix))


def _said(posting: Contender) -> Mapping[str, float]:
    """What it says next: so its count and the CPU time are of one moment."""
    heard, deadline_s = posting.listen().get("posted_s"), time.monotonic() + _PATIENCE_S
    while (said := posting.listen()).get("posted_s") == heard or "posted" not in said:
        if time.monotonic() > deadline_s:
            raise BenchmarkFailed(f"no answer from the gateway{posting.tail()}")
        time.sleep(0.002)
    return said


@contextmanager
def _gateway(kafka: BenchKafka, folder: Path, port: int, prefix: str) -> Iterator[Contender]:
    """One that answers."""
    environment = {
        "SKILLSTREAM_BROKER": kafka.bootstrap,
        "SKILLSTREAM_PARTITIONS": str(PARTITIONS),
        "SKILLSTREAM_TOPIC_PREFIX": prefix,
        "SKILLSTREAM_GATEWAY_PORT": str(port),
        "SKILLSTREAM_TENANTS": str(tenants_file(folder)),
    }
    running = Contender.start("gateway", [sys.executable, "-m", "agents.cli", "gateway"], environment, folder)
    try:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not _is_ready(port):
            running.listen()
            if time.monotonic() > deadline_s:
                raise BenchmarkFailed(f"the gateway is not ready{running.tail()}")
            time.sleep(0.05)
        yield running
    finally:
        running.end()


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
            return True
    except (URLError, OSError):
        return False


@contextmanager
def _posting(folder: Path, port: int, door: str) -> Iterator[Contender]:
    path, content_type = _DOORS[door]
    bodies = folder / f"{door}.bodies"
    if not bodies.exists():
        bodies.write_bytes(b"\n".join(base64.b64encode(body) for body in _bodies(door)))
    arguments = [str(bodies), str(port), path, content_type, NORTH_KEY, str(_BATCH), str(_CONNECTIONS)]
    posting = Contender.start("posting", [sys.executable, "-m", "tests.benchmarks.posting", *arguments], {}, folder)
    try:
        yield posting
    finally:
        posting.end()


def _bodies(door: str) -> Iterator[bytes]:
    if door == "statements":
        rng = Random(7)
        for _ in range(_BODIES):
            yield orjson.dumps([_statement(rng) for _ in range(_BATCH)])
    else:
        events = (orjson.loads(record.value) for record in simulate(200, _BODIES * _BATCH, 7, faults=0.0))
        ours = [orjson.dumps({**event, "student_id": f"{NORTH}{event['student_id']}"}) for event in events]
        yield from (b"\n".join(some) + b"\n" for some in batches(ours, _BATCH))


def _statement(rng: Random) -> dict[str, object]:
    """An answer to a question, scored."""
    return statement(
        id=str(UUID(int=rng.getrandbits(128), version=4)),
        actor=actor(f"student-{rng.randrange(200)}"),
        result={"score": {"scaled": rng.randrange(11) / 10}, "success": True, "duration": "PT42.5S"},
        context={"platform": "bench", "contextActivities": {"parent": [{"id": "https://north.example/quizzes/1"}]}},
    )
