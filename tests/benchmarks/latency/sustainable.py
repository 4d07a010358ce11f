"""The highest rate at which p99 stays under a bound: sustainable throughput (Karimov et al. 2018, with the bound of an
application instead of a queue that does not grow).

By bisection over a ladder of rates, each 15 % above the one below it; 5 s a rate, of which the first is not counted. A
rate at which a contestant falls behind is above both bounds.
"""

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import MANY, PLAIN
from tests.benchmarks.latency.curve import chosen
from tests.benchmarks.latency.trials import Trials, trials
from tests.benchmarks.measure import Figure, Rounds
from tests.benchmarks.sizes import Sizes

OF_PLAIN: Final = "sustainable"
OF_MANY: Final = "sustainable_many"
SEARCHES: Final = {OF_PLAIN: PLAIN, OF_MANY: MANY}
LADDER: Final = tuple(10 * round(20 * 1.15**step) for step in range(45))
BOUNDS_MS: Final = (1_000, 100)
_WARM_UP_S: Final = 1.0
_MEASURED_S: Final = 4.0
_NEVER_MS: Final = float("inf")


def measure(kafka: BenchKafka, names: Collection[str], sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Events a second, for each bound and contestant; 0 where not even the lowest rate is within it."""
    found: dict[tuple[str, int, str], list[float]] = {}
    for number in range(1, sizes.rounds + 1):
        for name, data in ((name, data) for name, data in SEARCHES.items() if name in names):
            for entrant in chosen(sizes, number):
                with trials(kafka, entrant, data) as begun:
                    known = Known(begun)
                    for bound_ms in BOUNDS_MS:
                        rate = highest(known.p99_ms, bound_ms)
                        found.setdefault((name, bound_ms, entrant.name), []).append(rate)
                        shown = f"{name} {entrant.name:22} {rate:9,.0f} events/s, p99 under {bound_ms:,} ms"
                        sys.stderr.write(f"  round {number} of {sizes.rounds}  {shown}\n")
    return [
        rounds.figure(f"{name}.{bound_ms}_ms.{who}", f"events/s with p99 under {bound_ms:,} ms", rates)
        for (name, bound_ms, who), rates in found.items()
    ]


def highest(p99_ms: Callable[[int], float], bound_ms: float) -> int:
    """The highest rate of the ladder whose p99 is under the bound, as far as bisection sees; 0 for none."""
    well, badly = -1, len(LADDER)
    while badly - well > 1:
        middle = (well + badly) // 2
        if p99_ms(LADDER[middle]) < bound_ms:
            well = middle
        else:
            badly = middle
    return LADDER[well] if well >= 0 else 0


@dataclass(frozen=True, slots=True)
class Known:
    """What p99 is at each rate that was tried of a contestant; infinite where it falls behind."""

    tried: Trials
    _p99s_ms: dict[int, float] = field(default_factory=dict)

    def p99_ms(self, rate: int) -> float:
        """Try it, if it was not."""
        if rate not in self._p99s_ms:
            window = self.tried.run(rate, _WARM_UP_S, _MEASURED_S)
            self._p99s_ms[rate] = _NEVER_MS if window is None else window.quantile_ms(99)
        return self._p99s_ms[rate]
