"""What fitted indicators are worth where the model is missing: the figures of decision record 38.

    python -m tests.unit.training.indicator_figures oulad/events.jsonl.gz oulad/labels.csv course_success '[^-]+$'
    python -m tests.unit.training.indicator_figures pisa/events.jsonl.gz pisa/labels.csv default

EVENTS and LABELS are those of `skillstream convert`, SKILLS a shipped artifact, too, and PERSON is as `train` has it.
All figures are of people that neither the indicators nor the calibration of behaviour alone saw, as of their labels.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from agents.cli.event_files import read_lines
from agents.cli.line_records import records_of_now
from streams.evaluation.figures import figures
from streams.evaluation.predictions import Predictions
from streams.evidence.artifacts import load_artifact
from streams.evidence.behaviour import BehaviourSource
from streams.evidence.registry import types_of
from streams.rows.row_batch import Floats
from streams.skills.skills_file import load_skills
from streams.training.behaviour_fit import calibrated, fit_behaviour
from streams.training.estimates import estimates_beside_model
from streams.training.folds import by_student
from streams.training.fusion_fit import FusionData
from streams.training.labels import StudentGroups, read_labels
from streams.training.moments import moments_of

COUNTS: Final = (3, 5, 8, 16, 32, 64)
EARLIER_WEIGHT: Final = 0.25


def main(events: str, labels: str, skills: str, person: str = "") -> None:
    """Print the figures of behaviour alone, by hand and fitted."""
    whole, artifact = load_skills(skills), load_artifact(skills)
    [skill] = artifact.card.skills
    skill_set = msgspec.structs.replace(whole, skills={skill: whole.skills[skill]})
    wanted, records = read_labels(Path(labels), whole.names), records_of_now(read_lines([events], quiet=True))
    states, _ = asyncio.run(moments_of(records, wanted, skill_set, counts=COUNTS))
    own = np.array([state.own for state in states])
    groups = StudentGroups(re.compile(person) if person else None)
    students = np.array([groups.of(state.label.student) for state in states])
    folds = by_student(students, 5, 0)
    numbers = np.zeros(len(states), np.intp)
    for number, fold in enumerate(folds):
        numbers[fold.outside] = number
    data = FusionData(
        estimates=estimates_beside_model(states, skill_set, artifact, types_of(skill_set)),
        labels=np.array([float(state.label.label) for state in states]),
        weights=np.where(own, 1.0, EARLIER_WEIGHT),
        students=students,
        folds=numbers,
        skill_set=skill_set,
        artifact=artifact,
        types=types_of(skill_set),
    )
    fitted = fit_behaviour(states, folds, data)
    at = own & (data.estimates[BehaviourSource.name].n[:, 0] > 0)
    _print("by hand", calibrated(data.estimates[BehaviourSource.name], data)[at], data.labels[at])
    if fitted is not None:
        _print("fitted", calibrated(fitted.estimate, data)[at], data.labels[at])
        print(f"gain {fitted.gain:.5f}, 95 % interval {fitted.interval}", flush=True)  # noqa: T201


def _print(what: str, log_odds: Floats, outcomes: Floats) -> None:
    found = figures(Predictions.of(outcomes, 1 / (1 + np.exp(-log_odds))))
    named = "  ".join(f"{name} {found[name]:.4f}" for name in ("auc", "log_loss", "ece"))
    print(f"{what:8} {named}  n {found['n']:.0f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
