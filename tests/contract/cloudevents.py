"""CloudEvents for tests, in both modes, and what became of one."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson

from schemas import event as e
from schemas.dialects import Decoded, decode
from tests.events import record

SECRET: Final = "canary-7f3a"
STRUCTURED: Final = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
DATA: Final = {"item_id": "q1", "score": 0.75}
REMOVED: Final = object()
EXPECTED: Final = e.Attempt(
    version=1,
    event_id="https://lms.example/quiz e-1",
    student_id="ada",
    time=datetime(2026, 3, 2, 12, tzinfo=UTC),
    item_id="q1",
    score=0.75,
)


def envelope(**changes: Any) -> dict[str, Any]:
    """A valid event of a student, in structured mode; REMOVED takes a member away."""
    given = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "https://lms.example/quiz",
        "type": "com.example.attempt",
        "subject": "ada",
        "time": "2026-03-02T12:00:00Z",
        "data": DATA,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not REMOVED}


def structured(document: Any, *, headers: tuple[tuple[str, bytes], ...] = ()) -> Decoded:
    return decode(record(orjson.dumps(document), headers=headers))


def binary(value: bytes | None = orjson.dumps(DATA), **changes: Any) -> Decoded:
    """The same in binary mode: text is UTF-8, bytes are sent as they are; `content_type` is that header."""
    content_type = changes.pop("content_type", "application/json")
    attributes = {f"ce_{name}": given for name, given in envelope(**changes).items() if name != "data"}
    given = attributes if content_type is None else {**attributes, "content-type": content_type}
    headers = tuple((name, text if isinstance(text, bytes) else text.encode()) for name, text in given.items())
    return decode(record(value, headers=headers))


def only(decoded: Decoded) -> e.NativeEvent:
    assert (decoded.invalid, decoded.ignored) == ((), ())
    [event] = decoded.events
    return event


def refusal(decoded: Decoded) -> tuple[str, str]:
    """Reason and error of the only part, which is wrong."""
    assert (list(decoded.events), list(decoded.ignored)) == ([], [])
    [invalid] = decoded.invalid
    assert "7f3a" not in invalid.error
    return invalid.reason, invalid.error


def name_ignored(decoded: Decoded) -> str:
    """Of the only part, which is of no use."""
    assert (list(decoded.events), list(decoded.invalid)) == ([], [])
    [ignored] = decoded.ignored
    assert ignored.dialect == "cloudevents"
    return ignored.name
