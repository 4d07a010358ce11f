"""Open University Learning Analytics: a student's submissions over a course, and how it ended.

What the tables say becomes events as the platform would have sent them, on the presentation's own days:

    registration ──► session enrolled        day 0, while registered ──► session start
    unregistration ──► session withdrawn
    submission   ──► submission              a deadline passed with nothing handed in, while registered ──► overdue

Only days are known: work is handed in, and a course left, at noon, a day's deadlines pass at its end, and a label says
what is known at the end of its day. Deadlines are those of the presentation's assessments in `submissions`; exams have
none. A banked result is carried over from an earlier presentation: it is on record from its date, was due on no day of
this one, and its assessment is never overdue. What describes the person is in no event: it is in columns of the labels,
to compare groups by.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from schemas.event import NativeEvent, Overdue, Session, Submission
from streams.conversion.tables import RowUnreadable, Tables
from streams.conversion.training_set import LabelledStudent, TrainingSet, training_set

COURSE_SUCCESS: Final = "course_success"
LABEL_DAYS: Final = (30, 60, 120)
_NOON: Final = timedelta(hours=12)
_FIRST_MONTH: Final = {"B": 2, "J": 10}
_ENROLMENT_COLUMNS: Final = (
    "code_module code_presentation id_student gender region highest_education imd_band age_band num_of_prev_attempts "
    "studied_credits disability final_result module_presentation_length date_registration date_unregistration"
).split()
_SUBMISSION_COLUMNS: Final = (
    "id_assessment id_student date_submitted is_banked score code_module code_presentation assessment_type date weight"
).split()
_DESCRIPTION_COLUMNS: Final = ("gender", "age_band", "disability", "imd_band")
_RESULTS: Final = {"Pass": 1, "Distinction": 1, "Fail": 0, "Withdrawn": 0}

Presentation = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One student in one presentation; days from its start. `left_day` is None if the student stayed."""

    student: str
    presentation: Presentation
    registered_day: int | None
    left_day: int | None
    passed: int
    description: tuple[tuple[str, str], ...] = ()

    @property
    def course(self) -> str:
        """The presentation as events name it, AAA-2013J: those in it are compared with each other."""
        return "-".join(self.presentation)

    def registered_on(self, day: int) -> bool:
        """Whether the student belongs to the course at the end of `day`."""
        return (self.registered_day or -999_999) <= day and (self.left_day is None or self.left_day > day)


@dataclass(frozen=True, slots=True)
class Work:
    """One submission. `due_day` is None where the presentation sets no day; `score` 0-1, None if unmarked."""

    assessment: str
    day: int
    banked: bool
    score: float | None
    exam: bool
    due_day: int | None
    weight: float


def convert_oulad(tables: Tables) -> TrainingSet:
    """Read `enrolments` and `submissions`. Raises TableMissing and TableUnreadable."""
    enrolments = _read_enrolments(tables)
    works = _read_works(tables, enrolments)
    calendars: dict[Presentation, dict[str, Work]] = defaultdict(dict)
    for student, handed_in in works.items():
        for work in handed_in:
            if work.due_day is not None and not work.exam:
                calendars[enrolments[student].presentation][work.assessment] = work
    events: list[NativeEvent] = []
    outcomes = []
    for enrolment in enrolments.values():
        start = first_day(enrolment.presentation[1])
        handed_in = works.get(enrolment.student, [])
        events += _sessions(enrolment, start)
        events += (_submission(enrolment, work, start) for work in handed_in)
        events += _overdue(enrolment, handed_in, calendars[enrolment.presentation], start)
        outcomes += [
            LabelledStudent(
                enrolment.student, COURSE_SUCCESS, _end_of(day, start), enrolment.passed, _columns(enrolment, day)
            )
            for day in LABEL_DAYS
            if enrolment.registered_on(day)
        ]
    return training_set(events, outcomes, tables.tally)


def _columns(enrolment: Enrolment, day: int) -> tuple[tuple[str, str], ...]:
    """What a label may be grouped by; the cohort is the presentation, of all modules."""
    module, presentation = enrolment.presentation
    return (("cohort", presentation), ("module", module), ("day", str(day)), *enrolment.description)


def first_day(code_presentation: str) -> datetime:
    """Day 0 of a presentation such as 2013J; the data give year and month (B February, J October), not the day.

    Raises RowUnreadable for another notation.
    """
    year, month = code_presentation[:-1], _FIRST_MONTH.get(code_presentation[-1:])
    if len(year) != 4 or not year.isdecimal() or int(year) < 1990 or month is None:
        raise RowUnreadable("an unknown presentation")
    return datetime(int(year), month, 1, tzinfo=UTC)


def _read_enrolments(tables: Tables) -> dict[str, Enrolment]:
    enrolments: dict[str, Enrolment] = {}
    for row in tables.rows("enrolments", _ENROLMENT_COLUMNS):
        module, code, student = row[:3]
        result, _, registered, left = row[-4:]
        described = dict(zip(_ENROLMENT_COLUMNS, row, strict=True))
        try:
            first_day(code)
            enrolment = Enrolment(
                f"{module}-{code}-{student}",
                (module, code),
                _day(registered) if registered else None,
                _day(left) if left else None,
                _passed(result),
                tuple((name, described[name] or "unknown") for name in _DESCRIPTION_COLUMNS),
            )
        except RowUnreadable as reason:
            tables.tally.skip(f"enrolments: {reason}")
            continue
        if enrolment.student in enrolments:
            tables.tally.skip("enrolments: enrolled already")
            continue
        enrolments[enrolment.student] = enrolment
    return enrolments


def _read_works(tables: Tables, enrolments: dict[str, Enrolment]) -> dict[str, list[Work]]:
    works: dict[str, dict[str, Work]] = defaultdict(dict)
    for row in tables.rows("submissions", _SUBMISSION_COLUMNS):
        student = f"{row[5]}-{row[6]}-{row[1]}"
        try:
            work = _work(row)
            _require_expected(student, work.assessment, enrolments, works)
        except RowUnreadable as reason:
            tables.tally.skip(f"submissions: {reason}")
            continue
        works[student][work.assessment] = work
        left_day = enrolments[student].left_day
        after_leaving = left_day is not None and left_day <= work.day
        tables.tally.notes["submissions of banked results: without due time"] += work.banked
        tables.tally.notes["submissions on or after the day of leaving: kept"] += after_leaving
    return {student: list(by_assessment.values()) for student, by_assessment in works.items()}


def _work(row: Sequence[str]) -> Work:
    assessment, _, day, banked, score, _, _, kind, due, weight = row
    return Work(
        assessment=assessment,
        day=_day(day),
        banked=banked == "1",
        score=_share(score) if score else None,
        exam=kind == "Exam",
        due_day=_day(due) if due else None,
        weight=_share(weight or "0"),
    )


def _require_expected(
    student: str, assessment: str, enrolments: Mapping[str, Enrolment], works: Mapping[str, Mapping[str, Work]]
) -> None:
    if student not in enrolments:
        raise RowUnreadable("a student without enrolment")
    if not assessment or assessment in works.get(student, {}):
        raise RowUnreadable("handed in already, or without an assessment")


def _sessions(enrolment: Enrolment, start: datetime) -> Iterator[NativeEvent]:
    registered = start + timedelta(days=enrolment.registered_day or 0)
    yield _session(enrolment, "enrolled", registered)
    if enrolment.left_day is None or enrolment.left_day > 0:
        yield _session(enrolment, "start", max(start, registered))
    if enrolment.left_day is not None:
        left = max(start + timedelta(days=enrolment.left_day), registered) + _NOON
        yield _session(enrolment, "withdrawn", left)


def _session(enrolment: Enrolment, phase: Literal["enrolled", "start", "withdrawn"], time: datetime) -> Session:
    return Session(
        version=1,
        event_id=f"{enrolment.student}-{phase}",
        student_id=enrolment.student,
        course_id=enrolment.course,
        time=time,
        phase=phase,
    )


def _submission(enrolment: Enrolment, work: Work, start: datetime) -> Submission:
    return Submission(
        version=1,
        event_id=f"{enrolment.student}-{work.assessment}",
        student_id=enrolment.student,
        course_id=enrolment.course,
        time=start + timedelta(days=work.day) + _NOON,
        item_id=work.assessment,
        due=None if work.banked or work.due_day is None else _end_of(work.due_day, start),
        score=work.score,
        weight=work.weight,
    )


def _overdue(
    enrolment: Enrolment, handed_in: list[Work], calendar: dict[str, Work], start: datetime
) -> Iterator[Overdue]:
    days = {work.assessment: work.day for work in handed_in}
    for assessment, example in calendar.items():
        due_day = example.due_day
        if due_day is None or not enrolment.registered_on(due_day) or days.get(assessment, due_day + 1) <= due_day:
            continue
        yield Overdue(
            version=1,
            event_id=f"{enrolment.student}-{assessment}-overdue",
            student_id=enrolment.student,
            course_id=enrolment.course,
            time=_end_of(due_day, start),
            item_id=assessment,
            weight=example.weight,
        )


def _end_of(day: int, start: datetime) -> datetime:
    return start + timedelta(days=day + 1)


def _day(text: str) -> int:
    try:
        day = float(text)
    except ValueError:
        raise RowUnreadable("a day that is no number") from None
    if not -3_000 <= day <= 3_000:
        raise RowUnreadable("a day years away from the presentation")
    return int(day)


def _share(text: str) -> float:
    try:
        share = float(text) / 100
    except ValueError:
        raise RowUnreadable("a score or weight that is no number") from None
    if not 0 <= share <= 1:
        raise RowUnreadable("a score or weight that is not between 0 and 100")
    return round(share, 6)


def _passed(result: str) -> int:
    if result not in _RESULTS:
        raise RowUnreadable("an unknown result")
    return _RESULTS[result]
