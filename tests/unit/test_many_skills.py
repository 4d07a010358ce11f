"""More skills than a student has evidence of: rows hold those with evidence, the same however batches are cut."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.bounds import MAX_SKILLS
from schemas.event import NativeEvent
from schemas.explanation import ReasoningResult
from schemas.reasoning_result import read_result
from schemas.update import read_update
from streams.evidence.artifacts import load_artifact
from streams.folding.fold import Folding
from streams.folding.history import FoldOutcome
from streams.pipeline import Pipeline
from streams.reasoning.policy.explained import note_result
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import MAX_SKILL_STATES, MAX_VOIDABLE, MAX_VOIDABLE_OF_EVENT, Row, SkillState
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import SkillsError, SkillSet
from streams.skills.skills_file import load_skills
from streams.vocabulary import skill_code
from tests.events import NOW_US, default_skills, event, fail_source
from tests.skill_sets import phrase, skill_set_of, skills_file, topic, topics_of
from tests.unit.reference_folding import ReferenceFolding
from tests.unit.reference_updates import encoded, updates
from tests.unit.row_strategies import FOREIGN, rows
from tests.unit.strategies import cuts

LATER_US: Final = NOW_US + 3_600_000_000
MOST: Final = skill_set_of(MAX_SKILLS)
ARTIFACT: Final = load_artifact("default")
ALL_PHRASES: Final = " and ".join(phrase(number) for number in topics_of(MAX_SKILLS))


def of_every_text(skill_set: SkillSet) -> SkillSet:
    """The same, where every text says something of every skill."""
    skills = {name: msgspec.structs.replace(skill, per_text=-0.1) for name, skill in skill_set.skills.items()}
    return msgspec.structs.replace(skill_set, skills=skills)


@dataclass
class Ada:
    """A student of a skill set; each call is a batch, and the row is stored in between."""

    skill_set: SkillSet
    stored: bytes | None = None

    def fold(self, *noted: NativeEvent) -> list[FoldOutcome]:
        """Fold one batch."""
        folding = Folding.of(self.skill_set)
        row_batch = RowBatch.of([self.stored], folding.names)
        folded = folding.fold(row_batch, [0] * len(noted), noted, [LATER_US] * len(noted))
        [self.stored] = row_batch.encode()
        return folded.outcomes

    @property
    def row(self) -> Row:
        """What is stored."""
        return decode_row(self.stored or encode_row(Row()))


# -- the skills file


def written(folder: Path, text: str) -> str:
    path = folder / "skills.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("skills", [8, 9, 63, MAX_SKILLS])
def test_a_skills_file_may_have_as_many_skills_as_the_limit(tmp_path: Path, skills: int) -> None:
    assert len(load_skills(written(tmp_path, skills_file(skills))).names) == skills


@pytest.mark.parametrize("skills", [MAX_SKILLS + 1, 300])
def test_a_skills_file_of_more_skills_is_refused_with_the_limit(tmp_path: Path, skills: int) -> None:
    path = written(tmp_path, skills_file(skills))

    with pytest.raises(SkillsError, match=rf"{path}: skills: has {skills} entries, 1\.\.{MAX_SKILLS} are allowed"):
        load_skills(path)


# -- rows


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_rows_of_any_number_of_skills_come_out_as_they_went_in_in_whatever_order_the_file_names_them(
    data: st.DataObject,
) -> None:
    names = MOST.names[: data.draw(st.integers(1, MAX_SKILLS))]
    codes = st.sampled_from([skill_code(name) for name in names])
    several = data.draw(st.lists(rows(codes | FOREIGN, most_skills=MAX_SKILLS), min_size=1, max_size=4))
    stored = [RowBatch.of([encode_row(row)], names).encode()[0] for row in several]

    assert [decode_row(row) for row in stored] == several
    assert RowBatch.of(stored, tuple(data.draw(st.permutations(names)))).encode() == stored


def test_a_row_holds_the_skills_with_evidence_and_no_others() -> None:
    ada = Ada(MOST)

    ada.fold(
        event("message", text=f"I {phrase(3)}, and I {phrase(41)}."),
        event("rubric", skill=topic(50), rating=0.9),
    )

    assert ada.row.skills.keys() == {skill_code(topic(number)) for number in (3, 41, 50)}


def test_what_is_scored_holds_no_more_skills_than_its_update_has() -> None:
    ada = Ada(MOST)
    ada.fold(event("message", text=f"I think that I {phrase(3)}"), event("attempt", score=0.4))
    pipeline = Pipeline(MOST, ARTIFACT, on_failure=fail_source)
    row_batch = RowBatch.of([ada.stored], MOST.names)

    scored = asyncio.run(pipeline.score(row_batch))
    [update] = map(read_update, pipeline.write([b"ada"], scored))

    assert topic(3) in update.skills
    assert len(update.skills) < len(default_skills().names) + 2
    [stored] = scored.rows.encode()
    assert {skill_code(name) for name in update.skills} >= decode_row(stored).skills.keys()


def test_skills_that_leave_the_file_are_kept_until_they_come_back() -> None:
    ada = Ada(MOST)
    ada.fold(event("message", text=ALL_PHRASES))
    before = ada.row.skills
    others = {skill_code(name) for name in default_skills().names}

    ada.skill_set = default_skills()
    ada.fold(event("message", event_id="later", text="I think it is so sad"))
    left = {skill: skill_state for skill, skill_state in ada.row.skills.items() if skill not in others}
    ada.skill_set = MOST
    ada.fold(event("message", event_id="last", text=f"I think that I {phrase(0)}"))

    assert left == {skill: skill_state for skill, skill_state in before.items() if skill not in others}
    assert len(left) == len(topics_of(MAX_SKILLS))
    assert ada.row.skills[skill_code(topic(0))].text_n > left[skill_code(topic(0))].text_n


def test_many_rows_with_skills_of_another_file_each_keep_their_own() -> None:
    """Some rows have none, one has nothing else."""
    shown = {skill_code(name): SkillState(score=0.5) for name in default_skills().names}
    foreign = [{number: SkillState(score=number / 100) for number in range(1, count)} for count in (1, 4, 1, 65, 2)]
    several = [Row(skills=shown | skill_states) for skill_states in foreign] + [Row(skills=foreign[3])]

    row_batch = RowBatch.of([encode_row(row) for row in several], default_skills().names)

    assert [decode_row(row) for row in row_batch.encode()] == several
    assert [decode_row(row) for row in row_batch.take([4, 0, 3]).encode()] == [several[4], several[0], several[3]]


# -- folding


@st.composite
def noted(draw: st.DrawFn, *, voids: bool) -> list[NativeEvent]:
    """Events of one student: texts of some topics or of all, ratings, answers, and voids of these."""
    some = st.lists(st.sampled_from(topics_of(MAX_SKILLS)), max_size=4)
    texts = some.map(lambda numbers: "It was I who " + " and ".join(phrase(number) for number in numbers)) | st.just(
        ALL_PHRASES
    )
    made = []
    for number in range(draw(st.integers(1, 12))):
        given_: dict[str, Any] = {
            "event_id": str(number),
            "voidable": voids,
            "minute": -float(draw(st.integers(0, 10**6))),
        }
        kind = draw(st.sampled_from(["message", "rubric", "attempt", "collaboration", *["voided"] * 3 * voids]))
        if kind == "message":
            given_["text"] = draw(texts)
        elif kind == "rubric":
            given_ |= {"skill": draw(st.sampled_from(MOST.names)), "rating": draw(st.floats(0, 1))}
        elif kind == "collaboration":
            given_["act"] = "helped"
        elif kind == "voided":
            given_ = {"event_id": f"void {number}", "voided_id": str(draw(st.integers(0, number)))}
        made.append(event(kind, **given_))
    return made


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_bit_is_as_if_folded_one_by_one_however_events_are_cut(data: st.DataObject) -> None:
    skill_set = data.draw(st.sampled_from([MOST, of_every_text(MOST)]))
    ada, expected = Ada(skill_set), Row()
    reference = ReferenceFolding.of(skill_set)

    for batch in data.draw(cuts(data.draw(noted(voids=False)))):
        ada.fold(*batch)
        for one in batch:
            reference.fold(expected, one, LATER_US)

    assert ada.stored == encode_row(expected)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_voids_come_to_the_same_however_events_are_cut(data: st.DataObject) -> None:
    skill_set = data.draw(st.sampled_from([MOST, of_every_text(MOST)]))
    events = data.draw(noted(voids=True))
    at_once, in_batches = Ada(skill_set), Ada(skill_set)

    outcomes = at_once.fold(*events)

    assert [outcome for batch in data.draw(cuts(events)) for outcome in in_batches.fold(*batch)] == outcomes
    assert in_batches.stored == at_once.stored


def test_a_text_that_speaks_of_every_skill_can_be_voided_whole() -> None:
    ada, other = Ada(of_every_text(MOST)), Ada(of_every_text(MOST))
    first = event("session")
    for either in (ada, other):
        either.fold(first)

    ada.fold(event("message", event_id="x", text=ALL_PHRASES, voidable=True))
    held = len(ada.row.voidable) // 32
    assert ada.fold(event("voided", event_id="v", voided_id="x")) == [FoldOutcome.APPLIED]

    assert MAX_SKILLS < held <= MAX_VOIDABLE_OF_EVENT
    assert ada.row.facts == other.row.facts
    assert {skill_state.text_n for skill_state in ada.row.skills.values()} <= {0.0}
    assert not any(skill_state.evidence_items for skill_state in ada.row.skills.values())


def test_an_act_of_which_a_text_of_every_skill_tells_is_free_once_that_is_voided() -> None:
    ada = Ada(of_every_text(MOST))
    first = event("message", event_id="x", text=ALL_PHRASES, voidable=True, act_ids=["a"])
    again = event("message", event_id="y", text=ALL_PHRASES, act_ids=["a"])

    outcomes = ada.fold(first, event("voided", event_id="v", voided_id="x"), again)

    assert outcomes == [FoldOutcome.APPLIED] * 3


def test_of_several_voidable_events_no_more_are_held_than_of_few_skills() -> None:
    ada = Ada(MOST)
    for number in range(MAX_VOIDABLE):
        ada.fold(event("message", event_id=str(number), text=ALL_PHRASES, voidable=True))

    voids = [event("voided", event_id=f"v{number}", voided_id=str(number)) for number in range(MAX_VOIDABLE)]

    assert ada.fold(*voids) == [FoldOutcome.IGNORED] * (MAX_VOIDABLE - 1) + [FoldOutcome.APPLIED]


# -- updates and explanations


@settings(max_examples=20, deadline=None)
@given(st.lists(noted(voids=False), min_size=1, max_size=3))
def test_updates_are_those_that_are_meant(several: list[list[NativeEvent]]) -> None:
    students = [Ada(MOST) for _ in several]
    for ada, events in zip(students, several, strict=True):
        ada.fold(*events)
    names = [str(number) for number in range(len(students))]
    row_batch = RowBatch.of([ada.stored for ada in students], MOST.names)
    pipeline = Pipeline(MOST, ARTIFACT, on_failure=fail_source)

    scored = asyncio.run(pipeline.score(row_batch))

    meant = [encoded(update) for update in updates(names, row_batch, scored, MOST, ARTIFACT)]
    assert pipeline.write([name.encode() for name in names], scored) == meant


def test_a_result_that_explains_every_skill_is_read_back() -> None:
    explained = dict.fromkeys(MOST.names, 0.25)
    result = ReasoningResult(
        version=1, student_id="ada", seq=(0, 5), outcome="explained", attempts=0, at_us=NOW_US, explained=explained
    )
    row = Row(offset=5, skills={skill_code(name): SkillState(score=0.5) for name in MOST.names})

    note_result(row, read_result(msgspec.json.encode(result)), MOST, PendingPolicy(), ())

    assert {skill_state.explained for skill_state in row.skills.values()} == {0.25}
    assert len(row.skills) == MAX_SKILLS <= MAX_SKILL_STATES
