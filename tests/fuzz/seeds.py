"""Valid documents of each dialect, written for this: where mutation begins. Needs nothing of ours."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final

import orjson

Headers = tuple[tuple[str, bytes], ...]
_NOW_MS: Final = 1_772_452_800_000
_NATIVE: Final = {"version": 1, "event_id": "e1", "student_id": "ada", "time": "2026-03-02T12:00:00+01:00"}
_ID: Final = "7ccd3322-e1a5-411a-a67d-6a735c76f119"
_ADA: Final = {"objectType": "Agent", "account": {"homePage": "https://lms.example", "name": "ada"}}
_ADL_TYPE: Final = "http://adlnet.gov/expapi/activities/"
_QUIZ: Final = {
    "objectType": "Activity",
    "id": "https://lms.example/quiz/1",
    "definition": {
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "name": {"en-US": "A quiz"},
        "interactionType": "choice",
        "correctResponsesPattern": ["a[,]b"],
        "choices": [{"id": "a", "description": {"en": "A"}}, {"id": "b"}],
        "extensions": {"https://lms.example/ext": {"deep": [1, 2.5, None]}},
    },
}
_STATEMENT: Final = {
    "id": _ID,
    "version": "1.0.3",
    "actor": _ADA,
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}},
    "object": _QUIZ,
    "result": {
        "score": {"scaled": 0.5, "raw": 5, "min": 0, "max": 10},
        "success": True,
        "completion": True,
        "response": "a[,]b",
        "duration": "P1DT2H3M4.567S",
    },
    "context": {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "instructor": {"mbox": "mailto:grace@school.example"},
        "team": {"objectType": "Group", "name": "T", "member": [_ADA, {"openid": "https://id.example/bob"}]},
        "contextActivities": {
            "parent": [{"id": "https://lms.example/course", "definition": {"type": f"{_ADL_TYPE}course"}}],
            "category": {"id": "urn:x:y"},
            "grouping": [{"id": "urn:kc:fractions", "definition": {"type": f"{_ADL_TYPE}objective"}}],
        },
        "language": "en-US",
        "platform": "LMS",
        "statement": {"objectType": "StatementRef", "id": _ID},
    },
    "timestamp": "2026-03-02T12:00:00.123+01:00",
    "stored": "2026-03-02T12:00:01Z",
    "authority": {"objectType": "Agent", "mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"},
    "attachments": [
        {
            "usageType": "https://lms.example/sig",
            "display": {"en": "S"},
            "contentType": "text/plain",
            "length": 3,
            "sha2": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        }
    ],
}
_VOIDING: Final = {
    "id": "7ccd3322-e1a5-411a-a67d-6a735c76f120",
    "actor": {"objectType": "Group", "member": [_ADA]},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
    "object": {"objectType": "StatementRef", "id": _ID},
}
_WITHIN: Final = {
    "actor": {"mbox": "mailto:ada@school.example"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/commented"},
    "object": {"objectType": "SubStatement", "actor": _ADA, "verb": {"id": "urn:v:w"}, "object": _QUIZ},
    "result": {"response": "because of this"},
}
_PERSON: Final = {"id": "https://school.example/users/1", "type": "Person"}
_ITEM: Final = {
    "id": "https://school.example/quiz/1/items/2",
    "type": "AssessmentItem",
    "isPartOf": "urn:quiz",
    "learningObjectives": [{"id": "urn:kc:fractions", "type": "LearningObjective"}, "urn:kc:2"],
}
_CALIPER: Final = {
    "@context": "http://purl.imsglobal.org/ctx/caliper/v1p1",
    "id": f"urn:uuid:{_ID}",
    "type": "AssessmentItemEvent",
    "actor": _PERSON,
    "action": "Completed",
    "object": {**_ITEM, "dateToSubmit": "2026-03-02T12:00:00.000Z", "maxScore": 5.0, "isTimeDependent": False},
    "generated": {
        "id": "urn:response",
        "type": "FillinBlankResponse",
        "attempt": {
            "id": "urn:attempt",
            "type": "Attempt",
            "assignee": "https://school.example/users/1",
            "assignable": _ITEM["id"],
            "count": 2,
            "startedAtTime": "2026-03-02T11:00:00.000Z",
            "endedAtTime": "2026-03-02T11:30:00.000Z",
            "duration": "PT30M",
        },
        "values": ["subject", "object"],
    },
    "eventTime": "2026-03-02T12:00:00.000Z",
    "edApp": {"id": "https://school.example", "type": "SoftwareApplication", "version": "v2"},
    "group": {
        "id": "urn:course",
        "type": "CourseSection",
        "subOrganizationOf": {"id": "urn:offering", "type": "CourseOffering"},
        "extensions": {"a": {"b": [1]}},
    },
    "session": {"id": "urn:session", "type": "Session", "startedAtTime": "2026-03-02T10:00:00.000Z"},
}
_GRADE: Final = {
    "@context": [{"x": "urn:x"}, "http://purl.imsglobal.org/ctx/caliper/v1p1"],
    "id": "urn:uuid:a50ca17f-5971-47bb-8fca-4e6e6879001d",
    "type": "GradeEvent",
    "actor": {"id": "https://school.example/autograder", "type": "SoftwareApplication"},
    "action": "Graded",
    "object": {"id": "urn:a", "type": "Attempt", "assignee": _PERSON, "assignable": _ITEM, "count": 1},
    "eventTime": "2026-03-02T12:00:00.000Z",
    "generated": {"id": "urn:s", "type": "Score", "attempt": "urn:a", "maxScore": 10, "scoreGiven": 7.5},
}
_ENVELOPE: Final = {
    "sensor": "https://school.example/sensor",
    "sendTime": "2026-03-02T12:00:01.000Z",
    "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p1",
    "data": [_CALIPER, _GRADE, {**_PERSON, "@context": "http://purl.imsglobal.org/ctx/caliper/v1p1"}],
}
_CONTEXT: Final = {"course_id": "course-v1:U+C+2026", "user_id": 3, "username": "ada", "path": "/api/discussion/v1/"}
_CHECKED: Final = {
    "name": "problem_check",
    "event_type": "problem_check",
    "event_source": "server",
    "time": "2026-03-02T12:00:00.123456+00:00",
    "username": "ada",
    "context": {**_CONTEXT, "module": {"usage_key": "block-v1:U+C+2026+type@problem+block@b1"}},
    "event": {
        "problem_id": "block-v1:U+C+2026+type@problem+block@b1",
        "attempts": 2,
        "grade": 1,
        "max_grade": 2.5,
        "success": "incorrect",
        "submission": {
            "b1_2_1": {"answer": ["a", "b"], "correct": True, "response_type": "choiceresponse"},
            "b1_3_1": {"answer": "c", "correct": False, "response_type": "stringresponse"},
        },
    },
}
_TRACKED: Final = {"timestamp": "2026-03-02T12:00:00+00:00", "context": _CONTEXT}
_ATTRIBUTES: Final = {
    "specversion": "1.0",
    "id": "e 1",
    "source": "https://u@lms.example:80/quiz;a=b?c=%20d#e",
    "type": "com.example.attempt.v1",
    "subject": "ada",
    "time": "2026-03-02T12:00:00.5+01:00",
    "dataschema": "https://lms.example/schema",
    "datacontenttype": 'application/x+json; charset="utf-8"',
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c",
    "sequence": 7,
}
_DATA: Final = {"item_id": "q1", "score": 0.5}

DOCUMENTS: Final[dict[str, list[Any]]] = {
    "native": [
        {**_NATIVE, "type": "attempt", **_DATA, "hints": 2, "duration_s": 3.5, "attempt": 2, "unknown": {"a": [1]}},
        {**_NATIVE, "type": "attempt", **_DATA, "kcs": ["fractions", "LCM"], "course_id": "c", "source": "lms"},
        {**_NATIVE, "type": "control", "task_id": "t", "controls": {"a": 1.5, "b": 0.0}, "changed": 1},
        {**_NATIVE, "type": "submission", "item_id": "e", "due": "2026-03-02T12:00:00.5Z", "score": 0.5, "weight": 0.1},
        {**_NATIVE, "type": "message", "text": "I tried again, thank you", "in_reply_to": "m1", "voidable": True},
    ],
    "xapi": [_STATEMENT, [_VOIDING, _WITHIN]],
    "caliper": [_CALIPER, _ENVELOPE],
    "openedx": [
        _CHECKED,
        {**_TRACKED, "name": "edx.forum.comment.created", "data": {"id": "64d1", "body": "<p>thank you</p>"}},
        {**_TRACKED, "event_type": "play_video", "event_source": "browser", "event": '{"id":"v1","currentTime":1.5}'},
        {
            **_TRACKED,
            "name": "edx.grades.problem.submitted",
            "data": {"problem_id": "p", "weighted_earned": 1, "weighted_possible": 2},
        },
    ],
    "cloudevents": [
        {**_ATTRIBUTES, "data": _DATA},
        {**_ATTRIBUTES, "data_base64": b64encode(orjson.dumps([_VOIDING, _STATEMENT])).decode()},
        {**_ATTRIBUTES, "data": _ENVELOPE},
    ],
}

HEADERS: Final[list[Headers]] = [
    (),
    (("content-type", b"application/cloudevents+json; charset=utf-8"),),
    (*((f"ce_{name}", str(value).encode()) for name, value in _ATTRIBUTES.items()), ("content-type", b"text/json")),
    (("skillstream-origin", b"student-activity/0/1/0"),),
]


@dataclass(frozen=True, slots=True)
class Sent:
    """A record."""

    value: bytes | None
    headers: Headers = ()
    topic: str = "student-activity"
    partition: int = 0
    offset: int = 0
    timestamp: int = _NOW_MS
    key: bytes | None = b"ada"


def record(value: bytes | None, headers: Headers = ()) -> Sent:
    """A record that carries `value`."""
    return Sent(value, headers)
