"""Caliper events of our own making, whole and thinned, and what they come to."""

from copy import deepcopy
from typing import Any, Final

from schemas.dialects.caliper import Caliper
from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.record import Decoded
from tests.events import record

V1P1: Final = "http://purl.imsglobal.org/ctx/caliper/v1p1"
V1P2: Final = "http://purl.imsglobal.org/ctx/caliper/v1p2"
ADA: Final = "https://school.example/users/ada"
GRADER: Final = {"id": "https://school.example/grader", "type": "SoftwareApplication"}
QUIZ: Final = {
    "id": "https://school.example/quizzes/1",
    "type": "Assessment",
    "dateToSubmit": "2026-03-05T12:00:00.000Z",
    "maxScore": 20,
}
ITEM: Final = {"id": "https://school.example/quizzes/1/items/3", "type": "AssessmentItem"}
FILM: Final = {"id": "https://school.example/films/7", "type": "VideoObject", "duration": "PT20M"}
PAGE: Final = {"id": "https://school.example/pages/2", "type": "WebPage"}
NOTE: Final = {"id": "https://school.example/notes/9", "type": "Message", "body": "Why is it so?"}
APP: Final = {"id": "https://school.example", "type": "SoftwareApplication"}
FORUM: Final = {"id": "https://school.example/forums/1", "type": "Forum"}
QUESTION: Final = {
    "id": "https://school.example/questions/1",
    "type": "RatingScaleQuestion",
    "questionPosed": "How satisfied are you?",
    "scale": {"id": "https://school.example/scales/1", "type": "LikertScale", "scalePoints": 4},
}


def attempt(of: object = QUIZ, count: int = 1, **given: Any) -> dict[str, Any]:
    return {
        "id": "https://school.example/attempts/1",
        "type": "Attempt",
        "assignee": ADA,
        "assignable": of,
        "count": count,
        **given,
    }


def grade(given: float = 15.0, most: float = 20.0) -> dict[str, Any]:
    return {"id": "https://school.example/scores/1", "type": "Score", "scoreGiven": given, "maxScore": most}


def caliper(kind: str, action: str, thing: object, /, **given: Any) -> dict[str, Any]:
    """An event of Ada's, as a sensor sends it; `without` names properties to leave out."""
    event: dict[str, Any] = {
        "@context": V1P1,
        "id": "urn:uuid:3f0c1a52-7a0e-4c59-9d4f-0d6a8a8a9f01",
        "type": kind,
        "actor": {"id": ADA, "type": "Person"},
        "action": action,
        "object": thing,
        "eventTime": "2026-03-02T12:00:00.000Z",
        "edApp": APP,
        "group": {"id": "https://school.example/courses/7", "type": "CourseSection"},
        "membership": {
            "id": "https://school.example/rosters/1",
            "type": "Membership",
            "member": ADA,
            "roles": ["Learner"],
            "status": "Active",
        },
        "session": {
            "id": "https://school.example/sessions/5",
            "type": "Session",
            "startedAtTime": "2026-03-02T11:30:00.000Z",
        },
    }
    without = given.pop("without", ())
    event.update(given)
    return deepcopy({name: value for name, value in event.items() if name not in without})


def view(**given: Any) -> dict[str, Any]:
    return caliper("ViewEvent", "Viewed", PAGE, **given)


def view_of(**page: Any) -> dict[str, Any]:
    return caliper("ViewEvent", "Viewed", {**PAGE, **page})


def member(**given: Any) -> dict[str, Any]:
    return {"id": "https://school.example/rosters/1", "type": "Membership", **given}


def envelope(*data: object, **given: Any) -> dict[str, Any]:
    return {
        "sensor": "https://school.example/sensors/1",
        "sendTime": "2026-03-02T12:00:01.000Z",
        "dataVersion": V1P1,
        "data": list(data),
        **given,
    }


def decoded(document: object, mapping: Mapping = NO_MAPPING) -> Decoded:
    return Caliper(mapping).decode(document, record(None))


VIEW: Final = caliper("ViewEvent", "Viewed", PAGE)
