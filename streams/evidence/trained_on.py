"""What a skill's model was trained on, as its card says: `streams.evidence.training_scope` compares rows with it."""

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from msgspec import Struct

from streams.rows.row_batch import Floats


class FeatureRange(Struct, frozen=True):
    """The least and the greatest value of a feature in training, and whether it was ever NaN there."""

    low: float
    high: float
    missing: bool


class TrainedOn(Struct, frozen=True, kw_only=True):
    """The facts that the states of students in training had, sorted, and the ranges of the features that are read."""

    facts: tuple[str, ...]
    ranges: dict[str, FeatureRange]

    @classmethod
    def of(cls, facts: Iterable[str], names: Sequence[str], matrix: Floats) -> Self:
        """From the facts that occur, and `matrix`, the features of all states, shape (states, names). A feature that
        was NaN throughout has no range.
        """
        known = {name: column[~np.isnan(column)] for name, column in zip(names, matrix.T, strict=True)}
        ranges = {
            name: FeatureRange(float(of_name.min()), float(of_name.max()), len(of_name) < len(matrix))
            for name, of_name in known.items()
            if len(of_name)
        }
        return cls(facts=tuple(sorted(facts)), ranges=ranges)
