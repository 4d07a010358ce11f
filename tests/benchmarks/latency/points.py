"""The points of the latency curves as they are kept, in latency.json: medians over rounds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec
from msgspec import Struct

from tests.benchmarks.datasets import DATA_SETS
from tests.benchmarks.latency.field import FIELD
from tests.benchmarks.latency.session import Window
from tests.benchmarks.measure import Rounds

QUANTILES = (50, 95, 99)


class Place(NamedTuple):
    """Where on the curves something was measured."""

    data: str
    contestant: str
    rate: int


Measured = Mapping[Place, Sequence[Window | None]]
"""What each round found; None where the contestant fell behind."""


class Point(Struct, frozen=True, kw_only=True):
    """A contestant at a rate (events/s). `quantiles_ms` is None where it fell behind in half of the rounds or more.

    Else they are p50, p95 and p99, medians of the rounds in which it did not; `batch` is None where nobody knows it.
    """

    data: str
    contestant: str
    rate: int
    rounds: int
    behind: int
    quantiles_ms: tuple[float, float, float] | None
    cpu_percent: float | None
    batch: float | None
    outputs_per_event: float | None
    measured: str

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.data, self.contestant, self.rate)


def points(measured: Measured, rounds: Rounds) -> list[Point]:
    """One for each place."""
    return [_point(place, windows, rounds) for place, windows in measured.items()]


def kept(folder: Path) -> list[Point]:
    """Those of latency.json in a folder; none without it."""
    path = folder / "latency.json"
    return msgspec.json.decode(path.read_bytes(), type=list[Point]) if path.exists() else []


def merge(anew: Sequence[Point], folder: Path) -> list[Point]:
    """Keep these, in place of what was measured at the same places; all that are kept then."""
    known = {point.place: point for point in (*kept(folder), *anew)}
    sets, field = list(DATA_SETS), list(FIELD)
    found = [known[place] for place in sorted(known, key=lambda at: (sets.index(at[0]), field.index(at[1]), at[2]))]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latency.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    return found


def _point(place: Place, windows: Sequence[Window | None], rounds: Rounds) -> Point:
    well = [window for window in windows if window is not None]
    keeps_up = 2 * len(well) > len(windows)
    batches = [window.batch for window in well if window.batch is not None]
    p50, p95, p99 = (median([window.quantile_ms(q) for window in well] or [0.0]) for q in QUANTILES)
    return Point(
        data=place.data,
        contestant=place.contestant,
        rate=place.rate,
        rounds=len(windows),
        behind=len(windows) - len(well),
        quantiles_ms=(p50, p95, p99) if keeps_up else None,
        cpu_percent=median(window.cpu_percent for window in well) if keeps_up else None,
        batch=median(batches) if keeps_up and batches else None,
        outputs_per_event=median(window.outputs_per_event for window in well) if keeps_up else None,
        measured=rounds.measured,
    )
