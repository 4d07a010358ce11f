"""What clients send to the gateway: batch after batch in each of its languages, a third of them with a foreign student.

Each event has a UUID, and a time of its own: else it would be another's act once more.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import uuid4

import orjson

from tests.contract.caliper_events import V1P1, caliper
from tests.contract.xapi_statements import statement
from tests.events import fields
from tests.gateways import JSON, NDJSON, XAPI, actor, ndjson

ID: Final = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVENTS: Final = 20
SPOILT_EVERY: Final = 3
_BEGAN: Final = datetime(2026, 3, 2, tzinfo=UTC)
_QUIZ: Final = {"id": "https://school.example/quizzes/1", "type": "Assessment"}
_ENVELOPE: Final = {"sensor": "https://school.example", "sendTime": "2026-03-02T12:00:01.000Z", "dataVersion": V1P1}

Event = Callable[[str, str, str], dict[str, Any]]
"""The event of an id, of the student of that id, at that time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A request, and the ids of its events; `refused` are those that the gateway is to refuse."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    ids: Sequence[str]
    refused: frozenset[str]

    @property
    def status(self) -> int:
        """What it is to be answered."""
        if not self.refused:
            return 200
        return 403 if self.refused == {*self.ids} else 207


@dataclass(frozen=True, slots=True)
class Language:
    """How events are sent. What is taken `whole` or not at all is refused for the last of its students."""

    path: str
    headers: Mapping[str, str]
    event: Event
    body: Callable[[list[dict[str, Any]]], bytes]
    whole: bool

    def batches(self, home: str, foreign: str) -> Iterator[Batch]:
        """Without end; ids of students begin as `home`."""
        for number in count():
            spoilt = number % SPOILT_EVERY == SPOILT_EVERY - 1
            ids = [str(uuid4()) for _ in range(EVENTS)]
            students = [f"{home}of-{self.path.rpartition('/')[2]}-{place % 7}" for place in range(EVENTS)]
            if spoilt:
                students[-1] = f"{foreign}eve"
            events = [
                self.event(id_, student, _time(number * EVENTS + place))
                for place, (id_, student) in enumerate(zip(ids, students, strict=True))
            ]
            refused = ids[0 if self.whole else -1 :] if spoilt else ()
            yield Batch(self.path, self.headers, self.body(events), ids, frozenset(refused))


def _time(number: int) -> str:
    return (_BEGAN + timedelta(seconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _native(id_: str, student: str, time: str) -> dict[str, Any]:
    return fields(student=student, event_id=id_, time=time)


def _statement(id_: str, student: str, time: str) -> dict[str, Any]:
    home, slash, name = student.rpartition("/")
    return statement(id=id_, actor=actor(name, home + slash), timestamp=time, result={"success": True})


def _submission(id_: str, student: str, time: str) -> dict[str, Any]:
    person = {"id": student, "type": "Person"}
    return caliper("AssessmentEvent", "Submitted", _QUIZ, actor=person, id=f"urn:uuid:{id_}", eventTime=time)


def _envelope(data: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({**_ENVELOPE, "data": data})


LANGUAGES: Final = (
    Language("/events", NDJSON, _native, ndjson, whole=False),
    Language("/xapi/statements", XAPI, _statement, orjson.dumps, whole=True),
    Language("/caliper", JSON, _submission, _envelope, whole=True),
)
