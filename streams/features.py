"""Features: a student's row as numbers for a model.

Six columns a fact and a few for the whole row, in one fixed order whose hash is the feature-schema version. What is
not known is NaN, never 0: the models take missing values as such.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.facts import FACTS
from streams.folding import decayed
from streams.row import Row, Totals

DAY_US: Final = 86_400 * 1_000_000
_COLUMNS: Final[dict[str, Callable[[Totals, float, int], float]]] = {
    "n": lambda totals, _decay, _at_us: float(totals.n),
    "mean": lambda totals, _decay, _at_us: totals.total / totals.n,
    "sd": lambda totals, _decay, _at_us: _deviation(totals),
    "recent_n": lambda totals, decay, _at_us: totals.recent_n * decay,
    "recent_mean": lambda totals, _decay, _at_us: _ratio(totals.recent_total, totals.recent_n),
    "age_days": lambda totals, _decay, at_us: (at_us / 1e6 - totals.newest_s) / 86_400,
}
_WHOLE_ROW: Final[dict[str, Callable[[Row, int], float]]] = {
    "days": lambda row, at_us: (at_us - row.first_us) / DAY_US,
    "events": lambda row, _at_us: float(row.events),
    "controls_seen": lambda row, _at_us: float(len(row.controls)),
    "controls_alone_once": lambda row, _at_us: float(sum(use.alone > 0 for use in row.controls.values())),
    "controls_alone_twice": lambda row, _at_us: float(sum(use.alone > 1 for use in row.controls.values())),
    "controls_isolated_once": lambda row, _at_us: float(sum(use.isolated > 0 for use in row.controls.values())),
    "controls_isolated_twice": lambda row, _at_us: float(sum(use.isolated > 1 for use in row.controls.values())),
    "controls_alone_least": lambda row, _at_us: _least([use.alone for use in row.controls.values()]),
    "controls_isolated_least": lambda row, _at_us: _least([use.isolated for use in row.controls.values()]),
}
FEATURES: Final = (*_WHOLE_ROW, *(f"{fact}.{column}" for fact in FACTS for column in _COLUMNS))
FEATURE_SCHEMA: Final = hashlib.sha256("\n".join(FEATURES).encode()).hexdigest()[:12]


def features_of(rows: Sequence[Row], names: Sequence[str], at_us: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Features of `rows`, shape (rows, names); as known at each row's `as_of`, or at `at_us` where given.

    Raises KeyError for a name that is not in FEATURES.
    """
    matrix = np.full((len(rows), len(names)), np.nan)
    readers = [_reader(name) for name in names]
    for line, row in enumerate(rows):
        at = row.as_of_us if at_us is None else at_us[line]
        decay = decayed(row.reference_us, at)
        matrix[line] = [read(row, decay, at) for read in readers]
    return matrix


def _reader(name: str) -> Callable[[Row, float, int], float]:
    if name in _WHOLE_ROW:
        whole = _WHOLE_ROW[name]
        return lambda row, _decay, at_us: whole(row, at_us)
    fact, _, column = name.partition(".")
    index, read = FACTS.index(fact) if fact in FACTS else -1, _COLUMNS[column]
    if index < 0:
        raise KeyError(name)
    absent = 0.0 if column in ("n", "recent_n") else math.nan

    def of_fact(row: Row, decay: float, at_us: int) -> float:
        totals = row.facts.get(index)
        return absent if totals is None else read(totals, decay, at_us)

    return of_fact


def _least(counts: Sequence[int]) -> float:
    return float(min(counts)) if counts else math.nan


def _deviation(totals: Totals) -> float:
    if totals.n < 2:
        return math.nan
    mean = totals.total / totals.n
    return math.sqrt(max(totals.squares / totals.n - mean * mean, 0.0))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
