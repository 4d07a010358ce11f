"""Batch inference beside the stream: what it costs the stream's latency, and what a batch saves."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Final

from streams.simulation import simulate
from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import PLAIN
from tests.benchmarks.latency.field import OURS, Entrant
from tests.benchmarks.latency.session import Session, Window, session
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


@dataclass
class Found:
    """What all rounds found. `fell` counts windows in which the worker fell behind, `asked` and not; their rounds are
    begun anew.
    """

    quiet: list[Window] = field(default_factory=list)
    busy: list[Window] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)
    singles: list[float] = field(default_factory=list)
    fell: Counter[str] = field(default_factory=Counter)

    def shown(self) -> str:
        """The last round."""
        busy, quiet = (windows[-1].quantile_ms(50) for windows in (self.busy, self.quiet))
        alone = f"{self.batches[-1]:,.0f} items/s in batches, {self.singles[-1]:,.0f} one by one"
        return f"p50 {busy:.1f} ms beside {self.beside[-1]:,.0f} items/s, {quiet:.1f} without; {alone}"


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """p50 and p99 of the stream in ms while a batch is always asked for, against none in the same round and session;
    items a second of batches, against requests of one item.
    """
    found = Found()
    with TemporaryDirectory(prefix="skillstream-bench-") as folder:
        body = _write_events(Path(folder))
        while len(found.quiet) < sizes.rounds:
            if not _round(kafka, body, found):
                if found.fell.total() > sizes.rounds:
                    raise BenchmarkFailed(f"the worker falls behind at {RATE:,} events/s: {dict(found.fell)}")
                continue
            sys.stderr.write(f"  round {len(found.quiet)} of {sizes.rounds}  {NAME}: {found.shown()}\n")
    return [*_slower(rounds, found), *_faster(rounds, found)]


def _round(kafka: BenchKafka, body: Path, found: Found) -> bool:
    """Whether the worker kept up."""
    [port], token = free_ports(1), token_hex(16)
    with session(kafka, _entrant(port, token), PLAIN) as running:
        windows: dict[bool, Window] = {}
        rate = 0.0
        for asks in (False, True) if len(found.quiet) % 2 else (True, False):
            window, beside = _window(running, port, token, body) if asks else (_run(running), 0.0)
            if window is None:
                found.fell["asked" if asks else "not asked"] += 1
                return False
            windows[asks], rate = window, beside if asks else rate
        found.quiet.append(windows[False])
        found.busy.append(windows[True])
        found.beside.append(rate)
        for rates, at_once in ((found.batches, _ITEMS), (found.singles, _SINGLE)):
            with _asking(port, token, body, at_once) as asking:
                time.sleep(_ALONE_S)
                rates.append(_rate(asking))
    return True


def _window(running: Session, port: int, token: str, body: Path) -> tuple[Window | None, float]:
    """While somebody asks: how the stream does, and how many items a second are scored."""
    with _asking(port, token, body, _ITEMS) as asking:
        return _run(running), _rate(asking)


def _run(running: Session) -> Window | None:
    return running.run(RATE, _WARM_UP_S, _MEASURED_S)


def _entrant(port: int, token: str) -> Entrant:
    settings = {"SKILLSTREAM_WEB_PORT": str(port), "SKILLSTREAM_INFERENCE_TOKEN": token}
    return replace(OURS, contestant=replace(OURS.contestant, settings=settings))


def _write_events(folder: Path) -> Path:
    body = folder / "events.ndjson"
    body.write_bytes(b"".join(record.value + b"\n" for record in simulate(_STUDENTS, _ITEMS, 7, faults=0.0)))
    return body


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


def _slower(rounds: Rounds, found: Found) -> Iterator[Figure]:
    fell = f" (fell behind {', '.join(f'{n} times {how}' for how, n in found.fell.items())})" if found.fell else ""
    for percent in (50, 99):
        values = [window.quantile_ms(percent) for window in found.busy]
        ratios = [value / window.quantile_ms(percent) for value, window in zip(values, found.quiet, strict=True)]
        unit, against = f"ms at {RATE:,} events/s{fell}", "no batch inference"
        yield rounds.figure(f"{NAME}.p{percent}", unit, values, against=against, ratios=ratios, target=_SLOWER)


def _faster(rounds: Rounds, found: Found) -> Iterator[Figure]:
    unit = f"items/s, {_ITEMS:,} a request"
    yield rounds.figure(f"{NAME}.beside", f"{unit}, beside the stream", found.beside)
    ratios = [batch / single for batch, single in zip(found.batches, found.singles, strict=True)]
    yield rounds.figure(NAME, unit, found.batches, against="one item a request", ratios=ratios, target=_FASTER)
