"""labels.csv: what is read, and what is refused with its line."""

import re
from pathlib import Path

import pytest

from streams.training.errors import TrainingError
from streams.training.labels import Label, StudentGroups, read_labels

HEADER = "student,skill,as_of,label\n"


def read(folder: Path, text: str) -> list[Label]:
    (folder / "labels.csv").write_text(text)
    return read_labels(folder / "labels.csv", ("empathy", "problem_solving"))


def test_a_label_has_a_student_a_skill_a_moment_and_an_outcome(tmp_path: Path) -> None:
    noted = read(
        tmp_path, HEADER + "ada,empathy,2026-03-02T12:00:00+02:00,1\nbo,problem_solving,2026-03-02T12:00:00Z,0.0"
    )

    assert noted == [
        Label("ada", "empathy", 1_772_445_600_000_000, 1),
        Label("bo", "problem_solving", 1_772_452_800_000_000, 0),
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("ada,empathy,2026-03-02T12:00:00Z", "line 2: 3 columns"),
        ("ada,patience,2026-03-02T12:00:00Z,1", "no skill 'patience'"),
        ("ada,empathy,yesterday,1", "as_of 'yesterday'"),
        ("ada,empathy,2026-03-02T12:00:00,1", "no offset from UTC"),
        ("ada,empathy,2026-03-02T12:00:00Z,good", "'good' is no number"),
        ("ada,empathy,2026-03-02T12:00:00Z,0.7", "only 0 and 1"),
        ("ada,empathy,2026-03-02T12:00:00Z,nan", "only 0 and 1"),
        ("", "no labels"),
    ],
)
def test_a_label_that_cannot_be_used_is_named(tmp_path: Path, row: str, why: str) -> None:
    with pytest.raises(TrainingError, match=re.escape(why)):
        read(tmp_path, HEADER + row)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="its columns are 'who,what'"):
        read(tmp_path, "who,what\n")


def test_one_person_is_on_one_side_of_the_split_under_every_id() -> None:
    person = StudentGroups(re.compile("[^-]+$"))
    sides = [(person.held_out(f"AAA-{n}", 0.2, 0), person.held_out(f"BBB-{n}", 0.2, 0)) for n in range(2_000)]

    assert all(first == second for first, second in sides)
    assert 300 < sum(first for first, _ in sides) < 500
    assert [person.held_out(f"AAA-{n}", 0.2, 1) for n in range(2_000)] != [first for first, _ in sides]
