"""Predictions of one skill, and what came of them: all that an evaluation needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SkillstreamError
from streams.evaluation.metrics import Numbers

Names = NDArray[np.str_]
NOTHING_KNOWN: Final = "none"
"""The mask of a row of which no source said anything."""
_NO_COLUMNS: Final = ("subgroups", "outcome_is_binary")


class EvaluationError(SkillstreamError):
    """Predictions or labels that cannot be evaluated; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """One row a prediction; every array has shape (n,).

    `student` is who it is about: rows of one are never taken as independent. `p` and `outcome` lie within [0, 1].
    `low` and `high` are the 90 % interval of the outcome, NaN where none was given; `confidence` likewise. `evidence`
    is how many events, or attempts, were known; `mask` which sources were present, as 'model+behaviour'. `subgroups`
    are further columns, by name, to compare rows by. `outcome_is_binary` is found where it is not said, and stays
    what it is where some rows are taken: a group of which every mean score is 1 has continuous outcomes still.

    Raises EvaluationError for arrays of other shapes, and for numbers that are out of range or missing.
    """

    student: Names
    p: Numbers
    outcome: Numbers
    low: Numbers
    high: Numbers
    confidence: Numbers
    evidence: Numbers
    mask: Names
    subgroups: Mapping[str, Names] = field(default_factory=dict)
    outcome_is_binary: bool | None = None

    def __post_init__(self) -> None:
        if self.outcome_is_binary is None:
            binary = bool(np.all((self.outcome == 0) | (self.outcome == 1)))
            object.__setattr__(self, "outcome_is_binary", binary)  # frozen, but for this
        for name, column in (*self._columns(), *self.subgroups.items()):
            if column.shape != self.student.shape:
                raise EvaluationError(f"predictions: {name} has shape {column.shape}, not {self.student.shape}")
        for name, column in (("p", self.p), ("outcome", self.outcome)):
            if not np.all((column >= 0) & (column <= 1)):
                raise EvaluationError(f"predictions: {name} is not within 0 and 1 throughout")
        if np.any(np.isnan(self.low) != np.isnan(self.high)) or np.any(self.low > self.high):
            raise EvaluationError("predictions: an interval lacks an end, or has them the wrong way round")

    @classmethod
    def of(cls, outcome: Any, p: Any, **columns: Any) -> "Predictions":
        """Predictions of which only some columns are known: without `student` each row is somebody else's."""
        p = np.asarray(p, np.float64)
        unknown = np.full(p.shape, np.nan)
        given: dict[str, Any] = {
            "student": np.arange(len(p)).astype(np.str_),
            "low": unknown,
            "high": unknown,
            "confidence": unknown,
            "evidence": unknown,
            "mask": np.full(p.shape, NOTHING_KNOWN),
        }
        numeric = {"low", "high", "confidence", "evidence"} & columns.keys()
        given |= columns | {name: np.asarray(columns[name], np.float64) for name in numeric}
        return cls(p=p, outcome=np.asarray(outcome, np.float64), **given)

    def __len__(self) -> int:
        return len(self.student)

    @property
    def binary(self) -> bool:
        """Whether outcomes are 0 or 1, and nothing between."""
        return bool(self.outcome_is_binary)

    def at(self, rows: NDArray[Any]) -> "Predictions":
        """These rows alone: indices, or True where a row is wanted."""
        subgroups = {name: column[rows] for name, column in self.subgroups.items()}
        return replace(self, subgroups=subgroups, **{name: column[rows] for name, column in self._columns()})

    def like(self, others: "Predictions") -> "Predictions":
        """The same rows, with outcomes of the kind that those of `others` are."""
        return replace(self, outcome_is_binary=others.binary)

    def predicting(self, p: Numbers) -> "Predictions":
        """The same rows with another's probabilities, who gives no interval and claims no confidence."""
        unknown = np.full(len(self), np.nan)
        return replace(self, p=p, low=unknown, high=unknown, confidence=unknown)

    def _columns(self) -> list[tuple[str, NDArray[Any]]]:
        return [(each.name, getattr(self, each.name)) for each in fields(self) if each.name not in _NO_COLUMNS]
