"""What came of it: the result of the statement that Open edX derives."""

import math
from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, UnsetType

from schemas.dialects.openedx.names import PROBLEM_CHECK
from schemas.dialects.openedx.tracked import Tracked, object_in, text_in
from schemas.dialects.record import require_few
from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.extensions import ATTEMPT

_WRITTEN: Final = frozenset(f"edx.forum.{what}.created" for what in ("thread", "response", "comment"))


def result_of(event: Tracked, *, texts: bool) -> s.Result | UnsetType:
    """The result of an event; of what is written in a forum only if `texts`. UNSET where nothing came of it."""
    if event.name == PROBLEM_CHECK:
        return UNSET if event.source == "browser" else _checked(event.data)
    if event.name == "edx.grades.problem.submitted":
        return _graded(event.data)
    if texts and event.name in _WRITTEN and (body := text_in(event.data, "body")):
        return s.Result(response=body)
    return UNSET


def questions_of(event: Tracked) -> Mapping[str, s.Result]:
    """The result of each question, by the id of its answer, where a problem has several; only the problem is scored.

    Of a question that nobody graded there is none. Raises InvalidInput (too_many_events).
    """
    if event.name != PROBLEM_CHECK or event.source == "browser":
        return {}
    submission = object_in(event.data, "submission")
    if len(submission) < 2:
        return {}
    graded = {answer: part for answer, part in submission.items() if isinstance(part, dict) and "correct" in part}
    require_few(len(graded))
    return {answer: s.Result(success=bool(part["correct"])) for answer, part in graded.items()}


def attempts_of(event: Tracked) -> s.Extensions | UnsetType:
    """The extension that numbers the attempt; UNSET where none is said."""
    number = event.data.get("attempts") if event.name == PROBLEM_CHECK else None
    return {ATTEMPT: number} if type(number) is int and number else UNSET


def _checked(data: Mapping[str, Any]) -> s.Result:
    """Of a problem of one question whether that is right; of several whether all are."""
    submission = object_in(data, "submission")
    [only] = submission.values() if len(submission) == 1 else [None]
    correct = only.get("correct") if isinstance(only, dict) and only.get("response_type") else None
    success = correct if isinstance(correct, bool) else data.get("success") == "correct"
    return s.Result(success=success, score=_score(data.get("grade"), data.get("max_grade")))


def _graded(data: Mapping[str, Any]) -> s.Result:
    earned, possible = _number(data.get("weighted_earned")) or 0.0, _number(data.get("weighted_possible")) or 0.0
    return s.Result(success=earned >= possible, score=_score(earned, possible))


def _score(raw: Any, greatest: Any) -> s.Score | UnsetType:
    raw, greatest = _number(raw), _number(greatest)
    if raw is None or greatest is None:
        return UNSET
    return s.Score(min=0.0, max=greatest, raw=raw, scaled=raw / greatest if greatest > 0 else 0.0)


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None
