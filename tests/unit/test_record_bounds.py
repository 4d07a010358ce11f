"""A record that holds too much is one dead letter, and nothing of it is applied; one that holds enough is applied."""

from typing import Any, Final

import orjson
import pytest

from agents.config.dialects import decoder_of
from agents.config.settings import Settings
from schemas.dialects import Decoded, Dialects, Record
from schemas.dialects.bounds import RecordBounds
from schemas.dialects.record import MAX_PARTS
from streams.evidence.artifacts import NO_ARTIFACT
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from tests.events import NOW_MS, default_skills, fail_source, processed, raw, record
from tests.fuzz.seeds import DOCUMENTS
from tests.work import calls_of

BOUNDS: Final = RecordBounds(value_bytes=20_000, events=10, students=4)
EVENT: Final[dict[str, Any]] = DOCUMENTS["caliper"][0]
ENVELOPE: Final[dict[str, Any]] = DOCUMENTS["caliper"][1]


def statement(student: int = 0, number: int = 0) -> dict[str, Any]:
    return {
        "id": f"7ccd3322-e1a5-411a-a67d-6a735c76{number:04d}",
        "actor": {"account": {"homePage": "https://lms.example", "name": f"s{student}"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://lms.example/quiz/1"},
        "result": {"success": True},
    }


def group(members: int) -> dict[str, Any]:
    each = [statement(one)["actor"] for one in range(members)]
    return {**statement(), "actor": {"objectType": "Group", "member": each}}


def a_record(document: object, **headers: bytes) -> FileRecord:
    return record(orjson.dumps(document), headers=tuple(headers.items()))


def in_cloudevent(document: object) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "urn:lms", "type": "org.example.event", "data": document}


ENOUGH: Final = {
    "statements": a_record([statement(number=one) for one in range(10)]),
    "students": a_record([statement(one, one) for one in range(4)]),
    "a group's members": a_record(group(4)),
    "Caliper events": a_record({**ENVELOPE, "data": [EVENT] * 10}),
    "in a CloudEvent": a_record(in_cloudevent([statement(number=one) for one in range(10)])),
}
TOO_MUCH: Final = {
    "statements": (a_record([statement(number=one) for one in range(11)]), "too_many_events"),
    "good and bad statements": (a_record([statement(), *[0] * 10]), "too_many_events"),
    "a hundred thousand numbers": (a_record([statement(), *[0] * 100_000]), "too_large"),
    "students": (a_record([statement(one, one) for one in range(5)]), "too_many_students"),
    "a group's members": (a_record(group(5)), "too_many_students"),
    "Caliper events": (a_record({**ENVELOPE, "data": [EVENT] * 11}), "too_many_events"),
    "in a CloudEvent": (a_record(in_cloudevent([statement(number=one) for one in range(11)])), "too_many_events"),
    "in a CloudEvent in base64": (
        a_record(
            [statement(number=one) for one in range(11)],
            ce_specversion=b"1.0",
            ce_id=b"1",
            ce_source=b"urn:l",
            ce_type=b"x",
        ),
        "too_many_events",
    ),
    "bytes": (record(raw("message", text="x" * 20_000)), "too_large"),
}


def pipeline(bounds: RecordBounds) -> Pipeline:
    return Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source, decode=Dialects().within(bounds))


@pytest.mark.parametrize("within", ENOUGH.values(), ids=ENOUGH)
def test_what_is_just_within_the_bounds_is_applied(within: Record) -> None:
    batch = processed([within], pipeline=pipeline(BOUNDS))

    assert batch.dead_letters == []
    assert batch.counts.events_in > 1


@pytest.mark.parametrize(("beyond", "reason"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_is_beyond_a_bound_is_one_dead_letter_and_not_applied_in_part(beyond: Record, reason: str) -> None:
    batch = processed([beyond], pipeline=pipeline(BOUNDS))

    [(original, dead_letter)] = batch.dead_letters
    assert original is beyond
    assert (dead_letter.reason, dead_letter.index, dead_letter.parts) == (reason, 0, "")
    assert (batch.counts.events_in, batch.counts.dead_lettered, batch.rows) == (1, 1, {})


@pytest.mark.parametrize(
    "document", [[statement(), *[0] * (2 * MAX_PARTS)], {**ENVELOPE, "data": [EVENT] * (MAX_PARTS + 1)}]
)
def test_more_parts_than_any_record_may_hold_are_not_looked_at_one_by_one(document: object) -> None:
    beyond = FileRecord(0, NOW_MS, orjson.dumps(document))

    [invalid] = Dialects().decode(beyond).invalid
    assert invalid.reason in ("too_many_events", "too_large")
    assert calls_of(lambda: Dialects().decode(beyond)) < 10 * MAX_PARTS


def test_a_fault_of_a_decoder_is_a_dead_letter_and_not_the_end() -> None:
    def failing(_record: Record) -> Decoded:
        raise KeyError("canary-7f3a")

    [invalid] = BOUNDS.bounded(failing)(record(raw())).invalid

    assert invalid.reason == "decoder_failed"
    assert "canary" not in invalid.error


@pytest.mark.parametrize("kind", [{"a": 1}, [1], None, 1.5])
def test_a_type_of_any_kind_is_no_reason_to_fail(kind: object) -> None:
    [invalid] = Dialects().decode(record(orjson.dumps({"type": kind}))).invalid

    assert invalid.reason == "no_dialect"


def test_the_bounds_are_settings_and_within_what_a_decoder_stands() -> None:
    decode = decoder_of(Settings(record_max_students=2))

    [invalid] = decode(a_record([statement(one, one) for one in range(3)])).invalid
    assert (invalid.reason, invalid.error) == (
        "too_many_students",
        "events of 3 students; a record may hold those of 2",
    )
