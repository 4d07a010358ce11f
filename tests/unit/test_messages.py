"""The contract: every message that is produced is what its JSON Schema says."""

import asyncio
import math
from functools import cache
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.contract.json_schemas import MESSAGE_TOPICS, json_schema
from schemas.dead_letter import (
    MAX_OWN_HEADERS_BYTES,
    DeadLetter,
    Header,
    from_headers,
    own_headers,
    to_headers,
    with_own_headers,
)
from schemas.dialects import native
from schemas.event import NativeEvent
from schemas.explanation import Claim, Explanation, ReasoningResult, SkillExplanation
from schemas.update import SkillProfile, SkillUpdate
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from tests.events import (
    default_pipeline,
    default_skills,
    event,
    fail_source,
    folded,
    raw,
    records,
    row_batch_of,
    scores_of,
    updates_about,
    updates_of,
)
from tests.unit.strategies import events, streams


@cache
def validator(topic: str) -> Any:
    return Draft202012Validator(json_schema(topic))


@pytest.mark.parametrize("topic", MESSAGE_TOPICS)
def test_every_schema_is_one_and_refuses_an_empty_object(topic: str) -> None:
    Draft202012Validator.check_schema(json_schema(topic))

    assert json_schema(topic)["title"] == topic
    assert not validator(topic).is_valid({})


def test_there_is_no_schema_of_an_unknown_topic() -> None:
    with pytest.raises(KeyError):
        json_schema("nowhere")


@given(events())
def test_events_agree_with_their_schema_and_read_back_equal(one: NativeEvent) -> None:
    encoded = native.encode(one)

    validator("student-activity").validate(orjson.loads(encoded))
    assert native.decode(encoded) == one


@settings(max_examples=40, deadline=None)
@given(streams())
def test_updates_and_dead_letters_agree_with_their_schemas(taken: list[FileRecord]) -> None:
    result = asyncio.run(Replay(default_pipeline()).feed(taken))

    for update in updates_of(result):
        encoded = msgspec.json.encode(update)
        validator("skill-updates").validate(orjson.loads(encoded))
        assert msgspec.json.decode(encoded, type=SkillUpdate) == update
        check(update)
    for _, dead_letter in result.dead_letters:
        validator("dead-letters").validate(as_text(dead_letter))


def as_text(dead_letter: DeadLetter) -> dict[str, str]:
    """Its headers, as consumers read them."""
    return {name: value.decode() for name, value in to_headers(dead_letter)}


def check(update: SkillUpdate) -> None:
    """What the schema cannot say."""
    for name, skill in update.skills.items():
        assert not skill.validated, name
        if isinstance(skill, SkillProfile):
            assert skill.indicators or skill.evidence
            assert all(0 <= rate.count <= rate.of > 0 for rate in skill.indicators.values())
            continue
        assert 0 < skill.score < 1
        assert skill.low is skill.high is msgspec.UNSET
        assert {"ok", "stale"} & {part.status for part in skill.contributions.values()}
        log_odds = sum(part.added for part in skill.contributions.values())
        assert math.log(skill.score / (1 - skill.score)) == pytest.approx(log_odds, abs=5e-3)


async def test_an_update_holds_every_skill_known_so_far_and_its_position() -> None:
    replay = Replay(default_pipeline(), epoch=4)
    taken = records([raw("message", text="sorry to hear"), raw("message", minute=1, text="hello"), raw(minute=2)])

    [first] = updates_of(await replay.feed(taken[:1]))
    [last] = updates_of(await replay.feed(taken[1:]))

    assert (first.seq, last.seq) == ((4, 0), (4, 2))
    assert first.skills.keys() == {"empathy", "communication"}
    assert first.skills.keys() < last.skills.keys()
    assert (first.as_of, last.as_of) == ("2026-03-02T12:00:00.000Z", "2026-03-02T12:02:00.000Z")


def test_explanations_agree_with_their_schema() -> None:
    claim = Claim(text="Kept trying.", evidence=["e1"])
    profile = SkillExplanation(skill="resilience", kind="profile", validated=False, claims=[claim])
    skill = SkillExplanation(skill="empathy", kind="score", score=0.7, confidence=0.4, validated=False, claims=[claim])
    explanation = Explanation(
        version=2,
        student_id="ada",
        seq=(0, 7),
        as_of="2026-03-02T12:00:00.000Z",
        generated_at="2026-03-02T12:00:01.000Z",
        generator="scripted",
        model="scripted",
        summary="Keeps going.",
        skills=[skill, profile],
    )
    result = ReasoningResult(version=1, student_id="ada", seq=(0, 7), outcome="failed", attempts=1, at_us=1)

    validator("skill-reasoning").validate(orjson.loads(msgspec.json.encode(explanation)))
    said = orjson.loads(msgspec.json.encode(result))
    validator("reasoning-results").validate(said)
    assert not validator("reasoning-results").is_valid({**said, "outcome": "perhaps"})


def test_a_score_is_validated_only_where_the_model_that_saw_labels_has_judged_the_student() -> None:
    pipeline = Pipeline(default_skills(), load_artifact("default"), on_failure=fail_source)
    simulated = folded(event("control", task_id="t", controls={"a": 1.0, "b": 0.0}, changed=1, duration_s=3.0))
    answered = folded(event("attempt", score=1.0))

    updates = updates_about(pipeline, ["simulated", "answered"], row_batch_of(simulated, answered))

    assert [update.skills["problem_solving"].validated for update in updates] == [True, False]
    assert [update.skills["problem_solving"].kind for update in updates] == ["score", "profile"]
    score = scores_of(updates[0])["problem_solving"]
    assert "PISA" in pipeline.scorer.catalogue_entry.rests_on("problem_solving", score)


DEAD_LETTER = DeadLetter(
    topic="student-activity",
    partition=3,
    offset=17,
    timestamp=1_700_000_000_123,
    index=0,
    reason="not_utf8",
    error="",
    schema_guess="native",
)
_names = st.one_of(st.text(max_size=12), st.sampled_from(["dl-topic", "dl-", "dl-original-", "dl-original-dl-offset"]))
_headers = st.lists(st.tuples(_names, st.one_of(st.none(), st.binary(max_size=20))), max_size=8)


@given(_headers)
def test_a_producers_headers_come_back_as_they_were_whatever_their_names(own: list[Header]) -> None:
    headers = with_own_headers(DEAD_LETTER, own)

    assert from_headers(headers) == DEAD_LETTER
    assert own_headers(headers) == tuple(own)
    assert sum(name.startswith("dl-") and not name.startswith("dl-original-") for name, _ in headers) == 8


@pytest.mark.parametrize("count", [1, 3, 5_000])
def test_headers_beyond_the_room_are_left_out_and_counted(count: int) -> None:
    own: list[Header] = [("trace", b"1"), *[("large", b"x" * (MAX_OWN_HEADERS_BYTES - 100))] * count, ("last", None)]

    headers = with_own_headers(DEAD_LETTER, own)

    dead_letter = from_headers(headers)
    assert dead_letter.headers_left_out == count - 1
    assert own_headers(headers) == (own[0], own[1], own[-1])
    assert sum(len(name) + len(value or b"") for name, value in headers) < 64 * 1024 - 1024


def test_a_cut_record_and_its_epoch_are_said() -> None:
    cut = msgspec.structs.replace(DEAD_LETTER, epoch=2, cut_bytes=5)

    assert from_headers(to_headers(cut)) == cut
    validator("dead-letters").validate(as_text(cut))
    validator("dead-letters").validate(as_text(DEAD_LETTER))


@pytest.mark.parametrize(
    "headers", [[], to_headers(DEAD_LETTER)[1:], [*to_headers(DEAD_LETTER)[1:], ("dl-topic", None)]]
)
def test_what_lacks_a_header_is_no_dead_letter(headers: list[Header]) -> None:
    with pytest.raises(msgspec.ValidationError):
        from_headers(headers)
