"""What the curves are held to: ours against the echo and the peers, round by round.

Where somebody fell behind, its latency counts as the bound at which it was given up: that of the drain.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.datasets import PLAIN
from tests.benchmarks.latency.field import ECHO, OURS, QUIX, STREAMS, STREAMS_CACHED, Entrant
from tests.benchmarks.latency.points import Measured, Place
from tests.benchmarks.latency.session import DRAIN_S, Window
from tests.benchmarks.measure import Figure, Rounds, Target


@dataclass(frozen=True, slots=True)
class Aim:
    """A quantile of ours at a rate of `plain`, in ms or against somebody's."""

    rate: int
    percent: int
    against: Entrant | None
    target: Target | None


def _ratio(bound: float) -> Target:
    return Target("at most", bound)


AIMS: Final = (
    Aim(1_000, 50, ECHO, _ratio(2)),
    Aim(1_000, 99, ECHO, _ratio(3)),
    Aim(10_000, 99, None, Target("at most", 250, of="value")),
    *(Aim(rate, 99, peer, _ratio(1)) for rate in (1_000, 10_000) for peer in (QUIX, STREAMS_CACHED)),
    *(Aim(rate, 99, STREAMS, None) for rate in (1_000, 10_000)),
)
_CPU_RATE: Final = 1_000
_CPU: Final = Target("at most", 25, of="value")


def figures(measured: Measured, rounds: Rounds) -> list[Figure]:
    """Those for which all is there that they compare."""
    found = [figure for aim in AIMS for figure in _figure(aim, measured, rounds)]
    windows = measured.get(Place(PLAIN.name, OURS.name, _CPU_RATE), ())
    cpu = [window.cpu_percent for window in windows if window is not None]
    if cpu:
        unit = f"% of a core at {_CPU_RATE:,} events/s"
        found.append(rounds.figure(f"latency_curve.cpu_{_CPU_RATE}", unit, cpu, target=_CPU))
    return found


def _figure(aim: Aim, measured: Measured, rounds: Rounds) -> Iterator[Figure]:
    ours = measured.get(Place(PLAIN.name, OURS.name, aim.rate))
    if not ours:
        return
    name, values = f"latency_curve.p{aim.percent}_{aim.rate}", _values_ms(ours, aim.percent)
    unit = f"ms at {aim.rate:,} events/s{_behind(ours)}"
    if aim.against is None:
        yield rounds.figure(name, unit, values, target=aim.target)
        return
    theirs = measured.get(Place(PLAIN.name, aim.against.name, aim.rate))
    if theirs:
        ratios = [our / their for our, their in zip(values, _values_ms(theirs, aim.percent), strict=True)]
        against = f"{aim.against.name}{_behind(theirs)}"
        yield rounds.figure(name, unit, values, against=against, ratios=ratios, target=aim.target)


def _values_ms(windows: Sequence[Window | None], percent: int) -> list[float]:
    return [DRAIN_S * 1000 if window is None else window.quantile_ms(percent) for window in windows]


def _behind(windows: Sequence[Window | None]) -> str:
    count = sum(window is None for window in windows)
    return f" (fell behind in {count} of {len(windows)} rounds)" if count else ""
