"""CloudEvents' attributes, in the envelope or in headers: each rule, and what nobody reads."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pytest

from schemas import event as e
from schemas.dialects import decode
from tests.contract.cloudevents import (
    DATA,
    EXPECTED,
    REMOVED,
    SECRET,
    STRUCTURED,
    binary,
    envelope,
    only,
    refusal,
    structured,
)
from tests.events import fields, record

MIDNIGHT: Final = datetime(2017, 1, 1, tzinfo=UTC)


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
