"""Bad input: each kind has its outcome, and the events around it come to what they would without it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
import pytest

from schemas.dead_letter import MAX_ERROR_CHARS, from_headers, to_headers
from schemas.dialects import Record, native
from schemas.errors import Fatal, InvalidInput
from streams.folding.dead_letters import MAX_DEAD_LETTERS_A_RECORD
from streams.input.origin import ORIGIN_HEADER
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import Row
from tests.events import NOW_MS, Processed, fields, processed, raw, record, records, rows_of, updates_of

SECRET = "canary-7f3a"
GOOD = [raw(minute=1), raw(minute=2), raw(minute=3)]


def fold(
    taken: Sequence[Record], rows: dict[str, bytes] | None = None, *, owning_partition: int | None = None
) -> Processed:
    return processed(taken, rows, owning_partition=lambda _key: owning_partition)


def ada(batch: Processed) -> Row:
    """The only student that a batch changed."""
    [stored] = rows_of(batch).values()
    return decode_row(stored)


def with_unknown(value: bytes) -> bytes:
    return raw(minute=9)[:-1] + b',"unknown":' + value + b"}"


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def bare(*without: str, **given: object) -> bytes:
    return orjson.dumps({k: v for k, v in {**fields(minute=9), **given}.items() if k not in without})


UNREADABLE = {
    "empty record": (b"", "not_json"),
    "null value": (None, "null_value"),
    "not JSON": (f"<event>{SECRET}</event>".encode(), "not_json"),
    "cut short": (raw(minute=9, item_id=SECRET)[:-5], "not_json"),
    "two events in one record": (raw(minute=9) * 2, "not_json"),
    "invalid UTF-8": (raw(minute=9, item_id=SECRET).replace(b"7f", b"\xff"), "not_utf8"),
    "invalid UTF-8 in an unknown field": (with_unknown(b'"\xc3\x28 canary-7f3a"'), "not_utf8"),
    "lone surrogate in an id": (raw(minute=9).replace(b'"ada"', b'"\\ud800"'), "not_json"),
    "NaN": (bare().replace(b'"score":1.0', b'"score":NaN'), "not_json"),
    "Infinity": (bare().replace(b'"score":1.0', b'"score":-Infinity'), "not_json"),
    "a number beyond floats": (bare().replace(b'"score":1.0', b'"score":1e999'), "not_json"),
    "200 levels deep": (nested(200), "not_an_object"),
    "100,000 levels deep": (nested(100_000), "too_deep"),
    "100,000 levels deep in an unknown field": (with_unknown(nested(100_000)), "too_deep"),
    "a type 200 levels deep": (bare(type=None).replace(b"null", nested(200)), "unknown_type"),
    "10 MB": (b'"' + b"x" * 10_000_000 + b'"', "too_large"),
    "an array": (b'["canary-7f3a"]', "not_an_object"),
    "JSON null": (b"null", "not_an_object"),
    "missing field": (bare("item_id"), "invalid_field"),
    "missing student": (bare("student_id"), "invalid_field"),
    "missing type": (bare("type"), "invalid_field"),
    "wrong type of a field": (bare(item_id={SECRET: SECRET}), "invalid_field"),
    "a score above 1": (bare(score=1.5), "invalid_field"),
    "an unknown choice": (raw("collaboration", act=SECRET), "invalid_field"),
    "an unknown choice with quotes in it": (raw("collaboration", act=f"it's {SECRET}"), "invalid_field"),
    "10 kB student id": (bare(student_id=SECRET * 1000), "invalid_field"),
    "empty student id": (bare(student_id=""), "invalid_field"),
    "a time without offset": (bare(time="2026-03-02T12:00:00"), "invalid_field"),
    "a time that is not one": (bare(time=SECRET), "invalid_field"),
    "year 1": (bare(time="0001-01-01T00:00:00Z"), "absurd_time"),
    "year 1, east of Greenwich": (bare(time="0001-01-01T00:00:00+23:59"), "absurd_time"),
    "300 components": (bare(kcs=[f"{SECRET} {number}" for number in range(300)]), "invalid_field"),
    "9 components": (bare(kcs=list("abcdefghi")), "invalid_field"),
    "a 10 kB component": (bare(kcs=[SECRET * 1000]), "invalid_field"),
    "an empty component": (bare(kcs=["fractions", ""]), "invalid_field"),
    "an empty list of components": (bare(kcs=[]), "invalid_field"),
    "a component that is no text": (bare(kcs=[7]), "invalid_field"),
    "components that are no list": (bare(kcs=SECRET), "invalid_field"),
    "unknown version": (bare(version=2), "unknown_version"),
    "unknown type": (bare(type=SECRET), "unknown_type"),
}


@pytest.mark.parametrize(("value", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_the_unreadable_is_dead_lettered_and_its_neighbours_are_unharmed(value: bytes | None, reason: str) -> None:
    good = [record(GOOD[0], 0), record(GOOD[1], 2), record(GOOD[2], 3)]

    batch = fold([good[0], bad := record(value, 1, partition=0), *good[1:]])

    assert batch.counts.reasons == {reason: 1}
    assert (batch.counts.events_in, batch.counts.applied, batch.counts.dead_lettered) == (4, 3, 1)
    assert rows_of(batch) == rows_of(fold(good))
    [(original, dead_letter)] = batch.dead_letters
    assert original is bad
    assert SECRET not in dead_letter.error
    assert "7f3a" not in dead_letter.error


def test_a_dead_letter_keeps_the_original_and_says_where_it_came_from() -> None:
    bad = record(b"\xff\x00", 17, partition=3, key=b"\xfe", timestamp=1_700_000_000_123)

    [(original, dead_letter)] = fold([bad]).dead_letters

    assert (original.key, original.value) == (b"\xfe", b"\xff\x00")
    headers = to_headers(dead_letter)
    assert dict(headers) == {
        "dl-topic": b"student-activity",
        "dl-partition": b"3",
        "dl-offset": b"17",
        "dl-timestamp": b"1700000000123",
        "dl-index": b"0",
        "dl-reason": b"not_utf8",
        "dl-error": b"invalid UTF-8 at byte 0",
        "dl-schema_guess": b"native",
    }
    assert from_headers([("trace-id", b"\xff"), *headers]) == dead_letter


def test_the_error_header_is_bounded() -> None:
    [(_, dead_letter)] = fold([record(None)]).dead_letters

    long = msgspec.structs.replace(dead_letter, error="é" * 100_000)

    assert len(dict(to_headers(long))["dl-error"].decode()) == MAX_ERROR_CHARS


TOLERATED = {
    "unknown field": with_unknown(b'{"a":[1,null]}'),
    "unknown field 200 levels deep": with_unknown(nested(200)),
    "unknown field with a thousand brackets side by side": with_unknown(b"[" + b",".join([b"{}"] * 1000) + b"]"),
    "unknown field with brackets in a string": with_unknown(b'"' + b'[{\\"' * 1000 + b'"'),
    "a key twice": bare()[:-1] + b',"score":0.0}',
    "a component twice": bare(kcs=["fractions"] * 8),
    "components of the most characters": bare(kcs=["é" * 64, "\x00" * 64]),
    "NUL in an id": bare(item_id="a\x00b"),
    "white space around": b" \n" + bare() + b"\n",
}


@pytest.mark.parametrize("value", TOLERATED.values(), ids=TOLERATED)
def test_the_odd_is_applied(value: bytes) -> None:
    counts = fold(records([GOOD[0], value, GOOD[1]])).counts

    assert (counts.applied, counts.dead_lettered) == (3, 0)


@pytest.mark.parametrize("broken", [7, "", "x" * 257, ["a"], {"id": "a"}, True], ids=repr)
@pytest.mark.parametrize("name", ["course_id", "class_id", "school_id", "source"])
def test_what_is_broken_where_nobody_reads_costs_no_event_and_is_counted(name: str, broken: Any) -> None:
    envelope = {"specversion": "1.0", "id": "1", "source": "urn:lms", "type": "attempt"}
    inner = orjson.loads(raw(event_id="e2", **{name: broken}))

    batch = fold(records([raw(**{name: broken}), orjson.dumps({**envelope, "data": inner})]))

    assert (batch.counts.applied, batch.counts.dead_lettered) == (2, 0)
    assert batch.counts.tolerated == {("native", name): 2}


def test_how_deep_is_too_deep_does_not_depend_on_the_caller() -> None:
    def decode_below(frames: int, levels: int) -> str:
        if frames:
            return decode_below(frames - 1, levels)
        try:
            return type(native.decode(with_unknown(nested(levels)))).__name__
        except InvalidInput as error:
            return error.reason

    for levels in (100, 255, 256, 900):
        assert decode_below(500, levels) == decode_below(0, levels)
    assert decode_below(0, native.MAX_DEPTH - 1) == "Attempt"
    assert decode_below(0, native.MAX_DEPTH) == "too_deep"


def test_an_endless_string_of_escapes_is_read_once() -> None:
    value = b'"' + b'\\"' * 400_000 + b"[" * 300  # quadratic, were every quote tried as a beginning

    assert fold([record(value)]).counts.reasons == {"not_json": 1}


@pytest.mark.parametrize("key", [None, b"", b"someone else", b"\xff"], ids=repr)
def test_the_student_is_the_events_own_whatever_the_key(key: bytes | None) -> None:
    batch = fold([record(GOOD[0], key=key)])

    assert rows_of(batch).keys() == {"ada"}
    assert batch.counts.applied == 1


@pytest.mark.parametrize("time", ["2026-03-02T23:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"])
def test_a_time_from_the_future_is_clamped_to_the_records_and_counted(time: str) -> None:
    batch = fold([record(bare(time=time), timestamp=NOW_MS)])

    assert (batch.counts.applied, batch.counts.clamped) == (1, 1)
    assert ada(batch).as_of_us == NOW_MS * 1000


def test_a_record_and_an_event_from_the_year_9999_can_be_published() -> None:
    value = bare(time="9999-12-31T23:59:59-23:59")

    batch = processed([record(value, timestamp=2**63 - 1)], scores=True)

    [update] = updates_of(batch)
    assert update.as_of == "2100-01-01T00:00:00.000Z"
    assert len(rows_of(batch)["ada"]) < 1000


@pytest.mark.parametrize("timestamp", [-(2**63), -1, 0, NOW_MS // 1000], ids=["least", "none", "zero", "seconds"])
def test_a_record_of_an_absurd_time_is_dead_lettered(timestamp: int) -> None:
    batch = fold([record(GOOD[0], 0), record(GOOD[1], 1, timestamp=timestamp), record(GOOD[2], 2)])

    assert batch.counts.reasons == {"absurd_timestamp": 1}
    assert batch.counts.applied == 2
    assert ada(batch).first_us > 0


def test_huge_text_is_applied_and_leaves_a_small_row() -> None:
    batch = fold([record(raw("message", text="never give up " * 60_000))])

    assert batch.counts.applied == 1
    assert len(rows_of(batch)["ada"]) < 500


def test_the_same_event_twice_counts_once() -> None:
    once, twice = fold(records(GOOD)), fold(records([GOOD[0], GOOD[0], GOOD[1], GOOD[0], GOOD[2]]))

    assert twice.counts.duplicates == 2
    assert twice.counts.applied == 3
    assert msgspec.structs.replace(ada(once), offset=4) == ada(twice)


def test_out_of_order_is_counted_late_and_applied_at_its_true_age() -> None:
    batch = fold(records([raw(minute=0), raw(minute=-61), raw(minute=-59)]))

    assert (batch.counts.applied, batch.counts.late) == (3, 1)
    assert ada(batch).events == 3
    assert ada(batch).first_us == (NOW_MS - 61 * 60_000) * 1000


def test_the_valid_of_no_use_is_ignored_and_leaves_no_row() -> None:
    useless = [
        raw("navigation"),
        raw("media", action="paused"),
        raw("rubric", skill="juggling"),
    ]

    batch = fold(records(useless))

    assert batch.counts.ignored == 3
    assert rows_of(batch) == {}


class TestForeignPartition:
    """A key that another partitioner placed elsewhere."""

    def test_the_event_is_forwarded_to_its_home_and_counted_there_only(self) -> None:
        batch = fold([record(GOOD[0], 41, partition=2)], owning_partition=5)

        [sent_on] = batch.repartitioned
        assert (sent_on.partition, sent_on.origin.header[1]) == (5, b"student-activity/2/41/0")
        assert native.encode(sent_on.event) == native.encode(native.decode(GOOD[0]))
        assert (batch.counts.rerouted, batch.counts.events_in) == (1, 0)
        assert rows_of(batch) == {}

    def test_what_nothing_here_reads_yet_is_carried_to_its_owning_partition(self) -> None:
        said: dict[str, Any] = {
            "kcs": ["a", "b", "a"],
            "course_id": "c",
            "class_id": "7b",
            "school_id": "north",
            "source": "lms",
        }

        [sent_on] = fold([record(raw(**said), 41, partition=2)], owning_partition=5).repartitioned

        assert orjson.loads(native.encode(sent_on.event)).items() >= said.items()

    def arrived(self, value: bytes, offset: int, origin: bytes | None) -> Record:
        return record(value, offset, partition=5, headers=((ORIGIN_HEADER, origin),))

    def test_a_repartitioned_event_that_comes_twice_is_folded_once(self) -> None:
        origins = [b"student-activity/2/41/0", b"student-activity/2/43/0"]
        sent = [self.arrived(value, n, origin) for n, (value, origin) in enumerate(zip(GOOD, origins, strict=False))]
        again = [self.arrived(GOOD[0], 7, origins[0]), self.arrived(GOOD[1], 8, origins[1])]

        batch = fold([*sent, *again], owning_partition=5)

        assert (batch.counts.applied, batch.counts.duplicates, batch.counts.rerouted) == (2, 2, 0)
        assert ada(batch).offset == 1

    def test_the_origin_tells_a_repeat_that_the_ids_have_forgotten(self) -> None:
        row = ada(fold([self.arrived(GOOD[0], 0, b"student-activity/2/41/0")], owning_partition=5))
        rows = {"ada": encode_row(msgspec.structs.replace(row, ids=b""))}

        assert (
            fold([self.arrived(GOOD[0], 7, b"student-activity/2/41/0")], rows, owning_partition=5).counts.duplicates
            == 1
        )

    def test_a_recreated_topic_does_not_mistake_new_repartitioned_events_for_old(self) -> None:
        rows = rows_of(fold([self.arrived(GOOD[0], 90, b"student-activity/2/41/0")], owning_partition=5))

        arrived = [self.arrived(GOOD[1], 0, b"student-activity/2/3/0")]
        batch = processed(arrived, rows, owning_partition=lambda _: 5, epoch_of=lambda _: 1)

        assert batch.counts.applied == 1
        assert (ada(batch).epoch, ada(batch).offset) == (1, 0)

    @pytest.mark.parametrize(
        "origin",
        [None, b"", b"\xff", b"a/b/c/d", b"student-activity/-1/2/3", b"t/1/2", b"t/1/" + b"9" * 30 + b"/0"],
        ids=repr,
    )
    def test_an_origin_that_is_not_ours_is_as_none(self, origin: bytes | None) -> None:
        on_owning = fold([self.arrived(GOOD[0], 0, origin)], owning_partition=5)
        abroad = fold([self.arrived(GOOD[0], 0, origin)], owning_partition=6)

        assert rows_of(on_owning) == rows_of(fold([record(GOOD[0], 0, partition=5)], owning_partition=5))
        assert abroad.counts.rerouted == 1


def test_a_row_of_a_newer_epoch_stops_the_worker_instead_of_being_folded_again() -> None:
    ahead = encode_row(Row(epoch=2, offset=7))
    with pytest.raises(Fatal, match=r"epoch 2, .* 1: "):
        processed(records([raw()]), {"ada": ahead}, epoch_of=lambda _: 1)


def test_an_array_of_bad_parts_comes_to_a_few_dead_letters_that_say_how_many() -> None:
    batch = fold(records([b"[" + b",".join([b'{"actor":1,"verb":2,"object":3}'] * 1_000) + b"]"]))

    dead_letters = [dead_letter for _, dead_letter in batch.dead_letters]

    assert len(dead_letters) == batch.counts.dead_lettered == MAX_DEAD_LETTERS_A_RECORD
    assert [dead_letter.index for dead_letter in dead_letters] == list(range(MAX_DEAD_LETTERS_A_RECORD))
    assert "984 more parts" in dead_letters[-1].error
