"""What features against norms are worth to OULAD's `course_success`: the figures of docs/norms.md.

    python -m tests.unit.training.norm_figures DATA/oulad 2013B,2013J 2014B mark_of_due_rank

A model learns from some presentations, on the inputs of the shipped one and on those and the features that the last
argument names, and is judged on another: on those who were registered at the end of a day. The figures are the model's
alone, without fusion.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from schemas.dialects import decode
from schemas.dialects.native import encode
from streams.conversion.oulad import convert_oulad
from streams.conversion.tables import Tables, Tally
from streams.conversion.training_set import TrainingSet
from streams.evaluation.figures import figures
from streams.evaluation.predictions import Names, Predictions
from streams.event_record import event_pipeline
from streams.evidence.artifacts import load_artifact
from streams.evidence.tree_scorer import TreeScorer
from streams.replay import FileRecord
from streams.skills.skills_file import load_skills
from streams.training.dated import dated_events
from streams.training.estimates import feature_matrix
from streams.training.examples import Examples
from streams.training.labels import Label
from streams.training.moments import Moment, moments_of
from streams.training.norm_timeline import NormPlan, norms_over

SKILL: Final = "course_success"
COUNTS: Final = (3, 5, 8, 16, 32, 64)
DAY_US: Final = 86_400_000_000
LONG_AFTER_MS: Final = 1_500_000_000_000
LEAST_STUDENTS: Final = 300


def moments_under_norms(converted: TrainingSet, presentations: Sequence[str]) -> list[Moment]:
    """Those of the students of some presentations, as `train` has them."""
    events = [event for event in converted.events if event.student_id.split("-")[1] in presentations]
    records = [FileRecord(offset, LONG_AFTER_MS, encode(event)) for offset, event in enumerate(events)]
    labels = [
        Label(each.student, SKILL, int(each.as_of.timestamp() * 1e6), each.label, each.columns)
        for each in converted.outcomes
        if each.student.split("-")[1] in presentations
    ]
    skill_set = load_skills(SKILL)
    norms = asyncio.run(norms_over(dated_events(records, decode), event_pipeline(skill_set), NormPlan(DAY_US)))
    moments, _ = asyncio.run(moments_of(records, labels, skill_set, counts=COUNTS, withdrawn=True))
    return norms.of(moments)


def modules_of(moments: Sequence[Moment]) -> Names:
    """Of each, what comes first in the student's id."""
    return np.array([moment.label.student.split("-")[0] for moment in moments])


def by_day(moments: Sequence[Moment]) -> Iterator[tuple[str, list[Moment]]]:
    """Of the labels as of each day, their own."""
    days = [dict(moment.label.columns)["day"] for moment in moments]
    for day in sorted(set(days), key=int):
        yield day, [moment for moment, of in zip(moments, days, strict=True) if of == day and moment.own]


def largest_gap(predictions: Predictions, modules: Names, known: Names) -> tuple[float, str]:
    """Of the known modules with enough students, how far the mean score is from the mean outcome at most."""
    gaps = [
        (abs(float((predictions.p[at] - predictions.outcome[at]).mean())), str(module))
        for module in np.unique(modules)
        if module in known and (at := modules == module).sum() >= LEAST_STUDENTS
    ]
    return max(gaps, default=(0.0, "none"))


def main(folder: str, trained: str, judged: str, relative: str) -> None:
    """Learn without norms and with them, and print what is found."""
    converted = convert_oulad(Tables(Path(folder), Tally()))
    learnt, unseen = (moments_under_norms(converted, named.split(",")) for named in (trained, judged))
    plain, known = load_artifact(SKILL).card.skills[SKILL].features, modules_of(learnt)
    for name, inputs in (("without norms", plain), ("with norms", (*plain, *relative.split(",")))):
        fitted = Examples.of(learnt, inputs).fit()
        for day, of_day in by_day(unseen):
            p = TreeScorer(fitted.model).probability(feature_matrix(of_day, fitted.features))
            predictions = Predictions.of(np.array([float(moment.label.label) for moment in of_day]), p)
            gap, module = largest_gap(predictions, modules_of(of_day), known)
            found = figures(predictions) | {"largest_gap": gap}
            shown = " ".join(f"{figure} {found[figure]:.4f}" for figure in ("auc", "log_loss", "ece", "largest_gap"))
            print(f"{name:13} day {day:>3} {shown} ({module})", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:5])
