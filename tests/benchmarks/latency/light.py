"""Little to do: one event on an idle worker, and a worker that has none (`latency_single`, `idle`)."""

import sys
import time
from statistics import median
from typing import Final

from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import PLAIN
from tests.benchmarks.latency.curve import chosen
from tests.benchmarks.latency.field import ECHO, OURS
from tests.benchmarks.latency.session import cpu_percent, session
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.sizes import Sizes

SINGLE: Final = "latency_single"
IDLE: Final = "idle"
_AGAINST_ECHO: Final = Target("at most", 3)
_OF_A_CORE: Final = Target("at most", 2, of="value")
_EVENTS: Final = 100
_SETTLE_S: Final = 5.0
_IDLE_S: Final = 30.0


def single(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """ms in the median, against the echo's."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(1, sizes.rounds + 1):
        for entrant, medians in ((OURS, ours), (ECHO, theirs)):
            with session(kafka, entrant, PLAIN) as running:
                medians.append(median(running.single(_EVENTS)))
        sys.stderr.write(f"  round {number} of {sizes.rounds}  {SINGLE}: {ours[-1]:.1f} ms, echo {theirs[-1]:.1f} ms\n")
    against, ratios = f"echo, {median(theirs):.1f} ms", [our / their for our, their in zip(ours, theirs, strict=True)]
    unit = f"ms, median of {_EVENTS}"
    return [rounds.figure(SINGLE, unit, ours, against=against, ratios=ratios, target=_AGAINST_ECHO)]


def idle(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """CPU in % of a core over 30 s, of ours; of the others in the first round."""
    found: dict[str, list[float]] = {}
    for number in range(1, sizes.rounds + 1):
        for entrant in chosen(sizes, 1) if number == 1 else [OURS]:
            with session(kafka, entrant, PLAIN) as running:
                time.sleep(_SETTLE_S)
                before = running.usage()
                time.sleep(_IDLE_S)
                found.setdefault(entrant.name, []).append(cpu_percent(before, running.usage()))
            shown = f"{IDLE} {entrant.name:22} {found[entrant.name][-1]:.1f} % of a core"
            sys.stderr.write(f"  round {number} of {sizes.rounds}  {shown}\n")
    unit = f"% of a core over {_IDLE_S:.0f} s without events"
    return [
        rounds.figure(IDLE, unit, used, target=_OF_A_CORE)
        if name == OURS.name
        else rounds.figure(f"{IDLE}.{name}", unit, used)
        for name, used in found.items()
    ]
