"""What is odd about a record's JSON, and harmless, does not cost its events; and a record of no dialect says so."""

from datetime import UTC, datetime
from typing import Final

import orjson
import pytest

from schemas import event as e
from schemas.dialects import Decoded, decode
from tests.contract.caliper_events import view
from tests.contract.xapi_statements import statement
from tests.events import raw, record

MARK: Final = b"\xef\xbb\xbf"
HALF: Final = rb'"x":"\ud83d"'


def read(value: bytes) -> Decoded:
    return decode(record(value))


def tolerated(decoded: Decoded) -> list[tuple[str, str]]:
    assert len(decoded.events) == 1, decoded.invalid
    return [(one.dialect, one.rule) for one in decoded.tolerated]


@pytest.mark.parametrize("value", [raw(), orjson.dumps(statement()), orjson.dumps([statement()]), orjson.dumps(view())])
def test_a_byte_order_mark_is_left_out_and_counted(value: bytes) -> None:
    assert tolerated(read(MARK + value)) == [("json", "byte_order_mark")]
    assert read(MARK + value).events == read(value).events


@pytest.mark.parametrize(
    "half", [rb"\ud83d", rb"\uDE00", rb"\ud83d\ud83d\ude00", rb"\ud83d\n", rb"\\\ud83d", rb"\ud83d\u0041"]
)
def test_half_a_surrogate_pair_where_nobody_reads_it_is_counted(half: bytes) -> None:
    value = raw()[:-1] + b',"x":"' + half + b'"}'
    assert tolerated(read(value)) == [("json", "half_surrogate_pair")]
    assert read(value).events == read(raw()).events


@pytest.mark.parametrize("whole", [rb"\ud83d\ude00", rb"\\ud83d", rb"\\\\ud83d", rb"\ufffd"])
def test_whole_pairs_and_backslashes_are_none(whole: bytes) -> None:
    assert tolerated(read(raw()[:-1] + b',"x":"' + whole + b'"}')) == []


def test_half_a_surrogate_pair_in_a_text_is_one_character_that_cannot_be_read() -> None:
    decoded = read(raw("message", text="a!").replace(b"a!", rb"a\ud83d"))
    [message] = decoded.events
    assert isinstance(message, e.Message)
    assert message.text == "a\ufffd"
    assert tolerated(decoded) == [("json", "half_surrogate_pair")]


@pytest.mark.parametrize("name", [b'"ada"', b'"item-1"'])
def test_half_a_surrogate_pair_in_a_name_is_refused_for_it_would_make_two_names_one(name: bytes) -> None:
    value = raw(item_id="item-1").replace(name, rb'"\ud83d"')
    [invalid] = read(value).invalid
    assert invalid.reason == "not_json"


def test_half_a_surrogate_pair_in_a_statement_is_tolerated_in_a_name_that_is_not_read() -> None:
    value = orjson.dumps(statement(verb={"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "X!"}}))
    assert tolerated(read(value.replace(b"X!", rb"\ud83d"))) == [("json", "half_surrogate_pair")]


@pytest.mark.parametrize(
    ("time", "after"),
    [
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31t23:59:60.5z", datetime(2017, 1, 1, 0, 0, 0, 500_000, UTC)),
        ("2017-01-01T00:59:60+01:00", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_leap_second_is_the_second_after_it(time: str, after: datetime) -> None:
    [event] = read(raw(time=time)).events
    assert event.time == after


def test_a_leap_second_of_a_caliper_event_is_the_second_after_it() -> None:
    [event] = read(orjson.dumps(view(eventTime="2016-12-31T23:59:60.000Z"))).events
    assert event.time == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "time", ["2016-12-31T22:59:60Z", "2016-12-31T23:59:61Z", "2016-12-32T23:59:60Z", "9999-12-31T23:59:60Z"]
)
def test_a_sixtieth_second_that_is_no_leap_second_is_no_time(time: str) -> None:
    [invalid] = read(raw(time=time)).invalid
    assert invalid.reason == "invalid_field"


@pytest.mark.parametrize(
    "value", [b"{}", b'{"hello":"world"}', b'{"type":"click","user":"ada"}', b'{"event_type":"x"}']
)
def test_an_object_that_no_dialect_claims_says_so_and_what_was_looked_for(value: bytes) -> None:
    [invalid] = read(value).invalid
    assert (invalid.reason, invalid.schema_guess) == ("no_dialect", "unknown")
    assert "actor, verb and object (xAPI)" in invalid.error


@pytest.mark.parametrize("value", [b'{"version":1}', b'{"type":"hint"}', b'{"student_id":"ada"}', b'{"event_id":"1"}'])
def test_an_object_that_has_a_mark_of_native_events_is_read_as_one(value: bytes) -> None:
    [invalid] = read(value).invalid
    assert (invalid.reason, invalid.schema_guess) != ("no_dialect", "unknown")
    assert invalid.schema_guess == "native"
