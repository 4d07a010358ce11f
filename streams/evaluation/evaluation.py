"""The evaluation of one skill: all figures that the command prints, writes as JSON and draws."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from msgspec import Struct

from streams.evaluation.bootstrap import REPEATS, Interval, bootstrap, loss_difference
from streams.evaluation.breakdown import (
    MAX_SUBGROUPS,
    MIN_IN_DECILE,
    NamedFigures,
    by_confidence,
    by_evidence,
    by_name,
    by_subgroup,
    error_over_confidence,
    largest_gaps,
    names_no_groups,
    whole,
)
from streams.evaluation.figures import figures, is_number_of_things
from streams.evaluation.metrics import reliability
from streams.evaluation.predictions import EvaluationError, Predictions
from streams.evaluation.subject import Rival, Subject

DIGITS: Final = 6


class Evaluation(Struct, frozen=True, kw_only=True):
    """What was found; every mapping is by name, in the order to be shown.

    `intervals` are the bootstrap's 95 % ones of `figures`. `reliability` are bins of rising p: n, predicted, observed.
    `earlier` are figures of when less was known. `sources` and `baselines` have, beside their own figures, `gain`: how
    much lower the evaluated predictions' loss is on the same rows, with its interval.
    """

    binary: bool
    figures: NamedFigures
    intervals: dict[str, Interval]
    reliability: list[tuple[int, float, float]]
    by_mask: dict[str, NamedFigures]
    sources: dict[str, NamedFigures]
    earlier: dict[str, NamedFigures]
    by_evidence: dict[str, NamedFigures]
    by_confidence: list[NamedFigures]
    error_over_confidence: float | None
    baselines: dict[str, NamedFigures]
    subgroups: dict[str, dict[str, NamedFigures]]
    largest_gaps: dict[str, tuple[str, float]]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """The figures by their names, all else beside them; numbers rounded to DIGITS, which is all that is known."""
        beside = {name: getattr(self, name) for name in self.__struct_fields__ if name != "figures"}
        return _rounded_by_name({**self.figures, **beside})


def evaluate(subject: Subject, repeats: int = REPEATS, seed: int = 0) -> Evaluation:
    """Evaluate one skill. Deterministic. Raises EvaluationError where there is nothing to evaluate."""
    predictions = subject.predictions
    if not len(predictions):
        raise EvaluationError("there is no label that could be evaluated")
    deciles = by_confidence(predictions)
    subgroups = by_subgroup(predictions, repeats, seed)
    return Evaluation(
        binary=predictions.binary,
        figures=figures(predictions) | dict(subject.figures),
        intervals=bootstrap(predictions, repeats, seed),
        reliability=reliability(predictions.outcome, predictions.p),
        by_mask=by_name(predictions, predictions.mask),
        sources={name: _compare(predictions, each, repeats, seed) for name, each in subject.sources.items()},
        earlier={name: whole(each.like(predictions)) for name, each in subject.earlier.items()},
        by_evidence=by_evidence(predictions),
        by_confidence=deciles,
        error_over_confidence=error_over_confidence(deciles),
        baselines={name: _compare(predictions, each, repeats, seed) for name, each in subject.baselines.items()},
        subgroups=subgroups,
        largest_gaps=largest_gaps(subgroups),
        notes=[*subject.notes, *_notes(predictions, deciles)],
    )


def _compare(predictions: Predictions, rival: Rival, repeats: int, seed: int) -> NamedFigures:
    gain, (low, high) = loss_difference(predictions.at(rival.rows), rival.predictions, repeats, seed)
    return figures(rival.predictions.like(predictions)) | {"gain": gain, "gain_low": low, "gain_high": high}


def _notes(predictions: Predictions, deciles: list[NamedFigures]) -> Iterator[str]:
    if not predictions.binary:
        yield "the outcome is continuous: there is no AUC and no log loss, and brier is the mean squared error"
    elif not 0 < predictions.outcome.sum() < len(predictions):
        yield f"every outcome is {predictions.outcome[0]:g}: there is no AUC, and no slope"
    if predictions.binary and not np.all(np.isnan(predictions.low)):
        yield "the outcome is 0 or 1: intervals have a width, but no coverage"
    for column, values in predictions.subgroups.items():
        if names_no_groups(values):
            yield f"{column} has more than {MAX_SUBGROUPS} values, and is not compared"
    if not deciles and not np.all(np.isnan(predictions.confidence)):
        yield f"too few students ({MIN_IN_DECILE} a group) to tell whether the error falls with confidence"


def _rounded_by_name(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: int(value) if isinstance(value, float) and is_number_of_things(name) else _rounded(value)
        for name, value in values.items()
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return _rounded_by_name(value)
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return round(value, DIGITS) if isinstance(value, float) else value
