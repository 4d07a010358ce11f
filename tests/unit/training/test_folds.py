"""Who is held back when: a cohort at a time, and nobody on both sides."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.training.errors import TrainingError
from streams.training.folds import folds_of
from streams.training.labels import Label, StudentGroups

BY_NUMBER = StudentGroups(re.compile("[^-]+$"))


def label(student: str, cohort: str | None = None) -> Label:
    columns = () if cohort is None else (("cohort", cohort),)
    return Label(student, "problem_solving", 0, 1, columns)


labels_of_cohorts = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 30)), min_size=3, unique=True).map(
    lambda pairs: [label(f"{cohort}-{number}", cohort) for cohort, number in pairs]
)


@given(labels_of_cohorts)
def test_every_label_is_held_back_once_and_nobody_is_learnt_from_meanwhile_under_any_id(labels: list[Label]) -> None:
    try:
        folds = folds_of(labels, BY_NUMBER, 2, 0)
    except TrainingError:
        return
    assert sorted(np.concatenate([fold.outside for fold in folds]).tolist()) == list(range(len(labels)))
    for fold in folds:
        inside, outside = ({BY_NUMBER.of(labels[at].student) for at in side} for side in (fold.inside, fold.outside))
        assert inside
        assert not inside & outside


def test_with_several_cohorts_each_is_held_back_once() -> None:
    folds = folds_of(
        [label(f"{year}-{n}-{year}", year) for year in ("2024", "2025") for n in range(9)], BY_NUMBER, 5, 0
    )
    assert [fold.cohort for fold in folds] == ["2024", "2025"]


@pytest.mark.parametrize("cohort", [None, "2025", ""])
def test_with_one_cohort_or_none_students_are_held_back(cohort: str | None) -> None:
    folds = folds_of([label(f"s{n}", cohort) for n in range(9)], StudentGroups(), 3, 0)
    assert [(fold.cohort, len(fold.outside)) for fold in folds] == [("", 3)] * 3


def test_a_label_without_cohort_among_others_and_cohorts_of_the_same_students_are_refused() -> None:
    with pytest.raises(TrainingError, match="a label of bo has no cohort"):
        folds_of([label("ada", "2025"), label("bo", "")], StudentGroups(), 2, 0)
    with pytest.raises(TrainingError, match="without the students of cohort A there is nobody"):
        folds_of([label("A-1", "A"), label("B-1", "B")], BY_NUMBER, 2, 0)
