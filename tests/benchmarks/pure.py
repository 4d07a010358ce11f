"""The benchmarks that need no broker, each against a measure of its own in the same round."""

import sys
from collections.abc import Collection
from typing import Final

from tests.benchmarks.answering import components, components_attempts, components_many
from tests.benchmarks.fusing import three_slow_sources
from tests.benchmarks.looking_up import looking_up, looking_up_together
from tests.benchmarks.measure import Benchmark, Figure, Measure, Rounds
from tests.benchmarks.piping import decode, fold, whole_pipeline
from tests.benchmarks.repeating import repeats, repeats_bytes
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.tree_scoring import trees_of_rows

BENCHMARKS: Final[dict[str, Benchmark]] = {
    "three_slow_sources": three_slow_sources,
    "looking_up": looking_up,
    "looking_up_together": looking_up_together,
    "decode": decode,
    "fold": fold,
    "whole_pipeline": whole_pipeline,
    "repeats": repeats,
    "repeats_bytes": repeats_bytes,
    "components": components,
    "components_attempts": components_attempts,
    "components_many": components_many,
    **{f"trees_{rows}": trees_of_rows(rows) for rows in (1, 14, 200, 2_000)},
}


def measure(names: Collection[str], sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Run those of `names`, interleaved."""
    measures: dict[str, list[Measure]] = {name: [] for name in BENCHMARKS if name in names}
    for number in range(1, sizes.rounds + 1):
        for name, found in measures.items():
            one = BENCHMARKS[name]()
            found.append(one)
            sys.stderr.write(f"  round {number} of {sizes.rounds}  {name:22} {one.value:11,.0f} {one.unit}\n")
    return [
        rounds.figure(
            name,
            found[0].unit,
            [one.value for one in found],
            against=found[0].against,
            ratios=[one.ratio for one in found],
        )
        for name, found in measures.items()
    ]
