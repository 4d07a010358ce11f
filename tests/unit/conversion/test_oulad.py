"""OULAD's tables as events: submissions, and deadlines that passed without one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.event import Overdue, Session, Submission
from streams.conversion.oulad import convert_oulad, first_day
from streams.conversion.tables import RowUnreadable
from streams.conversion.training_set import TrainingSet
from tests.unit.conversion.tables import ENROLMENTS, SUBMISSIONS, enrolment, submission, tables, write


def convert(folder: Path, enrolments: list[str], submissions: list[str]) -> TrainingSet:
    write(folder, "enrolments", ENROLMENTS, *enrolments)
    write(folder, "submissions", SUBMISSIONS, *submissions)
    return convert_oulad(tables(folder))


def overdue(converted: TrainingSet) -> list[str]:
    return [event.student_id for event in converted.events if isinstance(event, Overdue)]


def test_a_submission_keeps_its_day_its_due_time_and_its_score(tmp_path: Path) -> None:
    converted = convert(tmp_path, [enrolment("1")], [submission("a1", "1", 19, due="20", score="85")])

    (work,) = (event for event in converted.events if isinstance(event, Submission))
    assert work.time == datetime(2013, 10, 20, 12, tzinfo=UTC)
    assert work.due == datetime(2013, 10, 22, tzinfo=UTC), "day 20 has passed when day 21 begins"
    assert (work.score, work.weight) == (0.85, 0.1)


def test_every_event_names_the_presentation_as_its_course(tmp_path: Path) -> None:
    students = [enrolment("1", "Withdrawn", left="30"), enrolment("2")]
    converted = convert(tmp_path, students, [submission("a1", "1", 19)])

    assert {type(event) for event in converted.events} == {Session, Submission, Overdue}
    assert {event.course_id for event in converted.events} == {"AAA-2013J"}


def test_a_deadline_is_overdue_for_those_who_had_handed_nothing_in(tmp_path: Path) -> None:
    students = [enrolment("early"), enrolment("late"), enrolment("never", "Fail")]
    converted = convert(tmp_path, students, [submission("a1", "early", 20), submission("a1", "late", 21)])

    assert overdue(converted) == ["AAA-2013J-late", "AAA-2013J-never"]
    (at,) = {event.time for event in converted.events if isinstance(event, Overdue)}
    assert at == datetime(2013, 10, 22, tzinfo=UTC)


def test_nothing_is_overdue_for_those_who_had_left_or_not_yet_come(tmp_path: Path) -> None:
    students = [
        enrolment("1"),
        enrolment("left", "Withdrawn", left="20"),
        enrolment("came", registered="21"),
        enrolment("stays", "Withdrawn", left="21"),
    ]
    converted = convert(tmp_path, students, [submission("a1", "1", 3)])

    assert overdue(converted) == ["AAA-2013J-stays"]


def test_exams_have_no_deadline_and_banked_results_no_due_time(tmp_path: Path) -> None:
    works = [
        submission("exam", "1", 230, due="229", kind="Exam"),
        submission("a1", "1", -1, banked=1),
        submission("a1", "2", 20),
    ]
    converted = convert(tmp_path, [enrolment("1"), enrolment("2")], works)

    assert overdue(converted) == []
    banked = next(event for event in converted.events if isinstance(event, Submission))
    assert (banked.student_id, banked.due) == ("AAA-2013J-1", None)


def test_who_leaves_is_withdrawn_from_noon_of_that_day_and_whoever_stays_is_not(tmp_path: Path) -> None:
    students = [enrolment("1"), enrolment("left", "Withdrawn", left="20"), enrolment("never", "Withdrawn", left="-20")]
    converted = convert(tmp_path, students, [])

    left = [event for event in converted.events if isinstance(event, Session) and event.phase == "withdrawn"]
    assert [(event.student_id[10:], event.time) for event in left] == [
        ("never", datetime(2013, 9, 21, 12, tzinfo=UTC)),  # registered ten days before the first: not before that
        ("left", datetime(2013, 10, 21, 12, tzinfo=UTC)),
    ]


def test_a_label_says_its_cohort_and_what_groups_may_be_compared_by(tmp_path: Path) -> None:
    converted = convert(tmp_path, [enrolment("1")], [])

    expected = {"cohort": "2013J", "module": "AAA", "day": "30", "gender": "F", "disability": "N"}
    columns = dict(converted.outcomes[0].columns)
    assert expected.items() <= columns.items()
    assert columns["imd_band"] == "unknown", "it is empty in the table"


def test_labels_are_for_those_still_registered_at_the_end_of_the_day(tmp_path: Path) -> None:
    students = [
        enrolment("1", "Distinction"),
        enrolment("2", "Withdrawn", left="60"),
        enrolment("3", "Fail", registered="31"),
    ]
    converted = convert(tmp_path, students, [])

    noted = [(o.student[-1], (o.as_of - datetime(2013, 10, 1, tzinfo=UTC)).days, o.label) for o in converted.outcomes]
    assert noted == [("1", 31, 1), ("1", 61, 1), ("1", 121, 1), ("2", 31, 0), ("3", 61, 0), ("3", 121, 0)]


def test_every_submission_becomes_an_event_or_is_counted(tmp_path: Path) -> None:
    works = [
        submission("a1", "1", 5),
        submission("a1", "1", 6),
        submission("a1", "stranger", 5),
        submission("a2", "1", 5, score="101"),
        submission("a3", "1", 5, score=""),
        submission("a4", "1", 300),
    ]
    converted = convert(tmp_path, [enrolment("1", "Withdrawn", left="100"), enrolment("x", "Vanished")], works)

    tally = converted.tally
    assert tally.events["submission"] == 3
    assert sum(n for reason, n in tally.skipped.items() if reason.startswith("submissions")) == 3
    assert tally.skipped["enrolments: an unknown result"] == 1
    assert tally.notes["submissions on or after the day of leaving: kept"] == 1


def test_a_presentation_starts_in_the_month_of_its_dead_letter() -> None:
    assert first_day("2013B") == datetime(2013, 2, 1, tzinfo=UTC)
    assert first_day("2014J") == datetime(2014, 10, 1, tzinfo=UTC)
    for wrong in ("2013X", "13J", "", "J"):
        with pytest.raises(RowUnreadable):
            first_day(wrong)
