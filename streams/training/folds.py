"""Who is held back when: every cohort once, where the labels say theirs; else, every student once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from streams.training.errors import TrainingError
from streams.training.labels import Label, StudentGroups

COHORT: Final = "cohort"
"""The column of the labels that names their cohort: a year, a term, a presentation."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Indices of the moments that are learnt from, and of those that are held back meanwhile: those of `cohort`, or of
    some students where it is empty. No student is on both sides.
    """

    cohort: str
    inside: NDArray[np.intp]
    outside: NDArray[np.intp]

    @property
    def who(self) -> str:
        """Those held back, in words."""
        return f"cohort {self.cohort}" if self.cohort else "a part of the students"


def cohorts_of(labels: Sequence[Label]) -> list[str]:
    """The cohort of each label, all empty where the labels have no such column.

    Raises TrainingError where some labels have one and others not.
    """
    cohorts = [dict(label.columns).get(COHORT, "") for label in labels]
    if "" in cohorts and len(set(cohorts)) > 1:
        label = labels[cohorts.index("")]
        raise TrainingError(f"a label of {label.student} has no cohort, others have one")
    return cohorts


def folds_of(labels: Sequence[Label], groups: StudentGroups, folds: int, seed: int) -> list[Fold]:
    """A fold for each cohort, where there are several: whoever is in it is held back under all ids. Else `folds` of
    students. Every index is outside of one fold. Raises TrainingError where there are too few students.
    """
    students = np.array([groups.of(label.student) for label in labels])
    cohorts = np.array(cohorts_of(labels))
    if len(named := np.unique(cohorts)) > 1:
        return [_without(str(cohort), cohorts == cohort, students) for cohort in named]
    return by_student(students, folds, seed)


def by_student(students: NDArray[np.str_], folds: int, seed: int) -> list[Fold]:
    """Folds of students, whatever their cohorts. Raises TrainingError where there are fewer than folds."""
    if (found := len(np.unique(students))) < folds:
        raise TrainingError(f"{found} students are too few for {folds} folds")
    splits = GroupKFold(folds, shuffle=True, random_state=seed).split(students, groups=students)
    return [Fold("", inside, outside) for inside, outside in splits]


def _without(cohort: str, outside: NDArray[np.bool_], students: NDArray[np.str_]) -> Fold:
    known = np.isin(students, np.unique(students[outside]))
    if known.all():
        raise TrainingError(f"without the students of cohort {cohort} there is nobody to learn from")
    return Fold(cohort, np.flatnonzero(~known), np.flatnonzero(outside))
