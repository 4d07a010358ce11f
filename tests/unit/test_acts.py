"""One act counts once, whichever of a platform's events tell it; and two stay two."""

from collections.abc import Iterable
from itertools import permutations
from typing import Any, Final

import orjson
import pytest

from streams.folding.counts import Counts
from streams.rows.codec import decode_row
from streams.rows.row import Row
from streams.vocabulary import Fact
from tests.contract.caliper_events import GRADER, QUIZ, attempt, caliper, grade
from tests.contract.xapi_statements import ADL, ADL_TYPE, ITEM, statement
from tests.events import processed, record, rows_of

EVALUATED: Final = "https://w3id.org/xapi/acrossx/verbs/evaluated"
NUMBER: Final = "http://id.tincanapi.com/extension/attempt-id"
WORK: Final = {"id": "https://school.example/works/1", "type": "AssignableDigitalResource"}
WRONG: Final[dict[str, Any]] = {"score": {"raw": 0, "min": 0, "max": 1}, "success": False}
RIGHT: Final[dict[str, Any]] = {"score": {"raw": 1, "min": 0, "max": 1}, "success": True}
ATTEMPT: Final = {"id": "https://school.example/attempts/7", "definition": {"type": f"{ADL_TYPE}attempt"}}
QUIZ_TYPE: Final = f"{ADL_TYPE}assessment"


def folded(documents: Iterable[object], *, cut: bool = True) -> tuple[Row, Counts]:
    """One student's row after these, each in a batch of its own, or all in one; and what was counted."""
    records = [record(orjson.dumps(one), offset) for offset, one in enumerate(documents)]
    stored: dict[str, bytes] = {}
    counts = Counts()

    for batch in [[one] for one in records] if cut else [records]:
        made = processed(batch, stored)
        stored |= rows_of(made)
        counts += made.counts
    [row] = stored.values()
    return decode_row(row), counts


def n(row: Row, fact: int) -> int:
    return row.facts[fact].n if fact in row.facts else 0


def said(number: int, did: str, at: str = "11:00:00", /, **given: Any) -> dict[str, Any]:
    """A statement of its own id."""
    given.setdefault("timestamp", f"2026-03-02T{at}.000Z")
    return statement(
        did, given.pop("about", f"{ADL_TYPE}question"), id=f"6d1f033b-3f70-458c-b53a-{number:012d}", **given
    )


def event(number: int, kind: str, action: str, tried: object, **given: Any) -> dict[str, Any]:
    """A Caliper event of its own id."""
    return caliper(kind, action, tried, id=f"urn:uuid:3f0c1a52-7a0e-4c59-9d4f-{number:012d}", **given)


def numbered(attempt_number: float) -> dict[str, Any]:
    return {"id": ITEM, "definition": {"interactionType": "choice", "extensions": {NUMBER: attempt_number}}}


@pytest.mark.parametrize("cut", [True, False], ids=["apart", "in one batch"])
@pytest.mark.parametrize("backwards", [False, True], ids=["", "backwards"])
def test_work_handed_in_then_marked_and_marked_again_is_handed_in_once_and_marked_once(
    cut: bool, backwards: bool
) -> None:
    noted = [
        event(1, "AssignableEvent", "Submitted", attempt(WORK)),
        event(2, "GradeEvent", "Graded", attempt(WORK), actor=GRADER, generated=grade(5, 10)),
        event(3, "GradeEvent", "Graded", attempt(WORK), actor=GRADER, generated=grade(9, 10)),
    ]
    row, counts = folded(reversed(noted) if backwards else noted, cut=cut)
    assert (n(row, Fact.SUBMITTED), n(row, Fact.MARKED)) == (1, 1)
    assert row.facts[Fact.MARKED].total == (0.9 if backwards else 0.5)
    assert (counts.applied, counts.duplicates, counts.retold) == (2, 3, 3)


def test_work_handed_in_again_counts_again() -> None:
    row, _ = folded(event(number, "AssignableEvent", "Submitted", attempt(WORK, number)) for number in (1, 2, 3))
    assert n(row, Fact.SUBMITTED) == 3


def test_a_quiz_handed_in_and_marked_is_one_submission_and_one_attempt() -> None:
    row, _ = folded(
        [
            event(1, "AssessmentEvent", "Submitted", QUIZ, generated=attempt(QUIZ)),
            event(2, "GradeEvent", "Graded", attempt(QUIZ), generated=grade()),
            event(3, "GradeEvent", "Graded", attempt(QUIZ), generated=grade()),
        ]
    )
    assert (n(row, Fact.SUBMITTED), n(row, Fact.ATTEMPTED), n(row, Fact.MARKED)) == (1, 1, 0)


@pytest.mark.parametrize("cut", [True, False], ids=["apart", "in one batch"])
@pytest.mark.parametrize("backwards", [False, True], ids=["", "backwards"])
def test_an_answer_told_by_two_verbs_at_one_moment_is_one_failure_and_no_retry(cut: bool, backwards: bool) -> None:
    noted = [
        said(1, EVALUATED, object=numbered(1), result=WRONG),
        said(2, f"{ADL}attempted", result=WRONG, timestamp="2026-03-02T12:00:00.000+01:00"),
    ]
    row, counts = folded(reversed(noted) if backwards else noted, cut=cut)
    assert (n(row, Fact.ATTEMPTED), n(row, Fact.FAILED), n(row, Fact.RETRIED)) == (1, 1, 0)
    assert (counts.applied, counts.retold) == (1, 1)


def test_a_second_answer_is_a_second_attempt() -> None:
    row, _ = folded(
        [
            said(1, EVALUATED, "11:00:00", object=numbered(1), result=WRONG),
            said(2, EVALUATED, "11:05:00", object=numbered(2), result=RIGHT),
        ]
    )
    assert (n(row, Fact.ATTEMPTED), n(row, Fact.FAILED), n(row, Fact.PASSED), n(row, Fact.RETRIED)) == (2, 1, 1, 1)


def test_an_answer_that_has_no_number_is_another_at_another_moment() -> None:
    row, _ = folded(
        [said(1, f"{ADL}answered", "11:00:00", result=WRONG), said(2, f"{ADL}answered", "11:00:01", result=WRONG)]
    )
    assert (n(row, Fact.ATTEMPTED), n(row, Fact.RETRIED)) == (2, 1)


def test_a_course_passed_twice_is_passed_once() -> None:
    row, counts = folded(
        said(number, f"{ADL}passed", f"11:0{number}:00", about=f"{ADL_TYPE}course") for number in (1, 2)
    )
    assert (n(row, Fact.PASSED), counts.retold) == (1, 1)


def test_a_quiz_attempted_and_passed_in_one_attempt_is_one_attempt() -> None:
    context = {"contextActivities": {"grouping": [ATTEMPT]}}
    noted = [
        said(1, f"{ADL}attempted", "11:00:00", about=QUIZ_TYPE, result=RIGHT, context=context),
        said(2, f"{ADL}passed", "11:00:02", about=QUIZ_TYPE, result=RIGHT, context=context),
    ]
    row, _ = folded(noted)
    assert (n(row, Fact.ATTEMPTED), n(row, Fact.PASSED)) == (1, 1)


def test_answers_to_one_question_in_one_attempt_at_a_quiz_are_two() -> None:
    context = {"contextActivities": {"grouping": [ATTEMPT]}}
    noted = [
        said(1, f"{ADL}answered", "11:00:00", result=WRONG, context=context),
        said(2, f"{ADL}answered", "11:00:09", result=RIGHT, context=context),
    ]
    row, _ = folded(noted)
    assert (n(row, Fact.ATTEMPTED), n(row, Fact.RETRIED)) == (2, 1)


def test_acts_without_an_attempt_or_a_moment_stay_two() -> None:
    noted = [said(number, f"{ADL}answered", result=RIGHT, timestamp=None) for number in (1, 2)]
    row, _ = folded(noted)
    assert n(row, Fact.ATTEMPTED) == 2


@pytest.mark.parametrize("number", [1, 300], ids=["short", "too long to be kept as it is"])
def test_a_mark_is_another_act_than_what_was_handed_in_however_long_its_attempts_id(number: int) -> None:
    tried = attempt(WORK, id=f"https://school.example/attempts/{'7' * number}")
    row, _ = folded([event(1, "GradeEvent", "Graded", tried, actor=GRADER, generated=grade(5, 10))])
    assert (n(row, Fact.SUBMITTED), n(row, Fact.MARKED)) == (1, 1)


def test_a_course_passed_again_with_a_score_counts_again() -> None:
    row, _ = folded(
        said(number, f"{ADL}passed", f"11:0{number}:00", about=f"{ADL_TYPE}course", result={"score": {"scaled": score}})
        for number, score in enumerate((0.6, 0.9))
    )
    assert n(row, Fact.PASSED) == 2


def test_two_answers_in_one_attempt_to_what_has_no_type_are_two() -> None:
    context = {"contextActivities": {"grouping": [ATTEMPT]}}
    noted = [
        said(number, f"{ADL}answered", f"11:0{number}:00", object={"id": ITEM}, result=WRONG, context=context)
        for number in (1, 2)
    ]
    row, counts = folded(noted)
    assert (n(row, Fact.ATTEMPTED), counts.retold) == (2, 0)


def test_an_attempts_number_is_the_same_as_a_whole_float() -> None:
    noted = [
        said(number, EVALUATED, f"11:0{number}:00", object=numbered(attempt_number), result=WRONG)
        for number, attempt_number in enumerate((1, 1.0))
    ]
    row, counts = folded(noted)
    assert (n(row, Fact.ATTEMPTED), counts.retold) == (1, 1)


def test_a_mark_in_a_cloudevent_is_kept_beside_what_was_handed_in() -> None:
    marked = event(2, "GradeEvent", "Graded", attempt(WORK), actor=GRADER, generated=grade(5, 10))
    envelope = {"specversion": "1.0", "id": "e-1", "source": "/lms", "type": "org.example.graded", "data": marked}
    row, _ = folded([envelope])
    assert (n(row, Fact.SUBMITTED), n(row, Fact.MARKED)) == (1, 1)


def test_two_items_marked_under_one_attempt_at_their_quiz_are_two_and_each_is_one_however_often_it_is_marked() -> None:
    items = [{"id": f"https://school.example/quizzes/1/items/{number}", "type": "AssessmentItem"} for number in (1, 2)]
    noted = [
        event(number, "GradeEvent", "Graded", attempt(item), actor=GRADER, generated=grade())
        for number, item in enumerate([*items, *items])
    ]
    row, counts = folded(noted)
    assert (n(row, Fact.ATTEMPTED), counts.retold) == (2, 2)


def test_an_item_handed_in_and_its_mark_are_one_submission_and_one_attempt() -> None:
    item = {"id": "https://school.example/quizzes/1/items/1", "type": "AssessmentItem"}
    response = {"id": "https://school.example/responses/1", "type": "Response", "attempt": attempt(item)}
    noted = [
        event(1, "AssessmentItemEvent", "Completed", item, generated=response),
        event(2, "AssignableEvent", "Submitted", attempt(item)),
        event(3, "GradeEvent", "Graded", attempt(item), actor=GRADER, generated=grade()),
    ]
    row, _ = folded(noted)
    assert (n(row, Fact.SUBMITTED), n(row, Fact.ATTEMPTED)) == (1, 1)


TWO_AND_A_TWIN: Final = (
    said(1, EVALUATED, object=numbered(1), result=WRONG),
    said(2, EVALUATED, object=numbered(2), result=WRONG),
    said(3, f"{ADL}attempted", result=WRONG),
)


@pytest.mark.parametrize("cut", [True, False], ids=["apart", "in one batch"])
@pytest.mark.parametrize("noted", list(permutations(TWO_AND_A_TWIN)))
def test_two_numbered_attempts_at_one_moment_are_two_and_one_without_a_number_is_one_of_them(
    noted: tuple[dict[str, Any], ...], cut: bool
) -> None:
    row, counts = folded(noted, cut=cut)
    assert (n(row, Fact.ATTEMPTED), counts.retold) == (2, 1)
