"""What is evaluated: predictions of one skill, and what they are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streams.evaluation.predictions import Predictions


@dataclass(frozen=True, slots=True)
class Rival:
    """Another's `predictions` for some of the rows, `rows` being their indices in those that are evaluated."""

    predictions: Predictions
    rows: NDArray[np.intp]

    @classmethod
    def of_all(cls, predictions: Predictions) -> "Rival":
        """For all rows."""
        return cls(predictions, np.arange(len(predictions)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All that whoever made the predictions hands over to `evaluate`; everything but the predictions may be missing.

    `sources` are the same rows scored by one source alone, or without it; `baselines` what something simple would have
    said. `earlier` are predictions of the same outcomes when less was known, by when: `3_events`. `figures` are further
    ones of the maker's own, by name. `notes` are for people: what was left out, and why.
    """

    predictions: Predictions
    earlier: Mapping[str, Predictions] = field(default_factory=dict)
    sources: Mapping[str, Rival] = field(default_factory=dict)
    baselines: Mapping[str, Rival] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
