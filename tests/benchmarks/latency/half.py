"""Latency at half the rate that our worker reaches at most, beside an echo at the same rate."""

import sys
from statistics import median
from typing import Final

from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.datasets import PLAIN, fill
from tests.benchmarks.latency.field import ECHO, OURS, Entrant
from tests.benchmarks.latency.sender import EVENTS
from tests.benchmarks.latency.session import DRAIN_S, WARM_EVENTS, Window, session
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.race import race
from tests.benchmarks.sizes import Sizes

NAME: Final = "latency"
_TARGETS: Final = {50: Target("at most", 500, of="value"), 99: Target("at most", 1_000, of="value")}
_RUN_S: Final = 8.0
_WARM_UP: Final = 0.25
_LEAST_RATE: Final = 100


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds, top_rate: float | None) -> list[Figure]:
    """Latencies in ms. Without the `top_rate` of our worker (events/s) it is measured first."""
    if top_rate is None:
        fill(kafka.bootstrap, PLAIN, sizes.events)
        top_rate = race(CONTESTANTS["skillstream"], kafka, sizes.events).events_a_s
    rate = max(_LEAST_RATE, int(top_rate / 2))
    ours: list[Window | None] = []
    theirs: list[Window | None] = []
    for number in range(1, sizes.rounds + 1):
        for entrant, windows in ((OURS, ours), (ECHO, theirs)):
            windows.append(_run(kafka, entrant, rate))
        shown = ", echo ".join(_shown(windows[-1]) for windows in (ours, theirs))
        sys.stderr.write(f"  round {number} of {sizes.rounds}  {NAME} at {rate:,} events/s: {shown}\n")
    behind = sum(window is None for window in ours)
    unit = f"ms at {rate:,} events/s" + (f" (fell behind in {behind} rounds)" if behind else "")
    return [
        rounds.figure(
            f"{NAME}_p{percent}",
            unit,
            [_ms(window, percent) for window in ours],
            against=f"echo, {median(_ms(window, percent) for window in theirs):.1f} ms",
            target=target,
        )
        for percent, target in _TARGETS.items()
    ]


def _run(kafka: BenchKafka, entrant: Entrant, rate: int) -> Window | None:
    whole_s = min(_RUN_S, (EVENTS - WARM_EVENTS) / rate)
    with session(kafka, entrant, PLAIN) as running:
        return running.run(rate, whole_s * _WARM_UP, whole_s * (1 - _WARM_UP))


def _ms(window: Window | None, percent: int) -> float:
    """Where it fell behind, the bound at which it was given up."""
    return DRAIN_S * 1000 if window is None else window.quantile_ms(percent)


def _shown(window: Window | None) -> str:
    return "falls behind" if window is None else f"p50 {_ms(window, 50):,.0f} ms, p99 {_ms(window, 99):,.0f} ms"
