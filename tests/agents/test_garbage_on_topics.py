"""Whatever lies on a topic that a worker reads comes to an outcome: applied, ignored, passed on or a dead letter."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.step import Output
from schemas.bounds import EARLIEST_US, LATEST_US
from schemas.dead_letter import DeadLetter, from_headers
from schemas.dead_letter_packing import unpack
from schemas.dialects import Record
from schemas.errors import Fatal
from streams.replay import FileRecord
from streams.rows.codec import decode_row
from streams.rows.row import Row
from tests.events import NOW_MS, NOW_US, raw, record
from tests.fuzz.seeds import DOCUMENTS
from tests.stepped import CHANNELS, PARTITIONS, Stepped, owning_partition

ADA: Final = "ada"
OWNING: Final = owning_partition(ADA.encode())
RESULT: Final = {
    "version": 1,
    "student_id": ADA,
    "seq": [0, 0],
    "outcome": "failed",
    "attempts": 1,
    "at_us": NOW_US,
    "not_before_us": NOW_US,
}


def with_ada() -> Stepped:
    """A step that knows one student."""
    stepped = Stepped()
    stepped.take(CHANNELS.activity, OWNING, [record(raw(), partition=OWNING)])
    return stepped


def row_of_ada(stepped: Stepped) -> Row:
    stored = stepped.rows.get(OWNING, ADA.encode())
    assert stored is not None
    return decode_row(stored)


def on(topic: str, key: bytes | None, value: bytes | None, timestamp: int = NOW_MS, **given: Any) -> FileRecord:
    return FileRecord(given.pop("offset", 0), timestamp, value, topic, OWNING, key, **given)


def a_result(**changes: object) -> FileRecord:
    return on(CHANNELS.results, ADA.encode(), orjson.dumps({**RESULT, **changes}))


def a_request(key: bytes | None, value: bytes | None = b"{}", timestamp: int = NOW_MS) -> FileRecord:
    return on(CHANNELS.erasures, key, value, timestamp)


def dead_letters(outputs: Sequence[Output]) -> list[tuple[Output, DeadLetter]]:
    return [(one, from_headers(one.headers)) for one in outputs if one.topic == CHANNELS.dead_letters]


NO_RESULTS: Final = {
    "tries beyond a row": a_result(attempts=1 << 40),
    "tries below nothing": a_result(attempts=-1),
    "not before the end of time": a_result(not_before_us=1 << 63),
    "not before the end of 64 bits": a_result(not_before_us=(1 << 63) - 1),
    "a time near the end of 64 bits": a_result(at_us=(1 << 63) - 2),
    "a time before all": a_result(at_us=-(1 << 62)),
    "an epoch beyond a row": a_result(seq=[1 << 32, 0], outcome="explained"),
    "an offset beyond 64 bits": a_result(seq=[0, 1 << 63], outcome="explained"),
    "a position of three": a_result(seq=[0, 0, 0]),
    "a version to come": a_result(version=2),
    "no student": a_result(student_id=""),
    "a student of 10 kB": a_result(student_id="a" * 10_000),
    "a float": a_result(attempts=1.5),
    "nothing": on(CHANNELS.results, ADA.encode(), None),
    "no bytes": on(CHANNELS.results, ADA.encode(), b""),
    "no JSON": on(CHANNELS.results, None, b"\xff\xfe garbage"),
    "an array 100,000 deep": on(CHANNELS.results, ADA.encode(), b"[" * 100_000),
    "an unknown field 100,000 deep": on(
        CHANNELS.results, ADA.encode(), orjson.dumps(RESULT)[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    ),
}


@pytest.mark.parametrize("garbage", NO_RESULTS.values(), ids=NO_RESULTS)
def test_what_is_no_result_is_a_dead_letter_and_the_next_one_is_applied(garbage: FileRecord) -> None:
    stepped = with_ada()

    result = stepped.take(CHANNELS.results, OWNING, [garbage, a_result(attempts=3)])

    [(output, dead_letter)] = dead_letters(result.outputs)
    assert unpack(dead_letter, output.key, output.value) == (garbage.key, garbage.value)
    assert (dead_letter.topic, dead_letter.reason) == (CHANNELS.results, "not_a_result")
    assert row_of_ada(stepped).pending.attempts == 3
    assert stepped.internal == {"results_dead_lettered": 1, "results_applied": 1}


def test_a_result_of_what_was_never_folded_does_not_stand_in_the_way_of_later_ones() -> None:
    stepped = with_ada()
    made_up = a_result(outcome="explained", seq=[(1 << 32) - 1, (1 << 63) - 1])

    stepped.take(CHANNELS.results, OWNING, [made_up])
    stepped.take(CHANNELS.activity, OWNING, [record(raw(minute=5, event_id="later"), 5, partition=OWNING)])
    stepped.take(CHANNELS.results, OWNING, [a_result(outcome="explained", seq=[0, 5])])

    pending = row_of_ada(stepped).pending
    assert (pending.reasoned_epoch, pending.reasoned_offset) == (0, 5)


NO_REQUESTS: Final = {
    "a key of 13 MB": (a_request(b"k" * 13_000_000), "not_a_student"),
    "a key of 257 characters": (a_request(b"k" * 257), "not_a_student"),
    "a key of 257 characters of two bytes": (a_request("é".encode() * 257), "not_a_student"),
    "no key": (a_request(None), "not_a_student"),
    "an empty key": (a_request(b""), "not_a_student"),
    "a key that is no UTF-8": (a_request(b"\x80ada"), "not_a_student"),
    "the key of the table's own record": (a_request(b"\x00\xffskillstream"), "not_a_student"),
    "a time of 2^62": (a_request(ADA.encode(), timestamp=1 << 62), "absurd_timestamp"),
    "a time of 2^63 - 1": (a_request(ADA.encode(), timestamp=(1 << 63) - 1), "absurd_timestamp"),
    "no time": (a_request(ADA.encode(), timestamp=-1), "absurd_timestamp"),
    "a time far before 1970": (a_request(ADA.encode(), timestamp=-(1 << 63)), "absurd_timestamp"),
    "a time after 2100": (a_request(ADA.encode(), timestamp=LATEST_US // 1000 + 1), "absurd_timestamp"),
    "a time before 1990": (a_request(ADA.encode(), timestamp=EARLIEST_US // 1000 - 1), "absurd_timestamp"),
}


@pytest.mark.parametrize(("garbage", "reason"), NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_what_asks_to_forget_nobody_is_a_dead_letter_and_the_next_is_carried_out(
    garbage: FileRecord, reason: str
) -> None:
    stepped = with_ada()

    result = stepped.take(CHANNELS.erasures, OWNING, [garbage])
    assert row_of_ada(stepped).events == 1
    stepped.take(CHANNELS.erasures, OWNING, [a_request(ADA.encode())])

    [(output, dead_letter)] = dead_letters(result.outputs)
    assert (dead_letter.topic, dead_letter.reason) == (CHANNELS.erasures, reason)
    assert unpack(dead_letter, output.key, output.value) == (garbage.key, garbage.value)
    assert len(output.key or b"") + len(output.value or b"") < 100_000
    assert row_of_ada(stepped).is_tombstone
    assert stepped.internal == {"erasures_dead_lettered": 1, "erasures_applied": 1}


@pytest.mark.parametrize("key", [ADA.encode(), None, b"\x80", b"k" * 10_000])
def test_a_null_value_asks_for_nothing_whatever_its_key(key: bytes | None) -> None:
    stepped = with_ada()

    result = stepped.take(CHANNELS.erasures, OWNING, [a_request(key, None)])

    assert (result.rows, result.outputs) == ({}, [])
    assert stepped.internal == {"erasures_ignored": 1}


def test_a_request_that_is_sent_on_is_small_whatever_came_with_it() -> None:
    stepped = Stepped()
    other = (OWNING + 1) % PARTITIONS

    result = stepped.take(CHANNELS.erasures, other, [a_request(ADA.encode(), b"x" * 13_000_000)])

    [output] = result.outputs
    assert (output.topic, output.partition, output.key) == (CHANNELS.erasures, OWNING, ADA.encode())
    assert len(output.value or b"") < 100
    assert stepped.internal == {"erasures_forwarded": 1}


_EDGES: Final = [sign << bits for bits in (31, 32, 40, 53, 62, 63, 64) for sign in (1, -1)]
EXTREME: Final = st.sampled_from([0, *(edge + by for edge in _EDGES for by in (-1, 0, 1))])
NUMBERS: Final = EXTREME | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES: Final = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3), max_leaves=6
)
TIMESTAMPS: Final = st.integers(-(1 << 63), (1 << 63) - 1) | st.sampled_from(
    [NOW_MS, -1, 0, 1 << 62, (1 << 63) - 1, -(1 << 63), LATEST_US // 1000, LATEST_US // 1000 + 1]
)
KEYS: Final = st.none() | st.binary(max_size=300) | st.sampled_from([b"ada", b"", b"\x00\xffskillstream", b"\xff"])
HEADERS: Final = st.lists(
    st.tuples(
        st.sampled_from(["", "ce_id", "ce_specversion", "skillstream-origin", "dl-topic", "content-type"])
        | st.text(max_size=9),
        st.none() | st.binary(max_size=40),
    ),
    max_size=4,
).map(tuple)
BODIES: Final = (
    st.none()
    | st.binary(max_size=60)
    | st.fixed_dictionaries({}, optional=dict.fromkeys(RESULT, VALUES)).map(lambda said: _json({**RESULT, **said}))
    | st.sampled_from([orjson.dumps(one) for many in DOCUMENTS.values() for one in many])
)


def _json(document: object) -> bytes:
    return msgspec.json.encode(document)


def records_of(topic: str) -> st.SearchStrategy[list[FileRecord]]:
    parts = st.lists(st.tuples(KEYS, BODIES, TIMESTAMPS, HEADERS), min_size=1, max_size=6)
    return parts.map(
        lambda found: [
            on(topic, key, value, timestamp, offset=number, headers=headers)
            for number, (key, value, timestamp, headers) in enumerate(found)
        ]
    )


@pytest.mark.parametrize("topic", CHANNELS.sources)
@given(data=st.data())
def test_any_record_of_any_topic_ends_in_an_outcome(topic: str, data: st.DataObject) -> None:
    stepped = with_ada()
    before = stepped.counts.records_in
    records: list[Record] = list(data.draw(records_of(topic)))

    result = stepped.take(topic, OWNING, records)

    found = dead_letters(result.outputs)
    if topic == CHANNELS.activity:
        counts = stepped.counts
        assert counts.records_in - before == len(records)
        assert counts.events_in == counts.applied + counts.ignored + counts.duplicates + counts.dead_lettered
        assert len(found) == counts.dead_lettered
    else:
        assert stepped.internal.total() == len(records)
        assert len(found) == sum(n for what, n in stepped.internal.items() if what.endswith("dead_lettered"))
    for output, dead_letter in found:
        original = records[dead_letter.offset]
        assert unpack(dead_letter, output.key, output.value) == (original.key, original.value)
    for row in result.rows.values():
        assert row is not None
        decode_row(row)


NO_ROWS: Final = {
    "text": b"not a row",
    "nothing": b"",
    "a version to come": b"\x09" + bytes(200),
    "a header that promises more": b"\x02\xff\xff\xff\xff\xff\xff\xff" + b"\xff" * 200,
    "half a header": b"\x02" + bytes(20),
    "a row of version 1, cut": b"\x92\x01",
}


@pytest.mark.parametrize("foreign", NO_ROWS.values(), ids=NO_ROWS)
def test_a_row_that_is_none_stops_loudly_and_names_the_command_that_helps(foreign: bytes) -> None:
    """To go on would write over what may have been a student's state."""
    stepped = Stepped()
    stepped.rows.put(OWNING, ADA.encode(), foreign)

    with pytest.raises(Fatal, match=r"What to do: .* `skillstream rebuild`"):
        stepped.take(CHANNELS.activity, OWNING, [record(raw(), partition=OWNING)])


@given(foreign=st.binary(max_size=600) | st.binary(max_size=600).map(lambda tail: b"\x02" + tail))
def test_any_foreign_row_is_read_or_refused(foreign: bytes) -> None:
    with suppress(Fatal):
        decode_row(foreign)
