"""What `SKILLSTREAM_COLLECT_MS` trades: latency and CPU, by how long brokers collect records for the next fetch."""

import sys
from dataclasses import replace
from typing import Final

from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import PLAIN
from tests.benchmarks.latency.field import OURS
from tests.benchmarks.latency.session import DRAIN_S, Window, session
from tests.benchmarks.measure import Figure, Rounds
from tests.benchmarks.sizes import Sizes

NAME: Final = "collect"
_COLLECT_MS: Final = (5, 10, 20, 50)
_RATES: Final = (1_000, 10_000)
_WARM_UP_S: Final = 2.0
_MEASURED_S: Final = 6.0


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """p50 and p99 in ms and CPU in % of a core of our worker, at each rate and setting."""
    found: dict[tuple[int, int], list[Window | None]] = {}
    for number in range(1, sizes.rounds + 1):
        for collect_ms in _COLLECT_MS:
            given = {"SKILLSTREAM_COLLECT_MS": str(collect_ms)}
            entrant = replace(OURS, contestant=replace(OURS.contestant, settings=given))
            with session(kafka, entrant, PLAIN) as running:
                for rate in _RATES:
                    window = running.run(rate, _WARM_UP_S, _MEASURED_S)
                    found.setdefault((collect_ms, rate), []).append(window)
                    shown = "falls behind" if window is None else f"p50 {window.quantile_ms(50):.1f} ms"
                    text = f"{NAME} {collect_ms} ms at {rate:,} events/s: {shown}"
                    sys.stderr.write(f"  round {number} of {sizes.rounds}  {text}\n")
    return [figure for at, windows in found.items() for figure in _figures(rounds, *at, windows)]


def _figures(rounds: Rounds, collect_ms: int, rate: int, windows: list[Window | None]) -> list[Figure]:
    """Where it fell behind, the bound at which it was given up."""
    name, unit = f"{NAME}_{collect_ms}", f"at {rate:,} events/s, {collect_ms} ms collected"
    cpu = [window.cpu_percent for window in windows if window is not None]
    quantiles = {
        percent: [DRAIN_S * 1000 if window is None else window.quantile_ms(percent) for window in windows]
        for percent in (50, 99)
    }
    return [
        *(rounds.figure(f"{name}.p{percent}_{rate}", f"ms {unit}", found) for percent, found in quantiles.items()),
        *([rounds.figure(f"{name}.cpu_{rate}", f"% of a core {unit}", cpu)] if cpu else []),
    ]
