"""What norms are worth to models of OULAD's presentations, of one that they never saw: the figures of docs/norms.md.

    python -m tests.unit.training.norm_figures DATA/oulad 2013B,2013J 2014B '*_z,*_rank'

Trained are `course_success`, and `later_score` of `course_work`, as `skillstream train` does: on all features, and on
those and the NORM_FEATURES that the last argument names. Judged are those who were registered at the end of a day.
"""

import asyncio
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from schemas.dialects import decode
from schemas.dialects.native import encode
from schemas.event import Submission
from streams.conversion.oulad import convert_oulad
from streams.conversion.tables import Tables, Tally
from streams.conversion.training_set import TrainingSet
from streams.evaluation.figures import figures
from streams.evaluation.predictions import Predictions
from streams.event_record import event_pipeline
from streams.evidence.artifacts import Artifact
from streams.evidence.features import FEATURES
from streams.replay import FileRecord
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills
from streams.training.dated import dated_events
from streams.training.labelled import predictions_of, score_moments
from streams.training.labels import Label, StudentGroups
from streams.training.moments import moments_of
from streams.training.norm_timeline import NormPlan, NormTimeline, norms_over
from streams.training.outcomes import OutcomePlan, outcome_moments
from streams.training.trainer import Plan, train

COUNTS: Final = (3, 5, 8, 16, 32, 64)
PERSON: Final = StudentGroups(re.compile("[^-]+$"))
PRESENTATION: Final = re.compile("[0-9]{4}[BJ]")
DAY_US: Final = 86_400_000_000
LONG_AFTER_MS: Final = 1_500_000_000_000
LEAST_STUDENTS: Final = 300
SHOWN: Final = ("auc", "ece", "coverage", "width", "interval_score")
PASSED: Final = "course_success"
LATER: Final = "later_score"


@dataclass(frozen=True, slots=True)
class Presentations:
    """Some of them: their events as records, what came of their students, and the norms of the time."""

    records: list[FileRecord]
    labels: dict[str, list[Label]]
    norms: NormTimeline

    @classmethod
    def of(cls, converted: TrainingSet, named: Sequence[str]) -> "Presentations":
        """Those of these names."""
        events = [event for event in converted.events if event.student_id.split("-")[1] in named]
        records = [FileRecord(offset, LONG_AFTER_MS, encode(event)) for offset, event in enumerate(events)]
        passed = [
            Label(each.student, PASSED, int(each.as_of.timestamp() * 1e6), each.label, each.columns)
            for each in converted.outcomes
            if each.student.split("-")[1] in named
        ]
        later = list(_later([event for event in events if isinstance(event, Submission)], passed))
        pipeline = event_pipeline(load_skills(PASSED))
        norms = asyncio.run(norms_over(dated_events(records, decode), pipeline, NormPlan(DAY_US)))
        return cls(records, {PASSED: passed, LATER: later}, norms)


def _later(submissions: Sequence[Submission], labels: Sequence[Label]) -> Iterator[Label]:
    """The mean score of what each student had marked after the time of each label, where there is any."""
    marked = defaultdict(list)
    for each in submissions:
        if each.score is not None:
            marked[each.student_id].append((int(each.time.timestamp() * 1e6), each.score))
    for label in labels:
        scores = [score for time_us, score in marked[label.student] if time_us > label.as_of_us]
        if scores:
            yield replace(label, skill=LATER, label=sum(scores) / len(scores))


def skills_of(skill: str) -> SkillSet:
    """A skill set with this skill alone."""
    whole = load_skills(PASSED if skill == PASSED else "course_work")
    return msgspec.structs.replace(whole, skills={skill: whole.skills[skill]})


def learn(skill: str, learnt: Presentations, relative: Sequence[str]) -> Iterator[tuple[str, Artifact]]:
    """An artifact that compares nobody, and one that reads such features too, each with what it is."""
    skill_set = skills_of(skill)
    if skill == PASSED:
        process = moments_of(learnt.records, learnt.labels[skill], skill_set, counts=COUNTS, withdrawn=True)
    else:
        process = outcome_moments(lambda: learnt.records, skill_set, OutcomePlan(COUNTS, cohort=PRESENTATION))
    moments, account = asyncio.run(process)
    under = learnt.norms.of(moments)
    for name, inputs, some in (("without norms", (), moments), ("with norms", (*FEATURES, *relative), under)):
        plan = Plan(name, skill_set, inputs=inputs, groups=PERSON, platforms=account.platforms)
        made = train(some, plan)
        yield name, Artifact(made.card, made.models, "0" * 64)


def judged(skill: str, artifact: Artifact, unseen: Presentations) -> Predictions:
    """Scores of the presentation that nothing was learnt from."""
    skill_set = skills_of(skill)
    moments, _ = asyncio.run(moments_of(unseen.records, unseen.labels[skill], skill_set))
    scored = asyncio.run(score_moments(unseen.norms.of(moments), skill_set, artifact))
    return predictions_of(scored, skill_set, artifact, PERSON)[skill]


def by_day(predictions: Predictions) -> Iterator[tuple[str, Predictions]]:
    """Those of each day that labels are as of."""
    days = predictions.subgroups["day"]
    for day in sorted(set(days.tolist()), key=int):
        yield day, predictions.at(days == day)


def largest_gap(predictions: Predictions, known: set[str]) -> tuple[float, str]:
    """Of modules seen in training with enough students, how far the mean score is from the mean outcome at most."""
    modules = predictions.subgroups["module"]
    gaps = [
        (abs(float((predictions.p[at] - predictions.outcome[at]).mean())), str(module))
        for module in np.unique(modules)
        if module in known and (at := modules == module).sum() >= LEAST_STUDENTS
    ]
    return max(gaps, default=(0.0, "none"))


def main(folder: str, trained: str, judged_on: str, relative: str) -> None:
    """Train without norms and with them, and print what is found."""
    converted = convert_oulad(Tables(Path(folder), Tally()))
    learnt, unseen = (Presentations.of(converted, named.split(",")) for named in (trained, judged_on))
    known = {label.student.split("-")[0] for label in learnt.labels[PASSED]}
    for skill in (PASSED, LATER):
        for name, artifact in learn(skill, learnt, relative.split(",")):
            for day, of_day in by_day(judged(skill, artifact, unseen)):
                found, (gap, module) = figures(of_day), largest_gap(of_day, known)
                shown = " ".join(f"{figure} {found[figure]:.4f}" for figure in SHOWN if figure in found)
                _print(f"{skill:14} {name:13} day {day:>3} {shown} largest gap {gap:.4f} ({module})")


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:5])
