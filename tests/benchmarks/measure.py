"""What a benchmark returns."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One run: a value, and its ratio to what was measured `against` in the same run."""

    value: float
    unit: str
    against: str
    ratio: float


Benchmark = Callable[[], Measure]
