"""Tracking events of Open edX of our own making, and the statements that Open edX derives from them.

Written by hand from the mapping that event-routing-backends documents: nothing of its own is here.
"""

from typing import Any, Final

import orjson

from schemas.dialects import Decoded, Dialects
from streams.evidence.artifacts import NO_ARTIFACT
from streams.pipeline import Pipeline
from streams.rows.codec import decode_row
from streams.rows.row import Totals
from streams.vocabulary import FACTS
from tests.contract.xapi_statements import ACROSSX, ADL, ADL_TYPE, FILM, TINCAN, TINCAN_TYPE, VIDEO
from tests.events import default_skills, fail_source, processed, record, rows_of

TIME: Final = "2026-03-02T11:00:00.123456+00:00"
ROOT: Final = "https://courses.example"
COURSE: Final = "course-v1:U+C+2026"
BLOCK: Final = "block-v1:U+C+2026+type@problem+block@b1"
ACCOUNT: Final = "32e08e30-0000-4ce2-94a8-c2bfe38a70cb"
CONTEXT: Final[dict[str, Any]] = {"course_id": COURSE, "user_id": 3, "username": "ada"}
EDX: Final = "https://w3id.org/xapi/openedx/"
DISCUSSION: Final = f"{TINCAN_TYPE}discussion"
VIDEO_BLOCK: Final = "block-v1:U+C+2026+type@video+block@v1"
EXAM: Final = "block-v1:U+C+2026+type@sequential+block@e1"


def tracked(name: str, data: Any = None, /, source: str = "server", **context: Any) -> dict[str, Any]:
    """An event as it is routed; None among the context takes a property out."""
    around = {
        name: value for name, value in {**CONTEXT, "event_source": source, **context}.items() if value is not None
    }
    return {"name": name, "timestamp": TIME, "context": around, "data": {} if data is None else data}


def line_of(event: dict[str, Any]) -> dict[str, Any]:
    """The same event as a line of tracking.log."""
    context = dict(event["context"])
    return {
        "name": event["name"],
        "event_type": event["name"],
        "event_source": context.pop("event_source"),
        "username": context.pop("username", ""),
        "time": event["timestamp"],
        "context": context,
        "event": event["data"],
        "page": None,
    }


def derived(verb: str, type: str, id: str, /, *, result: Any = None, attempts: int | None = None) -> dict[str, Any]:
    """The statement of an event of ada."""
    definition: dict[str, Any] = {"type": type}
    if attempts:
        definition["extensions"] = {"http://id.tincanapi.com/extension/attempt-id": attempts}
    return {
        "version": "1.0.3",
        "actor": {"objectType": "Agent", "account": {"homePage": ROOT, "name": ACCOUNT}},
        "verb": {"id": verb},
        "object": {"objectType": "Activity", "id": id, "definition": definition},
        "timestamp": TIME,
        **({"result": result} if result else {}),
    }


def checked(grade: float, max_grade: float, attempts: int = 1, **correct: bool) -> dict[str, Any]:
    """What a server's `problem_check` says of a problem whose answers were `correct`, or not."""
    return {
        "problem_id": BLOCK,
        "attempts": attempts,
        "grade": grade,
        "max_grade": max_grade,
        "success": "correct" if all(correct.values()) else "incorrect",
        "submission": {
            answer: {"answer": "a", "correct": is_right, "response_type": "choiceresponse"}
            for answer, is_right in correct.items()
        },
    }


def score(raw: float, greatest: float) -> dict[str, float]:
    return {"min": 0, "max": greatest, "raw": raw, "scaled": raw / greatest if greatest else 0}


def _checks() -> dict[str, tuple[dict[str, Any], Any]]:
    evaluated, interaction, problem = f"{ACROSSX}evaluated", f"{ADL_TYPE}cmi.interaction", f"{ROOT}/xblock/{BLOCK}"
    question = f"{ROOT}/xblock/{BLOCK.rpartition('@')[0]}@"
    return {
        "an answer that is right": (
            tracked("problem_check", checked(2, 2, b1_2_1=True)),
            derived(evaluated, interaction, problem, attempts=1, result={"success": True, "score": score(2, 2)}),
        ),
        "a second answer that is right": (
            tracked("problem_check", checked(1, 1, attempts=2, b1_2_1=True)),
            derived(evaluated, interaction, problem, attempts=2, result={"success": True, "score": score(1, 1)}),
        ),
        "an answer that is wrong": (
            tracked("problem_check", checked(0, 1, b1_2_1=False)),
            derived(evaluated, interaction, problem, attempts=1, result={"success": False, "score": score(0, 1)}),
        ),
        "an answer that cannot be scored": (
            tracked("problem_check", checked(0, 0, b1_2_1=True)),
            derived(evaluated, interaction, problem, attempts=1, result={"success": True, "score": score(0, 0)}),
        ),
        "several questions": (
            tracked("problem_check", checked(1, 2, attempts=3, b1_2_1=True, b1_3_1=False)),
            [
                derived(evaluated, interaction, problem, attempts=3, result={"success": False, "score": score(1, 2)}),
                derived(evaluated, interaction, f"{question}b1_2_1", attempts=3, result={"success": True}),
                derived(evaluated, interaction, f"{question}b1_3_1", attempts=3, result={"success": False}),
            ],
        ),
        "an answer, as the browser tells it": (
            tracked("problem_check", "input_b1_2_1=choice_0&input_b1_2_1=choice_2", source="browser"),
            derived(f"{ADL}attempted", interaction, problem),
        ),
        "an answer's grade": (
            tracked(
                "edx.grades.problem.submitted", {"problem_id": BLOCK, "weighted_earned": 1, "weighted_possible": 4}
            ),
            derived(f"{ADL}attempted", f"{ADL_TYPE}question", problem, result={"success": False, "score": score(1, 4)}),
        ),
        "a grade that is not said": (
            tracked(
                "edx.grades.problem.submitted", {"problem_id": BLOCK, "weighted_earned": None, "weighted_possible": 0}
            ),
            derived(f"{ADL}attempted", f"{ADL_TYPE}question", problem, result={"success": True, "score": score(0, 0)}),
        ),
        "a hint": (
            tracked("edx.problem.hint.demandhint_displayed", {"module_id": BLOCK, "hint_index": 1}),
            derived(f"{ADL}asked", "https://w3id.org/xapi/acrossx/extensions/supplemental-info", f"{problem}/hint/1"),
        ),
        "an answer shown": (
            tracked("showanswer", {"problem_id": BLOCK}),
            derived(f"{ADL}asked", f"{TINCAN_TYPE}solution", f"{problem}/answer"),
        ),
        "a problem completed": (
            tracked("edx.problem.completed", {"problem_id": BLOCK}),
            derived(f"{ADL}completed", interaction, BLOCK),
        ),
    }


def _videos() -> dict[str, tuple[dict[str, Any], Any]]:
    verbs = {
        f"{ADL}initialized": ("load_video", "edx.video.loaded"),
        f"{VIDEO}played": ("play_video", "edx.video.played"),
        f"{VIDEO}paused": ("pause_video", "edx.video.paused"),
        f"{VIDEO}seeked": ("seek_video", "edx.video.position.changed"),
        f"{ADL}terminated": ("stop_video", "edx.video.stopped"),
        f"{ADL}completed": ("complete_video", "edx.video.completed"),
        f"{ADL}interacted": ("show_transcript", "edx.video.transcript.hidden", "speed_change_video"),
    }
    return {
        name: (
            tracked(name, '{"id": "v1", "currentTime": 3.5, "duration": 195}', source="browser"),
            derived(verb, FILM, f"{ROOT}/xblock/{VIDEO_BLOCK}"),
        )
        for verb, names in verbs.items()
        for name in names
    }


def _forums() -> dict[str, tuple[dict[str, Any], Any]]:
    verbs = {
        "created": f"{ACROSSX}posted",
        "edited": f"{ACROSSX}edited",
        "deleted": "https://w3id.org/xapi/dod-isd/verbs/deleted",
        "voted": f"{EDX}verb/voted",
        "reported": f"{ACROSSX}reported",
        "unreported": f"{EDX}verb/unreported",
    }
    paths = {"thread": "/api/discussion/v1/threads/", "response": "/api/discussion/v1/comments/"}
    paths["comment"] = "/api/discussion/v1/comments/64d1/"
    return {
        f"edx.forum.{what}.{done}": (
            tracked(f"edx.forum.{what}.{done}", {"id": "64d1", "body": "<p>I see. Thank you!</p>"}, path=path),
            derived(verb, DISCUSSION, f"{ROOT}{path.replace('64d1/', '')}64d1"),
        )
        for what, path in paths.items()
        for done, verb in verbs.items()
    }


def _others() -> dict[str, tuple[dict[str, Any], Any]]:
    course, on_course = f"{ROOT}/course/{COURSE}", f"{ADL_TYPE}course"
    registered, passed = f"{ADL}registered", f"{ADL}passed"
    verbs = {
        "edx.course.enrollment.activated": registered,
        "edx.course.enrollment.mode_changed": registered,
        "edx.course.enrollment.deactivated": f"{TINCAN}unregistered",
        "edx.course.grade.passed.first_time": passed,
        "edx.course.grade.now_passed": passed,
        "edx.course.grade.now_failed": f"{ADL}failed",
        "edx.grades.course.grade_calculated": f"{TINCAN}earned",
        "edx.completion_aggregator.progress.course": f"{ADL}progressed",
    }
    exams = {
        f"edx.special_exam.{exam}.attempt.{done}": (
            tracked(f"edx.special_exam.{exam}.attempt.{done}", {"exam_content_id": EXAM, "attempt_id": 1}),
            derived(f"{ADL}{verb}", f"{EDX}activity/{exam}-assessment", EXAM),
        )
        for exam in ("timed", "practice", "proctored")
        for done, verb in (("created", "initialized"), ("submitted", "terminated"))
    }
    navigated, resource = "https://w3id.org/xapi/dod-isd/verbs/navigated", f"{TINCAN_TYPE}resource"
    link = "https://elsewhere.example/"
    return {
        **{name: (tracked(name), derived(verb, on_course, course)) for name, verb in verbs.items()},
        **exams,
        "edx.ui.lms.sequence.next_selected": (
            tracked("edx.ui.lms.sequence.next_selected", {"id": EXAM, "current_tab": 1}, source="browser"),
            derived(navigated, resource, f"{ROOT}/xblock/{EXAM}"),
        ),
        "edx.ui.lms.link_clicked": (
            tracked("edx.ui.lms.link_clicked", {"target_url": link}, source="browser"),
            derived(navigated, f"{ADL_TYPE}link", link),
        ),
        "edx.completion.block_completion.changed": (
            tracked("edx.completion.block_completion.changed", {"block_id": BLOCK, "completion": 1.0}),
            derived(f"{ADL}progressed", resource, f"{ROOT}/xblock/{BLOCK}"),
        ),
    }


PAIRS: Final[dict[str, tuple[dict[str, Any], Any]]] = {**_checks(), **_videos(), **_forums(), **_others()}
"""An event, and the statement or statements that Open edX derives from it."""


def read(document: object, dialects: Dialects) -> Decoded:
    return dialects.decode(record(orjson.dumps(document), key=None))


def facts(document: object, dialects: Dialects) -> dict[str, dict[str, Totals]]:
    """What the record of a document adds to rows: facts by student."""
    pipeline = Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source, decode=dialects.decode)
    rows = rows_of(processed([record(orjson.dumps(document), key=None)], pipeline=pipeline))
    return {
        student: {FACTS[fact]: totals for fact, totals in decode_row(row).facts.items()}
        for student, row in rows.items()
    }
