"""`make bench`: run the benchmarks, all or those named, and print a table.

Each is run ROUNDS times, interleaved with the others, so that a noisy moment hits all alike; medians count.
"""

import sys
from collections import defaultdict
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.benchmarks.fusing import three_slow_sources
from tests.benchmarks.measure import Benchmark, Measure
from tests.benchmarks.piping import decode, fold, whole_pipeline

ROUNDS = 5
BENCHMARKS: dict[str, Benchmark] = {
    "three_slow_sources": three_slow_sources,
    "decode": decode,
    "fold": fold,
    "whole_pipeline": whole_pipeline,
}


def main(names: list[str]) -> int:
    """Run `names`, or all; 2 for a name that is not there."""
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}\n")
        return 2
    measured: defaultdict[str, list[Measure]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name in names or BENCHMARKS:
            measured[name].append(BENCHMARKS[name]())
    table = Table("benchmark", "median", "spread", "unit", "against", "ratio")
    for name, measures in measured.items():
        values, ratios = [m.value for m in measures], [m.ratio for m in measures]
        spread = f"{min(values):,.1f} – {max(values):,.1f}"
        table.add_row(
            name, f"{median(values):,.1f}", spread, measures[0].unit, measures[0].against, f"{median(ratios):.2f}"
        )
    Console().print(table)
    return 0


sys.exit(main(sys.argv[1:]))
