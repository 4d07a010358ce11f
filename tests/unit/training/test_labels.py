"""labels.csv: what is read, and what is refused with its line."""

import re
import time
from pathlib import Path

import pytest

from streams.training.errors import TrainingError
from streams.training.labels import Label, StudentGroups, ordinals_of, read_labels

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
        ("", "no labels"),
    ],
)
def test_a_label_that_cannot_be_used_is_named(tmp_path: Path, row: str, why: str) -> None:
    with pytest.raises(TrainingError, match=re.escape(why)):
        read(tmp_path, HEADER + row)


@pytest.mark.parametrize("header", ["who,what", HEADER[:-1] + ",", HEADER[:-1] + ",sex,sex"])
def test_other_columns_are_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(TrainingError, match=f"its columns are '{header}'"):
        read(tmp_path, f"{header}\n")


def test_more_columns_and_longer_values_than_groups_have_are_refused(tmp_path: Path) -> None:
    row = "ada,empathy,2026-03-02T12:00:00Z,1"
    with pytest.raises(
        TrainingError, match="1,000 columns after 'label'; leave those that name no groups, 100 at most"
    ):
        read(tmp_path, HEADER[:-1] + "".join(f",c{number}" for number in range(1_000)))
    with pytest.raises(TrainingError, match="line 2: a column has more than 256 characters"):
        read(tmp_path, f"{HEADER[:-1]},essay\n{row},{'x' * 257}")


def test_the_mark_that_excel_puts_before_the_first_column_is_passed_over(tmp_path: Path) -> None:
    rows = HEADER.replace("\n", "\r\n") + "ada,empathy,2026-03-02T12:00:00Z,1\r\n"
    assert read(tmp_path, "\ufeff" + rows) == read(tmp_path, rows)


def test_which_of_its_students_labels_each_is_takes_no_longer_the_more_there_are() -> None:
    labels = [Label("ada", "empathy", second, 1) for second in range(30_000)]
    begin = time.process_time()
    assert ordinals_of(labels[::-1]).tolist() == [*range(30_000, 0, -1)]
    assert time.process_time() - begin < 1, "0.03 s; it took 5 s and more to look each one up in a list"


def test_further_columns_are_kept_beside_the_label(tmp_path: Path) -> None:
    (label,) = read(tmp_path, HEADER[:-1] + ",cohort,sex\nada,empathy,2026-03-02T12:00:00Z,1,2026,f")

    assert dict(label.columns) == {"cohort": "2026", "sex": "f"}


def test_a_label_given_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    first = "ada,empathy,2026-03-02T12:00:00Z,1\n"
    with pytest.raises(TrainingError, match=r"line 4: ada has a label of empathy .* already, in line 2"):
        read(tmp_path, HEADER + first + "bo" + first[3:] + "ada,empathy,2026-03-02T13:00:00+01:00,0\n")


def test_a_continuous_label_is_a_number_within_0_and_1(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(HEADER + "ada,empathy,2026-03-02T12:00:00Z,0.7")
    assert read_labels(tmp_path / "labels.csv", ("empathy",))[0].label == 0.7
    for wrong in ("nan", "7"):
        (tmp_path / "labels.csv").write_text(HEADER + f"ada,empathy,2026-03-02T12:00:00Z,{wrong}")
        with pytest.raises(TrainingError, match=f"line 2: label {wrong}: it must be within 0 and 1"):
            read_labels(tmp_path / "labels.csv", ("empathy",))


def test_one_person_is_on_one_side_of_the_split_under_every_id() -> None:
    person = StudentGroups(re.compile("[^-]+$"))
    sides = [(person.held_out(f"AAA-{n}", 0.2, 0), person.held_out(f"BBB-{n}", 0.2, 0)) for n in range(2_000)]

    assert all(first == second for first, second in sides)
    assert 300 < sum(first for first, _ in sides) < 500
    assert [person.held_out(f"AAA-{n}", 0.2, 1) for n in range(2_000)] != [first for first, _ in sides]
