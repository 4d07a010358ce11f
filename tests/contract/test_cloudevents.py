"""CloudEvents 1.0 on Kafka: each rule of the specification, of its JSON format and of its Kafka binding."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pytest

from schemas import event as e
from schemas.dialects import decode
from schemas.dialects.cloudevents.attributes import read_attributes
from schemas.errors import InvalidInput
from tests.contract.cloudevents import (
    DATA,
    EXPECTED,
    REMOVED,
    SECRET,
    STRUCTURED,
    binary,
    envelope,
    name_ignored,
    only,
    refusal,
    structured,
)
from tests.events import NOW_MS, fields, record


def test_native_data_is_completed_from_the_attributes_in_every_mode() -> None:
    assert only(structured(envelope())) == EXPECTED
    assert only(structured(envelope(), headers=STRUCTURED)) == EXPECTED
    assert only(structured(envelope(), headers=(("content-type", b"application/json"),))) == EXPECTED
    assert only(binary()) == EXPECTED
    both = decode(record(orjson.dumps(envelope()), headers=(("ce_id", b"not this"), *STRUCTURED)))
    assert only(both) == EXPECTED


def test_what_native_data_says_itself_wins_but_not_its_event_id() -> None:
    said = fields(student="bob", minute=5, version=1, event_id="own", score=0.25)

    event = only(structured(envelope(data=said)))

    assert isinstance(event, e.Attempt)
    assert (event.student_id, event.score, event.time.minute) == ("bob", 0.25, 5)
    assert event.event_id == "https://lms.example/quiz e-1"


def test_without_a_time_it_is_the_records() -> None:
    assert only(structured(envelope(time=REMOVED))).time == datetime.fromtimestamp(NOW_MS / 1000 + 3600, UTC)
    for timestamp in (1 << 62, -(1 << 62)):
        absurd = decode(record(orjson.dumps(envelope(time=None)), timestamp=timestamp))
        assert refusal(absurd)[0] == "invalid_field"


def test_what_can_be_voided_keeps_the_id_that_the_voiding_names() -> None:
    voidable = only(structured(envelope(data={**DATA, "event_id": "own", "voidable": True})))
    voided = only(structured(envelope(id="e-2", type="com.example.voided", data={"voided_id": "own"})))

    assert voidable.event_id == "own"
    assert isinstance(voided, e.Voided)
    assert (voided.voided_id, voided.event_id) == ("own", "https://lms.example/quiz e-2")


def test_no_two_pairs_of_source_and_id_come_to_one_event_id() -> None:
    pairs = [("/a", "b"), ("/a", "b 0"), ("/a/b", ""), ("/a", "b|0"), ("/a|0", "b"), ("/a%20b", "c"), ("/a", "b c")]
    made = {}
    for source, name in pairs:
        try:
            attributes = read_attributes(envelope(source=source, id=name, data=REMOVED))
        except InvalidInput:
            continue
        for index in (None, 0, 1, 10):
            made[attributes.event_id(index)] = (source, name, index)

    assert len(made) == 4 * 5
    assert only(structured(envelope(id="x" * 300))).event_id.startswith("sha256:")


@pytest.mark.parametrize(
    "kind", ["attempt", "com.example.attempt", "com.example.attempt.v1", "com.example.attempt.v2.1"]
)
def test_the_types_last_part_is_the_events(kind: str) -> None:
    assert only(structured(envelope(type=kind))) == EXPECTED


PAID: Final = "com.example.paid"
OF_NO_USE: Final[dict[str, dict[str, Any]]] = {
    "an object": {},
    "an object of a type of its own": {"data": {"type": "card", "amount": 5}},
    "text": {"data": "42 EUR"},
    "a list": {"data": [1, 2]},
    "null": {"data": None},
    "no data": {"data": REMOVED},
    "XML": {"data": "<a/>", "datacontenttype": "application/xml"},
    "bytes": {"data": REMOVED, "data_base64": "CAE=", "datacontenttype": "application/avro"},
}


@pytest.mark.parametrize("changes", OF_NO_USE.values(), ids=OF_NO_USE)
def test_a_type_that_nobody_knows_is_ignored_by_name_whatever_its_data(changes: dict[str, Any]) -> None:
    assert name_ignored(structured(envelope(type=PAID, **changes))) == PAID


@pytest.mark.parametrize(
    ("value", "content_type"), [(b"\x08\xff", "application/protobuf"), (b"[1]", None), (None, None)]
)
def test_in_binary_mode_too(value: bytes | None, content_type: str | None) -> None:
    assert name_ignored(binary(value, type=PAID, content_type=content_type)) == PAID


def test_data_that_says_it_is_native_is_held_to_that_whatever_the_type() -> None:
    assert refusal(structured(envelope(data={"type": SECRET})))[0] == "unknown_type"
    assert refusal(structured(envelope(type=PAID, data={"type": SECRET, "version": 1})))[0] == "unknown_type"
    assert refusal(structured(envelope(type=PAID, data={"type": "attempt"})))[0] == "invalid_field"
    assert refusal(binary(b"{", type=PAID))[0] == "not_json"


def test_data_comes_in_any_form_that_is_json() -> None:
    base64 = b64encode(orjson.dumps(DATA)).decode()
    for given in (
        {"datacontenttype": "application/json"},
        {"datacontenttype": 'Application/JSON;charset="utf-8"'},
        {"datacontenttype": "application/vnd.example+json; v=1"},
        {"datacontenttype": None},
        {"data": REMOVED, "data_base64": base64},
        {"data": REMOVED, "data_base64": base64, "datacontenttype": "text/json"},
        {"data_base64": None},
    ):
        assert only(structured(envelope(**given))) == EXPECTED
    assert only(binary(content_type=None)) == EXPECTED
    assert only(binary(datacontenttype="application/json", content_type=None)) == EXPECTED
    page = only(structured(envelope(type="com.example.navigation", data=REMOVED, datacontenttype="image/png")))
    assert isinstance(page, e.Navigation)


@pytest.mark.parametrize("value", [None, b""])
@pytest.mark.parametrize("content_type", [None, "application/json", "image/png"])
def test_an_event_without_data_is_a_record_without_value(value: bytes | None, content_type: str | None) -> None:
    page = only(binary(value, type="com.example.navigation", content_type=content_type))

    assert (type(page), page.student_id, page.event_id) == (e.Navigation, "ada", EXPECTED.event_id)
    assert "item_id" in refusal(binary(value, content_type=content_type))[1]


def test_a_record_without_value_is_none_where_no_attribute_is_in_its_headers() -> None:
    for headers, guess in ((STRUCTURED, "cloudevents"), ((("ce_time", b"never"),), "native")):
        decoded = decode(record(None, headers=headers))
        assert refusal(decoded)[0] == "null_value"
        assert decoded.invalid[0].schema_guess == guess
