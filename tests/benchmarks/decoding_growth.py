"""How much longer it takes to decode four times as much, in CPU time, at the worst of all ways in which a record grows.

What takes next to nothing is left out. Four is linear. What decoding costs in calls and in memory, which do not depend
on the machine, is held in tests/unit/test_decoders_cost.py.
"""

import sys
import time
from collections.abc import Iterator
from itertools import chain
from typing import Final

from schemas.dialects.record import Record
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.sizes import Sizes
from tests.fuzz.growing import envelopes, headers, mere_bytes, parts, texts
from tests.fuzz.oracle import check

NAME: Final = "decoding_growth"
_SMALL: Final = 32_768
_FACTOR: Final = 4
_TRIFLING_S: Final = 0.002
_RUNS: Final = 5
_LINEAR: Final = Target("at most", 2.5 * _FACTOR, of="value")


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """The worst growth of each round."""
    worst = [max(growths(), default=(0.0, "nothing takes long")) for _ in range(sizes.rounds)]
    sys.stderr.write(f"  decoding grows most with {worst[-1][1]}\n")
    unit = f"times the time for {_FACTOR} times the size"
    return [rounds.figure(NAME, unit, [growth for growth, _ in worst], target=_LINEAR)]


def growths() -> Iterator[tuple[float, str]]:
    """How much longer each takes that takes long enough, and what it is."""
    for what, make in chain(texts(), parts(), envelopes("xapi"), envelopes("caliper"), headers(), mere_bytes()):
        small, large = make(_SMALL), make(_SMALL * _FACTOR)
        if seconds(large) > _TRIFLING_S:
            of_large, of_small = (min(seconds(one) for _ in range(_RUNS)) for one in (large, small))
            yield of_large / of_small, what


def seconds(one: Record) -> float:
    """Of CPU, to decode it once."""
    began_s = time.process_time()
    check(one)
    return time.process_time() - began_s
