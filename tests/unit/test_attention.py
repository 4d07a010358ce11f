"""`student-attention`: a text that may disclose harm is reported, once, when it is first folded, without its words."""

from dataclasses import replace
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.config.channels import Channels
from agents.config.settings import Settings
from schemas.attention import AttentionReason, AttentionRecord
from schemas.topics import ATTENTION
from schemas.update import read_update
from streams.reasoning.request.prompt import Prompt, render
from streams.replay import FileRecord
from streams.rows.codec import encode_row
from streams.rows.row import Row
from streams.rows.table import PartitionedRows
from streams.texts.disclosure import disclosures_in
from tests.events import NOW, NOW_MS, NOW_US, default_skills, processed, raw, record, records
from tests.shared_data import needs
from tests.unit.disclosing_texts import ABUSE, AMBIGUOUS, HARMLESS, SELF_HARM, stopped

DISCLOSURE: Final = "my dad hits me and I want to die, what's the point of trying again"


def reported(taken: list[FileRecord], rows: Any = None, first: int = 0, **given: Any) -> list[AttentionRecord]:
    return [*processed(taken, rows, attention_from=lambda _: first, **given).attention]


# -- what is taken for a disclosure


@pytest.mark.parametrize(
    ("text", "reason"), [*((text, "self_harm") for text in SELF_HARM), *((text, "abuse") for text in ABUSE)]
)
def test_what_pupils_write_of_harm_is_reported(text: str, reason: AttentionReason) -> None:
    found = reported(records([raw("reflection", text=text)]))

    assert reason in {each.reason for each in found}


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_what_may_be_meant_otherwise_is_reported(text: str) -> None:
    assert disclosures_in(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_idioms_games_and_accidents_are_not_reported(text: str) -> None:
    assert not disclosures_in(text)


@needs("empathic_reactions")
def test_few_real_texts_are_reported() -> None:
    found, texts = stopped()

    assert 0 < found["any"] < 0.01 * texts


# -- what is reported


def test_a_record_names_the_event_and_nothing_of_what_was_written() -> None:
    found = reported(records([raw("message", text=DISCLOSURE, minute=-3)]))

    assert [each.reason for each in found] == ["self_harm", "abuse"]
    assert {(each.student_id, each.event_id) for each in found} == {("ada", "ada-message--3")}
    assert {(NOW - each.event_time).total_seconds() for each in found} == {180}
    assert len({each.attention_id for each in found}) == 2
    written = msgspec.json.encode(found)
    assert not any(word in written for word in (b"hits", b"die", b"trying", b"dad"))


def test_an_id_is_the_same_whenever_it_is_made_and_another_of_another_event() -> None:
    one, other = raw("message", text=DISCLOSURE), raw("message", text=DISCLOSURE, minute=1)
    first, again = reported(records([one])), reported([record(one, 70, timestamp=NOW_MS + 5)])

    assert first == again
    assert not {each.attention_id for each in first} & {each.attention_id for each in reported(records([other]))}
    assert first[0].attention_id == "e628f07fbcd9db655281e0dbd5708187", "ids that were given must not change"


def test_a_time_from_the_future_is_the_records() -> None:
    [found] = reported([record(raw("message", text="I want to die", minute=500), timestamp=NOW_MS)])

    assert found.event_time == NOW


# -- where


def test_the_topic_is_made_with_the_others_and_only_where_it_is_named() -> None:
    off, on = Settings(topic_prefix="p."), Settings(topic_prefix="p.", attention_topic="care", partitions=8)

    assert Channels.of(off).attention == ""
    made = {spec.name: spec for spec in Channels.of(on).specs(on)}
    assert made.keys() - {spec.name for spec in Channels.of(off).specs(off)} == {"p.care"}
    assert (made["p.care"].partitions, made["p.care"].config) == (8, ATTENTION.config)


# -- when


def test_nothing_is_reported_unless_it_is_asked_for() -> None:
    assert processed(records([raw("message", text=DISCLOSURE)])).attention == []


def test_a_repeat_is_not_reported() -> None:
    value = raw("message", text=DISCLOSURE)
    told_twice = [raw("message", text=DISCLOSURE, event_id=name, act_ids=["@act"]) for name in "ab"]

    assert len(reported(records([value, value]))) == 2
    assert {each.event_id for each in reported(records(told_twice))} == {"a"}


@given(st.lists(st.sampled_from([DISCLOSURE, "I hope it rains", None]), max_size=8), st.integers(1, 8))
def test_the_same_is_reported_however_records_are_cut_into_batches(texts: list[str | None], size: int) -> None:
    taken = records([raw(minute=n) if t is None else raw("message", text=t, minute=n) for n, t in enumerate(texts)])
    rows = PartitionedRows()
    found: list[AttentionRecord] = []
    for start in range(0, len(taken), size):
        result = processed(taken[start : start + size], rows, attention_from=lambda _: 0)
        rows.put_many(0, result.rows)
        found += result.attention

    assert found == (reported(taken) if taken else [])


def test_after_a_crash_it_is_reported_again_with_the_same_ids() -> None:
    taken = records([raw("message", text=DISCLOSURE), raw(minute=1)])
    first = processed(taken, attention_from=lambda _: 0)
    rows = {key.decode(): row for key, row in first.rows.items() if row}

    again = processed(taken, rows, attention_from=lambda _: 0)

    assert again.counts.replayed == 2
    assert [*again.attention] == [*first.attention] != []


def test_what_stands_too_far_into_a_text_to_be_read_is_not_reported_after_a_crash_either() -> None:
    taken = records([raw("message", text=f"<p>{'ok ' * 8_000}I want to die</p>")])
    first = processed(taken, attention_from=lambda _: 0)
    rows = {key.decode(): row for key, row in first.rows.items() if row}

    again = processed(taken, rows, attention_from=lambda _: 0)

    assert again.counts.replayed == 1
    assert [*again.attention] == [*first.attention] == []


@pytest.mark.parametrize("first", [0, 1, 2])
def test_what_was_folded_before_a_rebuild_is_not_reported_again(first: int) -> None:
    taken = records([raw("message", text="I want to die", minute=n) for n in range(2)])

    assert [each.event_id for each in reported(taken, first=first)] == ["ada-message-0", "ada-message-1"][first:]


def test_of_a_student_who_was_erased_nothing_from_before_is_reported() -> None:
    rows = {"ada": encode_row(Row(offset=3, erased_us=NOW_US))}
    values = [raw("message", text=DISCLOSURE, minute=-n, event_id=f"e{n}") for n in range(3)]
    replayed, late, new = (
        record(value, offset, timestamp=NOW_MS + later)
        for value, offset, later in zip(values, (2, 4, 5), (0, 0, 1), strict=True)
    )

    assert {each.event_id for each in reported([replayed, late, new], rows)} == {"e2"}


def test_a_void_takes_nothing_back() -> None:
    written = raw("message", text="I want to die", voidable=True, event_id="e1")
    void = raw("voided", voided_id="e1", minute=1)

    assert [each.event_id for each in reported(records([written, void]))] == ["e1"]
    assert [each.event_id for each in reported(records([void, raw(), written]))] == ["e1"]


def test_an_event_on_a_foreign_partition_is_reported_by_its_owner_alone() -> None:
    taken = [replace(each, partition=1) for each in records([raw("message", text="I want to die")])]

    assert processed(taken, attention_from=lambda _: 0, owning_partition=lambda _: 0).attention == []
    assert len(reported(taken, owning_partition=lambda _: 1)) == 1


# -- what never leaves


def test_nothing_of_a_disclosure_is_in_what_a_reasoning_model_is_asked() -> None:
    text = "I kept trying, how do you feel, I want to die, what's the point"
    told = raw("message", text=text, minute=2, in_reply_to="m1", event_id="told")
    [update] = processed(records([raw(), told]), scores=True).updates.values()
    [without] = processed(records([raw()]), scores=True).updates.values()

    assert evidence_of(update) == evidence_of(without) != []
    question = Prompt(default_skills()).question(read_update(update))
    asked = render(question.request)[1]["content"]
    assert "passed a task" in asked
    assert not any(words in asked for words in ("kept trying", "how do you feel", "die", "phrase"))


def test_what_a_disclosure_stands_beside_is_explained_as_ever() -> None:
    harmless = raw("message", text="how do you feel about it, I want to know", minute=2, in_reply_to="m1")
    told = raw("message", text="I want to die, how do you feel about it", minute=3, in_reply_to="m1")
    [update] = processed(records([raw(), harmless, told]), scores=True).updates.values()
    [without] = processed(records([raw(), harmless]), scores=True).updates.values()

    assert ("replied", "2026-03-02T12:02:00.000Z") in evidence_of(without)
    assert evidence_of(update) == evidence_of(without)


def evidence_of(update: bytes) -> list[tuple[str, str]]:
    said = read_update(update)
    return [(item.fact, said.time_of(item)) for each in said.skills.values() for item in each.evidence]
