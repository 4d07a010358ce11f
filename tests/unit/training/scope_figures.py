"""How many states of held-out students are out of the range of training: the figures of decision record 38.

    python -m tests.unit.training.scope_figures pisa/events.jsonl.gz pisa/labels.csv default
    python -m tests.unit.training.scope_figures oulad/events.jsonl.gz oulad/labels.csv course_success

EVENTS and LABELS are those of `skillstream convert`, SKILLS is a shipped artifact too, whose features are looked at.
Students whose ids name a presentation (AAA-2013J-1) are held back by presentation as well.
"""

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.cli.event_files import read_lines
from agents.cli.line_records import records_of_now
from streams.evidence import training_scope
from streams.evidence.artifacts import load_artifact
from streams.evidence.trained_on import TrainedOn
from streams.evidence.training_scope import TrainingScope
from streams.skills.skills_file import load_skills
from streams.training.estimates import feature_matrix
from streams.training.folds import by_student
from streams.training.labels import read_labels
from streams.training.moments import moments_of

COUNTS: Final = (3, 5, 8, 16, 32, 64)
TOLERANCES: Final = (0.0, 0.1)


def main(events: str, labels: str, skills: str) -> None:
    """Print the share of states out of range, by who was held back and by tolerance."""
    skill_set, [(name, card)] = load_skills(skills), load_artifact(skills).card.skills.items()
    records = records_of_now(read_lines([events], quiet=True))
    wanted = read_labels(Path(labels), skill_set.names)
    states, _ = asyncio.run(moments_of(records, wanted, skill_set, counts=COUNTS, withdrawn=True))
    matrix = feature_matrix(states, card.features)
    for who, held in held_back([state.label.student for state in states]):
        for tolerance in TOLERANCES:
            training_scope.TOLERANCE = tolerance  # type: ignore[misc]
            trained_on = TrainedOn.of((), card.features, matrix[~held])
            out = TrainingScope(skill_set.skills[name], card.features, trained_on).is_beyond(matrix[held])
            _print(f"{who:12} tolerance {tolerance:3} {out.sum():4} of {len(out):6} {100 * out.mean():.3f} %")


def held_back(students: Sequence[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Fifths of the people, and presentations: which states are theirs."""
    numbers = np.arange(len(students))
    for fold in by_student(np.array([student.rpartition("-")[2] for student in students]), 5, 0):
        yield "a fifth", np.isin(numbers, fold.outside)
    found = np.array([match[1] if (match := re.search("-([0-9]{4}[BJ])-", student)) else "" for student in students])
    for presentation in sorted(set(found.tolist()) - {""}):
        yield presentation, found == presentation


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:4])
