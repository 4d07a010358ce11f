"""Batch inference beside the stream: what it costs the stream's latency, and what a batch saves."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Final

from streams.simulation import simulate
from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import PLAIN
from tests.benchmarks.latency.field import OURS, Entrant
from tests.benchmarks.latency.session import DRAIN_S, Session, Window, session
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.process import BenchmarkFailed, Contender
from tests.benchmarks.sizes import Sizes
from tests.servers.ports import free_ports

NAME: Final = "inference"
RATE: Final = 1_000
_WARM_UP_S: Final = 2.0
_MEASURED_S: Final = 8.0
_ITEMS: Final = 10_000
_STUDENTS: Final = 200
_SINGLE: Final = 1
_PATIENCE_S: Final = 60.0
_ALONE_S: Final = 5.0
_SLOWER: Final = Target("at most", 1.2)
_FASTER: Final = Target("at least", 10)


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """p50 and p99 of the stream in ms while a batch is always asked for, against none in the same round and session;
    items a second of batches, against requests of one item.
    """
    quiet: list[Window] = []
    busy: list[Window] = []
    beside: list[float] = []
    batches: list[float] = []
    singles: list[float] = []
    with TemporaryDirectory(prefix="skillstream-bench-") as folder:
        body = _write_events(Path(folder))
        for number in range(1, sizes.rounds + 1):
            [port], token = free_ports(1), token_hex(16)
            with session(kafka, _entrant(port, token), PLAIN) as running:
                for asks in (False, True) if number % 2 else (True, False):
                    if asks:
                        with _asking(port, token, body, _ITEMS) as asking:
                            busy.append(_window(running))
                            beside.append(_rate(asking))
                    else:
                        quiet.append(_window(running))
                for found, at_once in ((batches, _ITEMS), (singles, _SINGLE)):
                    with _asking(port, token, body, at_once) as asking:
                        time.sleep(_ALONE_S)
                        found.append(_rate(asking))
            shown = f"p50 {busy[-1].quantile_ms(50):.1f} ms beside {beside[-1]:,.0f} items/s"
            shown += f", {quiet[-1].quantile_ms(50):.1f} without"
            sys.stderr.write(
                f"  round {number} of {sizes.rounds}  {NAME}: {shown}; {batches[-1]:,.0f} against {singles[-1]:,.0f}\n"
            )
    return [*_slower(rounds, quiet, busy), *_faster(rounds, beside, batches, singles)]


def _entrant(port: int, token: str) -> Entrant:
    settings = {"SKILLSTREAM_WEB_PORT": str(port), "SKILLSTREAM_INFERENCE_TOKEN": token}
    return replace(OURS, contestant=replace(OURS.contestant, settings=settings))


def _write_events(folder: Path) -> Path:
    body = folder / "events.ndjson"
    body.write_bytes(b"".join(record.value + b"\n" for record in simulate(_STUDENTS, _ITEMS, 7, faults=0.0)))
    return body


def _window(running: Session) -> Window:
    window = running.run(RATE, _WARM_UP_S, _MEASURED_S)
    if window is None:
        raise BenchmarkFailed(f"the worker falls behind at {RATE:,} events/s, or within {DRAIN_S:.0f} s of the last")
    return window


@contextmanager
def _asking(port: int, token: str, body: Path, at_once: int) -> Iterator[Contender]:
    """Somebody who has had an answer, and asks on."""
    command = [sys.executable, "-m", "tests.benchmarks.asking", str(port), token, str(body), str(at_once)]
    asking = Contender.start("asking", command, {}, body.parent)
    try:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not asking.listen():
            if time.monotonic() > deadline_s:
                raise BenchmarkFailed(f"no answer from /inference/batch{asking.tail()}")
            time.sleep(0.05)
        yield asking
    finally:
        asking.end()


def _rate(asking: Contender) -> float:
    said = asking.listen()
    return said["asked"] / said["asked_s"]


def _slower(rounds: Rounds, quiet: list[Window], busy: list[Window]) -> Iterator[Figure]:
    for percent in (50, 99):
        values = [window.quantile_ms(percent) for window in busy]
        ratios = [value / window.quantile_ms(percent) for value, window in zip(values, quiet, strict=True)]
        unit = f"ms at {RATE:,} events/s"
        against = "no batch inference"
        yield rounds.figure(f"{NAME}.p{percent}", unit, values, against=against, ratios=ratios, target=_SLOWER)


def _faster(rounds: Rounds, beside: list[float], batches: list[float], singles: list[float]) -> Iterator[Figure]:
    unit = f"items/s, {_ITEMS:,} a request"
    yield rounds.figure(f"{NAME}.beside", f"{unit}, beside the stream", beside)
    ratios = [batch / single for batch, single in zip(batches, singles, strict=True)]
    yield rounds.figure(NAME, unit, batches, against="one item a request", ratios=ratios, target=_FASTER)
