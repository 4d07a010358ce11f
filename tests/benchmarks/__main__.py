"""`make bench`: run the benchmarks, all or those named, print a table, and write docs/benchmarks.{md,json}.

It also writes the README's words on speed, docs/latency.{json,svg} where a curve was measured, and what pages say of
figures (`make figures`).

make bench                       all, about three hours on two cores
make bench ONLY=latency,memory   these; the others' figures stay in the docs, with their own dates
make bench ONLY=former BEFORE=ca806d8            ours beside that of a former commit
make bench ROUNDS=1 EVENTS=20000 ROWS=20000      a quick try, written to build/bench/ and not to the docs
make bench ONLY=latency_curve ROUNDS=1 RATES=1000,10000 CONTESTANTS=skillstream,echo        parts of a curve
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.benchmarks import (
    capacity,
    decoding,
    decoding_growth,
    embedded,
    former,
    gateway,
    grounding,
    growth,
    hostile,
    inference,
    limits,
    norms,
    packing,
    pure,
    queue_day,
    reading,
    recovery,
    recovery_bound,
    report,
    students_memory,
    templates,
    throughput,
)
from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import FOLDER, ROOT
from tests.benchmarks.latency import collecting, curve, half, light, sustainable
from tests.benchmarks.latency.field import FIELD
from tests.benchmarks.machine import machine, versions
from tests.benchmarks.measure import Figure, Rounds
from tests.benchmarks.process import BenchmarkFailed
from tests.benchmarks.sizes import Sizes
from tests.documents.written import write_figures
from tests.servers.child import ServerFailed, ServerMissing

_LATENCIES: Final = (half.NAME, *curve.CURVES, light.SINGLE, light.IDLE, collecting.NAME, sustainable.OF_PLAIN)
_ALIKE_ON_KAFKA: Final = {
    light.SINGLE: light.single,
    light.IDLE: light.idle,
    collecting.NAME: collecting.measure,
    recovery.NAME: recovery.measure,
    recovery_bound.NAME: recovery_bound.measure,
    former.NAME: former.measure,
    inference.NAME: inference.measure,
    capacity.NAME: capacity.measure,
    gateway.NAME: gateway.measure,
}
_ON_KAFKA: Final = (
    *throughput.NAMES,
    *_LATENCIES,
    recovery.NAME,
    recovery_bound.NAME,
    inference.NAME,
    capacity.NAME,
    gateway.NAME,
)
_ALONE: Final = (
    decoding,
    decoding_growth,
    reading,
    packing,
    growth,
    students_memory,
    embedded,
    limits,
    norms,
    grounding,
    templates,
    queue_day,
)
_WHEN_NAMED: Final = (former.NAME, sustainable.OF_MANY)
NAMES: Final = (*_ON_KAFKA, *(each.NAME for each in _ALONE), *hostile.NAMES, *pure.BENCHMARKS)


def main(arguments: list[str]) -> int:
    """Run those named, or all; 2 for a name or a size that is not there, 1 where a benchmark could not be run."""
    names = [name for argument in arguments for name in argument.split(",") if name] or list(NAMES)
    unknown = set(names) - {*NAMES, *_WHEN_NAMED}
    try:
        sizes = Sizes.of_environment()
    except ValueError as error:
        return _refuse(str(error))
    if unknown:
        return _refuse(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join((*NAMES, *_WHEN_NAMED))}")
    if strangers := set(sizes.contestants) - set(FIELD):
        return _refuse(f"no contestant {', '.join(sorted(strangers))} for latency; there are {', '.join(FIELD)}")
    folder = FOLDER if sizes.reduced else ROOT / "docs"
    figures: list[Figure] = []
    try:
        for part in run(names, sizes, folder):
            figures += part
            report.write(part, folder, None if sizes.reduced else ROOT / "README.md")
    except (BenchmarkFailed, ServerFailed, ServerMissing) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        Console(width=None if sys.stdout.isatty() else 200).print(report.table(figures))
    if not sizes.reduced:
        write_figures()
    why = ", not to docs/, as it was measured with less than the targets ask for" if sizes.reduced else ""
    sys.stderr.write(f"Written to {folder.relative_to(ROOT)}/benchmarks.md and .json{why}\n")
    return 0


def run(names: list[str], sizes: Sizes, folder: Path) -> Iterator[list[Figure]]:
    """All figures of these benchmarks, part by part, so that what was measured is kept when a later part fails."""
    rounds = Rounds(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", machine(), versions())
    if set(names) == set(NAMES):
        sys.stderr.write(f"All benchmarks, {sizes.rounds} rounds: about {sizes.expected_minutes:.0f} minutes\n")
    # First what needs a quiet machine and no broker: nothing else runs yet.
    yield pure.measure(names, sizes, rounds)
    for alone in _ALONE:
        if alone.NAME in names:
            yield alone.measure(sizes, rounds)
    yield hostile.measure(names, sizes, rounds)
    if set(names) & {*_ON_KAFKA, *_WHEN_NAMED}:
        with BenchKafka() as kafka:
            yield from _on_kafka(kafka, names, sizes, rounds, folder)


def _on_kafka(
    kafka: BenchKafka, names: list[str], sizes: Sizes, rounds: Rounds, folder: Path
) -> Iterator[list[Figure]]:
    top_rate: float | None = None
    if set(names) & set(throughput.NAMES):
        figures = throughput.measure(kafka, names, sizes, rounds)
        top_rate = next((figure.value for figure in figures if figure.name == "contestant.skillstream"), None)
        yield figures
    if half.NAME in names:
        yield half.measure(kafka, sizes, rounds, top_rate)
    if set(names) & set(curve.CURVES):
        yield curve.measure(kafka, names, sizes, rounds, folder)
    if set(names) & set(sustainable.SEARCHES):
        yield sustainable.measure(kafka, names, sizes, rounds)
    for name, measure in _ALIKE_ON_KAFKA.items():
        if name in names:
            yield measure(kafka, sizes, rounds)


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
