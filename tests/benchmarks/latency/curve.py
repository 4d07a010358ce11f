"""Latency by rate, of all contestants: `latency_curve` of the data set `plain`, `latency_curve_many` of `many`."""

import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.datasets import MANY, PLAIN, DataSet
from tests.benchmarks.latency import picture, targets
from tests.benchmarks.latency.field import FIELD, Entrant
from tests.benchmarks.latency.points import Place, merge, points
from tests.benchmarks.latency.session import Window
from tests.benchmarks.latency.trials import trials
from tests.benchmarks.measure import Figure, Rounds
from tests.benchmarks.sizes import Sizes

CURVES: Final = {"latency_curve": PLAIN, "latency_curve_many": MANY}
_MEASURED_S: Final = 6.0
_FEW_EVENTS: Final = 200
_FEW_AT_MOST_S: Final = 20.0
_WARM_UP_S: Final = 1.0


def measure(kafka: BenchKafka, names: Collection[str], sizes: Sizes, rounds: Rounds, folder: Path) -> list[Figure]:
    """The targets' figures; the points and their picture are kept in `folder`."""
    measured: dict[Place, list[Window | None]] = {}
    for number in range(1, sizes.rounds + 1):
        for data in (data for name, data in CURVES.items() if name in names):
            for entrant in chosen(sizes, number):
                for rate, window in _climb(kafka, entrant, data, sizes.rates):
                    measured.setdefault(Place(data.name, entrant.name, rate), []).append(window)
                    shown = "falls behind" if window is None else _shown(window)
                    where = f"round {number} of {sizes.rounds}  {data.name:6} {entrant.name:22} {rate:7,} events/s"
                    sys.stderr.write(f"  {where}  {shown}\n")
    picture.write(merge(points(measured, rounds), folder), folder)
    return targets.figures(measured, rounds)


def chosen(sizes: Sizes, number: int) -> list[Entrant]:
    """Those that are asked for, or all; every round begins with another."""
    field = [entrant for name, entrant in FIELD.items() if name in (sizes.contestants or FIELD)]
    start = (number - 1) % len(field)
    return field[start:] + field[:start]


def seconds(rate: int) -> float:
    """For how long a rate is measured: 6 s, or until there are 200 events, but 20 s at most."""
    return min(max(_MEASURED_S, _FEW_EVENTS / rate), _FEW_AT_MOST_S)


def _climb(
    kafka: BenchKafka, entrant: Entrant, data: DataSet, rates: Sequence[int]
) -> Iterator[tuple[int, Window | None]]:
    """Rising rates; those above one at which it falls behind are not tried."""
    window: Window | None = None
    with trials(kafka, entrant, data) as begun:
        for number, rate in enumerate(rates):
            if window is not None or not number:
                window = begun.run(rate, _WARM_UP_S, seconds(rate))
            yield rate, window


def _shown(window: Window) -> str:
    p50, p99 = window.quantile_ms(50), window.quantile_ms(99)
    batch = "" if window.batch is None else f"  {window.batch:,.1f} a step"
    late = f"  sender late by {window.sender_late_ms:,.0f} ms" if window.sender_late_ms > 50 else ""
    return f"p50 {p50:,.1f} ms  p99 {p99:,.1f} ms  {window.cpu_percent:.0f} % of a core{batch}{late}"
