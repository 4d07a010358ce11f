"""Events of one request, scored without being stored: as a stream of them would end, in the items' order."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects import decode
from schemas.inference import InferenceCounts
from streams.evidence.artifacts import NO_ARTIFACT, load_artifact
from streams.inference.events import InferredEvents, TooManyEvents, decoded_item
from streams.inference.overlay import FoundRow, LookUp, Unavailable, nothing_stored
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.rows.segments import is_segment
from streams.simulation import simulate
from tests.events import NOW_MS, default_pipeline, default_skills, fail_source, raw, record
from tests.unit.strategies import streams

LATER_MS = NOW_MS + 3_600_000
ONE_BAD = (
    b'{"actor": {}, "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"}, "object": {"id": "http://a.example/q"}}'
)
TWO_BAD = b"[" + ONE_BAD + b"," + ONE_BAD + b"]"


@cache
def item_pipeline(model: str = "") -> Pipeline:
    artifact = load_artifact(model) if model else NO_ARTIFACT
    return Pipeline(default_skills(), artifact, on_failure=fail_source, decode=decoded_item)


def inferred(
    values: Sequence[bytes | int],
    cut: int = 1_000,
    most: int = 1_000,
    look_up: LookUp = nothing_stored,
    *,
    pipeline: Pipeline | None = None,
    now_ms: int = LATER_MS,
    most_events: int = 10_000,
) -> tuple[list[dict[str, Any]], InferenceCounts]:
    """The answer's lines, and the counts; items come `cut` at a time, and are answered `most` at a time."""
    pipeline = pipeline or item_pipeline()
    events = InferredEvents(pipeline, pipeline.scorer, decode, now_ms, most_events, look_up)

    async def run() -> bytes:
        for first in range(0, len(values), cut):
            await events.fold(values[first : first + cut])
        answer = b""
        while text := await events.answer(most):
            answer += text
        return answer

    text = asyncio.run(run())
    return [orjson.loads(each) for each in text.splitlines()], events.counts


def replayed(records: Sequence[FileRecord]) -> dict[str, Any]:
    """The updates after one batch, by student."""
    result = asyncio.run(Replay(default_pipeline()).feed(records))
    return {key.decode(): orjson.loads(update) for key, update in result.updates.items()}


def onto(before: Sequence[FileRecord], values: Sequence[bytes]) -> tuple[list[dict[str, Any]], InferenceCounts]:
    replay = Replay(default_pipeline())
    asyncio.run(replay.feed(before))
    rows = dict(replay.rows.items(0))
    answer = inferred(values, 2, look_up=lambda keys: [replay.rows.get(0, key) for key in keys])
    assert dict(replay.rows.items(0)) == rows, "nothing is stored"
    return answer


@settings(max_examples=25)
@given(streams(max_size=12), st.integers(1, 12), st.integers(1, 3))
def test_events_onto_empty_rows_are_scored_as_a_replay_of_them_scores(
    some: list[FileRecord], cut: int, most: int
) -> None:
    values = [each.value or b"" for each in some]
    expected = replayed([record(value, offset) for offset, value in enumerate(values)])

    answer, counts = inferred(values, cut, most)

    found = {each["update"]["student_id"]: each["update"] for each in answer if "update" in each}
    assert found == expected
    assert [each["item"] for each in answer] == sorted(each["item"] for each in answer)
    assert (counts.items, counts.updates, counts.errors) == (len(values), len(found), len(answer) - len(found))


def test_a_class_is_scored_by_the_shipped_model_as_a_replay_scores_it_to_the_byte() -> None:
    shipped = Pipeline(default_skills(), load_artifact("default"), on_failure=fail_source)
    values = [each.value for each in simulate(20, 600, 3, faults=0.0)]
    now_ms = 4_000_000_000_000
    records = [FileRecord(offset, now_ms, value) for offset, value in enumerate(values)]
    replay = asyncio.run(Replay(shipped).feed(records))
    pipeline = item_pipeline("default")
    events = InferredEvents(pipeline, pipeline.scorer, decode, now_ms, 10_000)

    async def run() -> bytes:
        for first in range(0, len(values), 70):
            await events.fold(values[first : first + 70])
        return await events.answer(1_000)

    answer = asyncio.run(run()).splitlines()
    assert [each.partition(b'"update":')[2][:-1] for each in answer] == list(replay.updates.values())


def test_what_cannot_be_read_is_an_error_in_its_turn_as_its_dead_letter_says() -> None:
    values: list[bytes | int] = [raw(minute=1), b"{", 3_000_000, raw(student="eve"), ONE_BAD, raw(minute=2), TWO_BAD]

    answer, counts = inferred(values)

    said = [(each["item"], each.get("reason"), each.get("index", 0)) for each in answer]
    assert said == [
        (0, None, 0),
        (1, "not_json", 0),
        (2, "too_large", 0),
        (3, None, 0),
        (4, "xapi_invalid", 0),
        (6, "xapi_invalid", 0),
        (6, "xapi_invalid", 1),
    ]
    assert "3000000 bytes" in answer[2]["error"]
    assert (counts.applied, counts.dead_lettered, counts.updates, counts.errors) == (3, 5, 2, 5)


def test_events_fold_onto_a_stored_row_whatever_its_offset_and_repeats_of_it_count_once() -> None:
    before = [record(raw(minute=minute), 5_000 + minute) for minute in range(300)]
    values = [raw(minute=minute) for minute in range(298, 303)]
    replay = Replay(default_pipeline())
    asyncio.run(replay.feed(before))
    then = asyncio.run(replay.feed([record(value, 6_000 + at) for at, value in enumerate(values)]))

    answer, counts = onto(before, values)

    assert answer[0]["update"] == orjson.loads(then.updates[b"ada"]) | {"seq": [0, 4]}
    assert (counts.applied, counts.duplicates) == (3, 2)


def test_a_student_of_whom_all_was_known_is_told_as_stored() -> None:
    before = [record(raw(), 70)]

    answer, counts = onto(before, [raw()])

    assert answer[0]["update"] == replayed(before)["ada"]
    assert counts.duplicates == 1


def test_a_row_that_cannot_be_had_or_read_costs_its_student_alone() -> None:
    def look_up(keys: Sequence[bytes]) -> Sequence[FoundRow]:
        away = Unavailable("owner_away", "its worker does not answer")
        return [away if key == b"eve" else b"\x7f of a newer version" if key == b"bob" else None for key in keys]

    values = [raw(), raw(student="eve"), raw(student="bob"), raw(student="ada", minute=1)]
    cut, _ = inferred(values, 1, look_up=look_up)
    whole, _ = inferred(values, look_up=look_up)

    assert cut == whole
    assert [each.get("reason") for each in whole] == [None, "owner_away", "unreadable_row"]
    assert whole[1] == {"item": 1, "reason": "owner_away", "error": whole[1]["error"], "student_id": "eve"}
    assert "version 127" in whole[2]["error"]


def test_a_student_whose_events_have_no_use_is_answered_too() -> None:
    answer, counts = inferred([raw("rubric", skill="juggling")])

    assert [(each["reason"], each["student_id"]) for each in answer] == [("nothing_applied", "ada")]
    assert (counts.ignored, counts.errors) == (1, 1)


def test_more_events_than_one_request_may_hold_are_refused_wherever_they_are() -> None:
    inferred([raw(), TWO_BAD], most_events=3)

    with pytest.raises(TooManyEvents):
        inferred([raw(), raw(), TWO_BAD], most_events=3)


def test_segments_of_a_stored_row_are_looked_up_where_they_are_needed() -> None:
    before = [record(raw(minute=minute), minute) for minute in range(600)]
    replay = Replay(default_pipeline())
    asyncio.run(replay.feed(before))
    asked: list[bytes] = []

    def look_up(keys: Sequence[bytes]) -> Sequence[FoundRow]:
        asked.extend(keys)
        return [replay.rows.get(0, key) for key in keys]

    _, counts = inferred([raw(minute=3), raw(minute=601)], look_up=look_up)

    assert any(map(is_segment, asked))
    assert (counts.applied, counts.duplicates) == (1, 1)


def test_segments_that_cannot_be_had_cost_their_student_alone() -> None:
    before = [record(raw(minute=minute), minute) for minute in range(600)]
    replay = Replay(default_pipeline())
    asyncio.run(replay.feed(before))

    def look_up(keys: Sequence[bytes]) -> Sequence[FoundRow]:
        away = Unavailable("owner_away", "its worker ended meanwhile")
        return [away if is_segment(key) else replay.rows.get(0, key) for key in keys]

    answer, _ = inferred([raw(minute=3), raw(student="bob")], look_up=look_up)

    assert [(each["item"], each.get("reason")) for each in answer] == [(0, "owner_away"), (1, None)]
