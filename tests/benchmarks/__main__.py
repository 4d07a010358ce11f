"""`make bench`: run the benchmarks, all or those named, print a table, and write docs/benchmarks.{md,json}.

make bench                       all, about half an hour on two cores
make bench ONLY=latency,memory   these; the others' figures stay in the docs, with their own dates
make bench ROUNDS=1 EVENTS=20000 ROWS=20000      a quick try, written to build/bench/ and not to the docs
"""

import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

from rich.console import Console

from tests.benchmarks import embedded, growth, latency, pure, recovery, report, students_memory, throughput
from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import FOLDER, ROOT
from tests.benchmarks.machine import machine, versions
from tests.benchmarks.measure import Figure, Rounds
from tests.benchmarks.process import BenchmarkFailed
from tests.benchmarks.sizes import Sizes
from tests.servers.child import ServerFailed, ServerMissing

_ON_KAFKA: Final = (*throughput.NAMES, latency.NAME, recovery.NAME)
NAMES: Final = (*_ON_KAFKA, students_memory.NAME, growth.NAME, embedded.NAME, *pure.BENCHMARKS)


def main(arguments: list[str]) -> int:
    """Run those named, or all; 2 for a name or a size that is not there, 1 where a benchmark could not be run."""
    names = [name for argument in arguments for name in argument.split(",") if name] or list(NAMES)
    unknown = set(names) - set(NAMES)
    try:
        sizes = Sizes.of_environment()
    except ValueError as error:
        return _refuse(str(error))
    if unknown:
        return _refuse(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    try:
        figures = run(names, sizes)
    except (BenchmarkFailed, ServerFailed, ServerMissing) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    Console(width=None if sys.stdout.isatty() else 200).print(report.table(figures))
    folder = FOLDER if sizes.reduced else ROOT / "docs"
    report.write(figures, folder)
    why = ", not to docs/, as it was measured with less than the targets ask for" if sizes.reduced else ""
    sys.stderr.write(f"Written to {folder.relative_to(ROOT)}/benchmarks.md and .json{why}\n")
    return 0


def run(names: list[str], sizes: Sizes) -> list[Figure]:
    """All figures of these benchmarks."""
    rounds = Rounds(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", machine(), versions())
    if set(names) == set(NAMES):
        sys.stderr.write(f"All benchmarks, {sizes.rounds} rounds: about {sizes.expected_minutes:.0f} minutes\n")
    # First what needs a quiet machine and no broker: nothing else runs yet.
    figures = pure.measure(names, sizes, rounds)
    if growth.NAME in names:
        figures += growth.measure(sizes, rounds)
    if students_memory.NAME in names:
        figures += students_memory.measure(sizes, rounds)
    if embedded.NAME in names:
        figures += embedded.measure(sizes, rounds)
    with ExitStack() as servers:
        if set(names) & set(_ON_KAFKA):
            figures += _on_kafka(servers.enter_context(BenchKafka()), names, sizes, rounds)
    return figures


def _on_kafka(kafka: BenchKafka, names: list[str], sizes: Sizes, rounds: Rounds) -> list[Figure]:
    figures: list[Figure] = []
    if set(names) & set(throughput.NAMES):
        figures += throughput.measure(kafka, names, sizes, rounds)
    if latency.NAME in names:
        top = [figure.value for figure in figures if figure.name == "contestant.skillstream"]
        figures += latency.measure(kafka, sizes, rounds, top[0] if top else None)
    if recovery.NAME in names:
        figures += recovery.measure(kafka, sizes, rounds)
    return figures


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
