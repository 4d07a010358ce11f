"""CloudEvents 1.0 on Kafka: each rule of the specification, of its JSON format and of its Kafka binding."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pytest

from schemas import event as e
from schemas.dialects import Decoded, decode
from schemas.dialects.cloudevents.attributes import read_attributes
from schemas.errors import InvalidInput
from tests.events import NOW_MS, fields, record

SECRET: Final = "canary-7f3a"
STRUCTURED: Final = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
DATA: Final = {"item_id": "q1", "score": 0.75}
REMOVED: Final = object()
MIDNIGHT: Final = datetime(2017, 1, 1, tzinfo=UTC)


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


EXPECTED: Final = e.Attempt(
    version=1,
    event_id="https://lms.example/quiz e-1",
    student_id="ada",
    time=datetime(2026, 3, 2, 12, tzinfo=UTC),
    item_id="q1",
    score=0.75,
)


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


VALID_ATTRIBUTES: Final[dict[str, dict[str, Any]]] = {
    "a relative source": {"source": "/sensors/tn-1234567/alerts"},
    "a source without a scheme": {"source": "1-555-123-4567"},
    "a source that is a URN": {"source": "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"},
    "a source that is a mailbox": {"source": "mailto:cncf-wg-serverless@lists.cncf.io"},
    "a source with everything": {"source": "https://u:p@[::1]:80/a;b=c/%7E?q=/?&r#f?/"},
    "a source that is only a fragment": {"source": "#a"},
    "text in any script": {"subject": "Ада 🎓", "id": "Δ 1"},
    "a leap second": {"time": "2016-12-31T23:59:60Z"},
    "a time in small letters": {"time": "2026-03-02t12:00:00.5z"},
    "a time with an offset": {"time": "2026-03-02T12:00:00.123456789-23:59"},
    "extensions of every type": {"a1": "", "b": True, "c": -2_147_483_648, "d": 2_147_483_647, "e": None},
    "an extension with a long name": {"a" * 40: "x"},
    "a schema": {"dataschema": "https://example.org/s?v=1"},
    "what is unset": {"dataschema": None, "datacontenttype": None},
}


@pytest.mark.parametrize("changes", VALID_ATTRIBUTES.values(), ids=VALID_ATTRIBUTES)
def test_a_valid_attribute_is_read(changes: dict[str, Any]) -> None:
    assert isinstance(only(structured(envelope(**changes))), e.Attempt)


INVALID: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "no specversion": ({"specversion": None}, "cloudevents_invalid", "specversion: is missing"),
    "no id": ({"id": REMOVED}, "cloudevents_invalid", "id: is missing"),
    "no source": ({"source": None}, "cloudevents_invalid", "source: is missing"),
    "no type": ({"type": REMOVED}, "cloudevents_invalid", "type: is missing"),
    "an empty id": ({"id": ""}, "cloudevents_invalid", "id: is empty"),
    "an empty source": ({"source": ""}, "cloudevents_invalid", "source: is empty"),
    "an empty type": ({"type": ""}, "cloudevents_invalid", "type: is empty"),
    "an empty specversion": ({"specversion": ""}, "cloudevents_invalid", "specversion: is empty"),
    "an id that is a number": ({"id": 1}, "cloudevents_invalid", "id: is not a string"),
    "specversion as a number": ({"specversion": 1.0}, "cloudevents_invalid", "specversion: is not a string"),
    "an older version": ({"specversion": "0.3"}, "unknown_version", "specversion: "),
    "a patch version": ({"specversion": "1.0.2"}, "unknown_version", "specversion: "),
    "a space in the source": ({"source": f"/a {SECRET}"}, "cloudevents_invalid", "source: is no URI reference"),
    "half an escape in the source": ({"source": "/a%2"}, "cloudevents_invalid", "source: is no URI reference"),
    "two fragments": ({"source": "/a#b#c"}, "cloudevents_invalid", "source: is no URI reference"),
    "a colon where a scheme would be": ({"source": "1:2"}, "cloudevents_invalid", "source: is no URI reference"),
    "letters beyond ASCII in the source": ({"source": "/ü"}, "cloudevents_invalid", "source: is no URI reference"),
    "a bracket in the source": ({"source": "/a[1]"}, "cloudevents_invalid", "source: is no URI reference"),
    "an empty subject": ({"subject": ""}, "cloudevents_invalid", "subject: is empty"),
    "a subject that is a number": ({"subject": 5}, "cloudevents_invalid", "subject: is not a string"),
    "a time without offset": ({"time": "2026-03-02T12:00:00"}, "cloudevents_invalid", "time: is no time"),
    "a date": ({"time": "2026-03-02"}, "cloudevents_invalid", "time: is no time"),
    "a time with a space": ({"time": "2026-03-02 12:00:00Z"}, "cloudevents_invalid", "time: is no time"),
    "an offset without colon": ({"time": "2026-03-02T12:00:00+0100"}, "cloudevents_invalid", "time: is no time"),
    "the 30th of February": ({"time": "2026-02-30T12:00:00Z"}, "cloudevents_invalid", "time: is no time"),
    "an empty time": ({"time": ""}, "cloudevents_invalid", "time: is empty"),
    "digits of another script": ({"time": "٢026-03-02T12:00:00Z"}, "cloudevents_invalid", "time: is no time"),
    "a leap second at another hour": ({"time": "2016-12-31T22:59:60Z"}, "cloudevents_invalid", "time: is no time"),
    "no media type": ({"datacontenttype": "json"}, "cloudevents_invalid", "datacontenttype: is no media type"),
    "an empty media type": ({"datacontenttype": ""}, "cloudevents_invalid", "datacontenttype: is empty"),
    "a line feed in a type": ({"type": "a\nb"}, "cloudevents_invalid", "type: holds a control character"),
    "a noncharacter": ({"subject": "a\U0010ffff"}, "cloudevents_invalid", "subject: holds a control character"),
    "data twice": ({"data_base64": "e30="}, "cloudevents_invalid", "data_base64: is there beside data"),
    "no base64": ({"data": REMOVED, "data_base64": SECRET}, "cloudevents_invalid", "data_base64: is no base64"),
    "base64 of another script": ({"data": REMOVED, "data_base64": "é"}, "cloudevents_invalid", "data_base64: is no"),
    "base64 that is a number": ({"data": REMOVED, "data_base64": 5}, "cloudevents_invalid", "data_base64: is not a"),
    "base64 of no JSON": ({"data": REMOVED, "data_base64": "PGE+"}, "not_json", ""),
    "XML": ({"datacontenttype": "application/xml", "data": f"<{SECRET}/>"}, "unsupported_content", "datacontenttype: "),
    "JSON sequences": ({"datacontenttype": "application/json-seq"}, "unsupported_content", "datacontenttype: "),
    "JSON as a string": ({"data": orjson.dumps(DATA).decode()}, "not_an_object", "data: a JSON str"),
    "an explicit null": ({"data": None}, "not_an_object", "data: "),
    "another CloudEvent": ({"data": envelope()}, "cloudevents_invalid", "data: a CloudEvent within"),
    "no student": ({"subject": None}, "invalid_field", "student_id"),
    "a subject too long to be a student": ({"subject": SECRET * 99}, "invalid_field", "student_id"),
    "a score above 1": ({"data": {**DATA, "score": 1.5}}, "invalid_field", "score"),
    "data that lacks an item": ({"data": REMOVED}, "invalid_field", "item_id"),
    "another version of native events": ({"data": {**DATA, "version": 9}}, "unknown_version", "version 1"),
    "the year 1": ({"time": "0001-01-01T00:00:00Z"}, "absurd_time", "1990"),
}


@pytest.mark.parametrize(("changes", "reason", "error"), INVALID.values(), ids=INVALID)
def test_a_broken_rule_is_named(changes: dict[str, Any], reason: str, error: str) -> None:
    for decoded in (structured(envelope(**changes), headers=STRUCTURED), structured(envelope(**changes))):
        found = refusal(decoded)
        assert found[0] == reason
        assert error in found[1]
        assert decoded.invalid[0].schema_guess == "cloudevents"


INVALID_HEADERS: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "no specversion": ({"specversion": REMOVED}, "cloudevents_invalid", "specversion: is missing"),
    "no id": ({"id": REMOVED}, "cloudevents_invalid", "id: is missing"),
    "nothing but an id": (
        dict.fromkeys(("specversion", "source", "type"), REMOVED),
        "cloudevents_invalid",
        "specversion",
    ),
    "an older version": ({"specversion": "0.3"}, "unknown_version", "specversion"),
    "no UTF-8": ({"subject": b"\xff7f3a"}, "cloudevents_invalid", "headers: invalid UTF-8 at byte 0"),
    "a bad time": ({"time": SECRET}, "cloudevents_invalid", "time: is no time"),
    "Avro": ({"content_type": "application/avro"}, "unsupported_content", "datacontenttype"),
    "no media type": ({"content_type": "json"}, "cloudevents_invalid", "datacontenttype: is no media type"),
    "structured Avro": ({"content_type": "application/cloudevents+avro"}, "unsupported_content", "content-type"),
    "a batch": ({"content_type": "APPLICATION/cloudevents-batch+json"}, "unsupported_content", "content-type"),
    "a value that is no JSON": ({"value": b"<canary-7f3a/>"}, "not_json", ""),
    "a CloudEvent inside": ({"value": orjson.dumps(envelope())}, "cloudevents_invalid", "data: a CloudEvent within"),
    "an array": ({"value": b"[]"}, "not_an_object", "data: a JSON list"),
}


@pytest.mark.parametrize(("changes", "reason", "error"), INVALID_HEADERS.values(), ids=INVALID_HEADERS)
def test_a_broken_rule_of_binary_mode_is_named(changes: dict[str, Any], reason: str, error: str) -> None:
    found = refusal(binary(**changes))

    assert found[0] == reason
    assert error in found[1]


def test_headers_that_are_odd() -> None:
    required = (("ce_specversion", b"1.0"), ("ce_source", b"/a"), ("ce_type", b"attempt"), ("ce_subject", b"ada"))
    value = orjson.dumps(DATA)

    assert "twice" in refusal(decode(record(value, headers=(("ce_id", b"1"), ("ce_id", b"1"), *required))))[1]
    of_data = decode(record(value, headers=(*required, ("ce_data", b"x"), ("ce_id", b"1"))))
    assert [one.rule for one in of_data.tolerated] == ["attribute_name"]
    twice = decode(record(value, headers=(*required, ("ce_id", b"1"), ("ce_ext", b"x"), ("ce_ext", b"x"))))
    assert [one.rule for one in twice.tolerated] == ["attribute_value"]
    unset: Any = (("ce_id", b"1"), *required, ("ce_time", None), ("content-type", None), ("ce", b"\xff"), ("x", None))
    assert only(decode(record(value, headers=unset))).event_id == "/a 1"
    assert refusal(decode(record(b"[1]", headers=STRUCTURED)))[0] == "cloudevents_invalid"


def test_a_percent_sign_in_a_header_stands_for_itself() -> None:
    assert only(binary(subject="50%20ü")).student_id == "50%20ü"


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


def test_other_headers_change_nothing() -> None:
    headers = (("skillstream-origin", b"t/0/1/0"), ("content-type", b"application/json"), ("ce_time", b"never"))

    assert only(decode(record(orjson.dumps(fields()), headers=headers))).event_id == fields()["event_id"]


@pytest.mark.parametrize("time", ["2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00"])
def test_a_leap_second_is_the_second_after_it(time: str) -> None:
    """As in every other dialect: it was read as the second before it."""
    assert only(structured(envelope(time=time))).time == MIDNIGHT
    assert only(binary(time=time)).time == MIDNIGHT


UNREAD: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "a relative schema": ({"dataschema": "/s"}, "dataschema"),
    "a schema with a fragment": ({"dataschema": "a:b#c"}, "dataschema"),
    "an empty schema": ({"dataschema": ""}, "dataschema"),
    "a schema that is a number": ({"dataschema": 5}, "dataschema"),
    "upper case in a name": ({"traceParent": "x"}, "attribute_name"),
    "a hyphen in a name": ({"partition-key": "x"}, "attribute_name"),
    "an empty name": ({"": "x"}, "attribute_name"),
    "an object as an extension": ({"ext": {"a": 1}}, "attribute_value"),
    "an array as an extension": ({"ext": []}, "attribute_value"),
    "a fraction as an extension": ({"ext": 1.0}, "attribute_value"),
    "33 bits, twice": ({"ext": 2_147_483_648, "other": 2_147_483_648}, "attribute_value"),
    "a C1 control in an extension": ({"ext": "\x85"}, "attribute_value"),
}


@pytest.mark.parametrize(("changes", "rule"), UNREAD.values(), ids=UNREAD)
def test_what_is_broken_in_an_attribute_that_nobody_reads_costs_no_event(changes: dict[str, Any], rule: str) -> None:
    found = structured(envelope(**changes))

    assert only(found) == EXPECTED
    assert [(one.dialect, one.rule) for one in found.tolerated] == [("cloudevents", rule)]


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        (("ce_Tenant-Id", b"x"), "attribute_name"),
        (("ce_ext", b"\xff"), "attribute_value"),
        (("ce_dataschema", b"/s"), "dataschema"),
    ],
)
def test_a_broken_header_that_nobody_reads_costs_no_event(header: tuple[str, bytes], rule: str) -> None:
    headers = [(f"ce_{name}", str(text).encode()) for name, text in envelope(data=REMOVED).items()]
    found = decode(record(orjson.dumps(DATA), headers=[*headers, header]))

    assert only(found) == EXPECTED
    assert [(one.dialect, one.rule) for one in found.tolerated] == [("cloudevents", rule)]
