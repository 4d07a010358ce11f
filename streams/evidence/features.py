"""Features: students' rows as numbers for a model.

Six columns a fact and a few for the whole row, in one fixed order whose hash is the feature-schema version. What is
not known is NaN, never 0: the models take missing values as such.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.folding.facts import FACTS, INDEX
from streams.rows.layout import CONTROL, Array, ragged
from streams.rows.row import MAX_CONTROLS
from streams.rows.row_batch import Block, Floats, decays

DAY_US: Final = 86_400 * 1_000_000


class _Lines:
    """A block at given times, and what more than one feature needs of it."""

    def __init__(self, block: Block, at_us: Sequence[int] | None) -> None:
        self.block = block
        self.at_us: Array = block.head["as_of_us"] if at_us is None else np.array(at_us, np.int64)
        self.decay = block.decay if at_us is None else decays(block.head["reference_us"].tolist(), at_us)

    @cached_property
    def controls(self) -> Array:
        """Shape (lines, MAX_CONTROLS), of CONTROL; where there are fewer controls `unused` is 1."""
        parts = self.block.small["controls"]
        counts = np.fromiter(map(len, parts), np.intp, len(parts)) // CONTROL.itemsize
        dense = np.zeros((len(parts), MAX_CONTROLS), CONTROL)
        dense["unused"] = 1
        dense[ragged(counts)] = np.frombuffer(b"".join(parts), CONTROL)
        return dense

    def fact(self, name: str, fact: int) -> Floats:
        """One column of the facts, NaN where the fact was never seen."""
        return np.where(self.block.facts["n"][:, fact] > 0, self.block.facts[name][:, fact], np.nan)


_COLUMNS: Final[dict[str, Callable[[_Lines, int], Floats]]] = {
    "n": lambda lines, fact: lines.block.facts["n"][:, fact].astype(np.float64),
    "mean": lambda lines, fact: lines.fact("total", fact) / lines.fact("n", fact),
    "sd": lambda lines, fact: _deviation(lines, fact),
    "recent_n": lambda lines, fact: lines.block.facts["recent_n"][:, fact] * lines.decay,
    "recent_mean": lambda lines, fact: _ratio(lines.fact("recent_total", fact), lines.fact("recent_n", fact)),
    "age_days": lambda lines, fact: (lines.at_us / 1e6 - lines.fact("newest_s", fact)) / 86_400,
}
_WHOLE_ROW: Final[dict[str, Callable[[_Lines], Floats]]] = {
    "days": lambda lines: (lines.at_us - lines.block.head["first_us"]) / DAY_US,
    "events": lambda lines: lines.block.head["events"].astype(np.float64),
    "controls_seen": lambda lines: _controls(lines, "alone", -1),
    "controls_alone_once": lambda lines: _controls(lines, "alone", 0),
    "controls_alone_twice": lambda lines: _controls(lines, "alone", 1),
    "controls_isolated_once": lambda lines: _controls(lines, "isolated", 0),
    "controls_isolated_twice": lambda lines: _controls(lines, "isolated", 1),
    "controls_alone_least": lambda lines: _least(lines, "alone"),
    "controls_isolated_least": lambda lines: _least(lines, "isolated"),
}
FEATURES: Final = (*_WHOLE_ROW, *(f"{fact}.{column}" for fact in FACTS for column in _COLUMNS))
FEATURE_SCHEMA: Final = hashlib.sha256("\n".join(FEATURES).encode()).hexdigest()[:12]


def features_of(block: Block, names: Sequence[str], at_us: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Features of a block, shape (lines, names); as known at each row's `as_of`, or at `at_us` where given.

    Raises KeyError for a name that is not in FEATURES.
    """
    lines = _Lines(block, at_us)
    matrix = np.empty((len(block), len(names)))
    for column, name in enumerate(names):
        if name in _WHOLE_ROW:
            matrix[:, column] = _WHOLE_ROW[name](lines)
        else:
            fact, _, of_fact = name.partition(".")
            matrix[:, column] = _COLUMNS[of_fact](lines, INDEX[fact])
    return matrix


def _controls(lines: _Lines, name: str, above: int) -> Floats:
    seen = (lines.controls["unused"] == 0) & (lines.controls[name].astype(np.int64) > above)
    return np.asarray(seen.sum(axis=1), np.float64)


def _least(lines: _Lines, name: str) -> Floats:
    there = lines.controls["unused"] == 0
    least = np.where(there, lines.controls[name].astype(np.float64), np.inf).min(axis=1)
    return np.where(there.any(axis=1), least, np.nan)


def _deviation(lines: _Lines, fact: int) -> Floats:
    n = lines.fact("n", fact)
    mean = lines.fact("total", fact) / n
    variance = np.maximum(lines.fact("squares", fact) / n - mean * mean, 0.0)
    return np.where(n >= 2, np.sqrt(variance), np.nan)


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio
