"""What benchmarks return: figures, with the spread of their rounds and, where the issue sets one, a target."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from msgspec import Struct


@dataclass(frozen=True, slots=True)
class Measure:
    """One run: a value, and its ratio to what was measured `against` in the same run."""

    value: float
    unit: str
    against: str
    ratio: float


Benchmark = Callable[[], Measure]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a ratio, or on the value itself where nothing is compared (`of` the value)."""

    sense: Literal["at least", "at most"]
    bound: float
    of: Literal["ratio", "value"] = "ratio"

    def met(self, value: float, ratio: float | None) -> bool:
        """Whether the figure is within the bound."""
        figure = value if self.of == "value" or ratio is None else ratio
        return figure >= self.bound if self.sense == "at least" else figure <= self.bound

    def __str__(self) -> str:
        return f"{self.sense} {self.bound:,g}{'x' if self.of == 'ratio' else ''}"


class Figure(Struct, frozen=True, kw_only=True):
    """One line of the report; `value`, `ratio`, `cpu_us` and `broker_cores` are medians of the rounds, spreads their
    ends. `cpu_us` is the CPU time that our process, or the contestant's, took for an event.
    """

    name: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    spread: tuple[float, float]
    ratio_spread: tuple[float, float] | None = None
    cpu_us: float | None = None
    broker_cores: float | None = None
    rounds: int
    measured: str
    machine: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Rounds:
    """What makes figures of one run of the benchmarks: when and where it was, and with which versions."""

    measured: str
    machine: str
    versions: dict[str, str]

    def figure(
        self,
        name: str,
        unit: str,
        values: Sequence[float],
        *,
        against: str = "",
        ratios: Sequence[float] | None = None,
        target: Target | None = None,
        cpu_us: Sequence[float] | None = None,
        broker_cores: Sequence[float] | None = None,
    ) -> Figure:
        """A line of the report: medians over rounds, each ratio within its round."""
        value, ratio = median(values), median(ratios) if ratios else None
        return Figure(
            name=name,
            value=value,
            unit=unit,
            against=against,
            ratio=ratio,
            target=str(target) if target else "",
            met=target.met(value, ratio) if target else None,
            spread=(min(values), max(values)),
            ratio_spread=(min(ratios), max(ratios)) if ratios else None,
            cpu_us=median(cpu_us) if cpu_us else None,
            broker_cores=median(broker_cores) if broker_cores else None,
            rounds=len(values),
            measured=self.measured,
            machine=self.machine,
            versions=self.versions,
        )
