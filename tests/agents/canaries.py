"""Events of every dialect in which all that can name somebody is a canary: people, items, courses, texts, senders.

Each canary says what it stands for, so that a place where one is found says which way it came.
"""

from hashlib import sha1
from typing import Any, Final
from uuid import uuid4

import orjson

from tests.agents.deployment import Sent
from tests.contract import caliper_events as caliper
from tests.contract import openedx
from tests.contract import xapi_statements as xapi
from tests.contract.cloudevents import envelope
from tests.events import fields

MARK: Final = uuid4().hex[:8]
ASKED_ABOUT: Final = 12


def canary(of: str) -> str:
    """A word that is nowhere else."""
    return f"{of}{MARK}"


NAME: Final = f"Zebedee {canary('Name')}"
MAIL: Final = f"{canary('mail')}@{canary('host')}.example"
PHONE: Final = f"+1-555-{canary('phone')}"
ITEM: Final = f"Essay of {canary('Item')} Smith"
COURSE: Final = f"Maths with Ms {canary('Teacher')}"
TEXT: Final = f"I kept trying, said {NAME}. My mail is {MAIL}, my phone {PHONE}, and it was so hard to do."
STUDENTS: Final = {
    "native": canary("native"),
    "xapi": f"mbox_sha1sum:{sha1(f'mailto:{MAIL}'.encode()).hexdigest()}",
    "xapi account": f"https://{canary('home')}.example/{canary('account')}",
    "caliper": f"https://school.example/users/{canary('caliper')}",
    "openedx": f"openedx:username/{canary('username')}",
    "cloudevents": canary("subject"),
    "cloudevents binary": canary("binary"),
}
DERIVED: Final = STUDENTS["xapi"].partition(":")[2]


def named_events() -> list[Sent]:
    """Several of each student, enough to be explained."""
    return [each for number in range(ASKED_ABOUT) for each in _at(number)]


def broken_records() -> list[Sent]:
    """Records of each dialect that cannot be read, with the canary in what is wrong with it."""
    wrong = canary("wrong")
    native = fields(student=canary("native"), event_id=canary("event"), item_id=ITEM)
    statement = _statement(0, {"mbox": f"mailto:{MAIL}", "name": NAME})
    graded = _graded(0)
    wrapped = envelope(subject=STUDENTS["cloudevents"], source=f"https://{canary('source')}.example")
    documents: list[object] = [
        {**native, "score": wrong},
        {**native, "time": wrong},
        {**native, "type": wrong},
        {**native, wrong: wrong, "version": 99},
        {**statement, "timestamp": wrong},
        {**statement, "verb": {"id": wrong}},
        {**statement, "actor": {"mbox": wrong, "name": NAME}},
        {**statement, "result": {"score": {"scaled": wrong}}},
        {**graded, "eventTime": wrong},
        {**graded, "action": wrong},
        caliper.envelope({**graded, "eventTime": wrong}, sensor=canary("sensor")),
        {**_checked(0), "timestamp": wrong},
        {**_checked(0), "context": [wrong]},
        {**wrapped, "time": wrong},
        {**wrapped, "type": "com.example.attempt", "data": {"item_id": ITEM, "score": wrong}},
        {**wrapped, "subject": "\u0007" + wrong},
    ]
    key = STUDENTS["native"].encode()
    whole = [Sent(key, orjson.dumps(document)) for document in documents]
    return [*whole, Sent(key, b'{"text": "' + TEXT.encode()), Sent(canary("key").encode(), TEXT.encode())]


def _at(number: int) -> list[Sent]:
    time = f"2026-03-02T12:{number:02d}:00.000Z"
    data = {"item_id": f"{ITEM} {number}", "score": 1.0, "course_id": COURSE}
    account = {"account": {"homePage": f"https://{canary('home')}.example", "name": canary("account")}, "name": NAME}
    native = fields(student=STUDENTS["native"], event_id=f"{canary('event')}-{number}", time=time, item_id=ITEM)
    message = fields("message", STUDENTS["native"], event_id=f"{canary('text')}-{number}", time=time, text=TEXT)
    documents: list[tuple[str, object, tuple[tuple[str, bytes], ...]]] = [
        ("native", native, ()),
        ("native", message, (("author", NAME.encode()),)),
        ("xapi", _statement(number, {"mbox": f"mailto:{MAIL}", "name": NAME}), ()),
        ("xapi account", _statement(number, account), ()),
        ("caliper", _graded(number), ()),
        ("openedx", _checked(number), ()),
        ("cloudevents", _wrapped("cloudevents", number, time, data), ()),
        ("cloudevents binary", data, _attributes(_wrapped("cloudevents binary", number, time, data))),
    ]
    return [Sent(STUDENTS[who].encode(), orjson.dumps(value), headers=headers) for who, value, headers in documents]


def _statement(number: int, actor: dict[str, Any]) -> dict[str, Any]:
    course = {"id": f"https://school.example/courses/{canary('Course')}", "definition": {"name": {"en": COURSE}}}
    return xapi.statement(
        id=str(uuid4()),
        actor=actor,
        object={
            "id": f"https://school.example/items/{canary('Item')}-{number}",
            "definition": {"type": f"{xapi.ADL_TYPE}question", "name": {"en": ITEM}, "description": {"en": TEXT}},
        },
        result={"success": True, "score": {"scaled": 1.0}, "response": TEXT},
        context={
            "instructor": {"mbox": f"mailto:{MAIL}", "name": canary("Instructor")},
            "platform": canary("platform"),
            "contextActivities": {"parent": [course]},
        },
        timestamp=f"2026-03-02T12:{number:02d}:00.000Z",
    )


def _graded(number: int) -> dict[str, Any]:
    learner = {"id": STUDENTS["caliper"], "type": "Person", "name": NAME, "extensions": {"phone": PHONE, "mail": MAIL}}
    item = {"id": f"https://school.example/{canary('Item')}/{number}", "type": "AssessmentItem", "name": ITEM}
    attempt = caliper.attempt(item, 1, id=f"https://school.example/attempts/{uuid4()}", assignee=learner)
    return caliper.caliper(
        "GradeEvent",
        "Graded",
        attempt,
        actor=caliper.GRADER,
        generated=caliper.grade(20.0),
        id=f"urn:uuid:{uuid4()}",
        eventTime=f"2026-03-02T12:{number:02d}:00.000Z",
        group={"id": f"https://school.example/{canary('Course')}", "type": "CourseSection", "name": COURSE},
    )


def _checked(number: int) -> dict[str, Any]:
    around: dict[str, Any] = {
        "username": canary("username"),
        "user_id": None,
        "ip": canary("ip"),
        "agent": NAME,
        "referer": canary("path"),
    }
    data = {**openedx.checked(1, 1, **{canary("answer"): True}), "problem_id": f"block-v1:{canary('Item')}@{number}"}
    data["submission"][canary("answer")] |= {"answer": TEXT, "question": TEXT}
    event = openedx.tracked("problem_check", data, **around, course_id=f"course-v1:{canary('Course')}")
    return {**event, "timestamp": f"2026-03-02T12:{number:02d}:00.000Z"}


def _wrapped(who: str, number: int, time: str, data: object) -> dict[str, Any]:
    source = f"https://{canary('source')}.example"
    return envelope(id=f"{canary('id')}-{number}", source=source, subject=STUDENTS[who], time=time, data=data)


def _attributes(wrapped: dict[str, Any]) -> tuple[tuple[str, bytes], ...]:
    attributes = tuple((f"ce_{name}", value.encode()) for name, value in wrapped.items() if name != "data")
    return (*attributes, ("content-type", b"application/json"))
