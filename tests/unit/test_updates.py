"""What is published of a batch: the same, to the byte, as objects written out one by one."""

import asyncio
import dataclasses
from collections.abc import Collection, Sequence
from functools import cache

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import encode_entry, read_entry
from schemas.event import NativeEvent
from schemas.update import SkillUpdate, read_update
from streams.evidence.artifacts import Card
from streams.evidence.registry import make_sources, types_of
from streams.evidence.source import Estimate, Source
from streams.pipeline import Pipeline
from streams.replay import FileRecord, Replay
from streams.rows.row_batch import RowBatch
from streams.scoring.json_columns import numbers, numerals
from streams.skills.skill_set import SkillSet
from tests.artifacts import of_a_former_trainer
from tests.events import default_skills, event, folded, scores_of, updates_about
from tests.unit.reference_updates import encoded, updates
from tests.unit.strategies import streams

ARTIFACT = of_a_former_trainer()


class Broken:
    """A source that always fails."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def estimate(self, row_batch: RowBatch) -> Estimate:
        raise ConnectionError(self.name)


@cache
def default_pipeline(failing: tuple[str, ...] = ()) -> Pipeline:
    return pipeline_of(default_skills(), failing)


def pipeline_of(skill_set: SkillSet, failing: Collection[str] = ()) -> Pipeline:
    sources = make_sources(types_of(skill_set), skill_set, ARTIFACT)
    with_faults: list[Source] = [Broken(each.name) if each.name in failing else each for each in sources]
    return Pipeline(skill_set, ARTIFACT, on_failure=lambda _source, _error: None, sources=with_faults)


def assert_as_meant(students: Sequence[str], row_batch: RowBatch, failing: Collection[str] = ()) -> None:
    pipeline = default_pipeline(tuple(sorted(failing)))
    scored = asyncio.run(pipeline.score(row_batch))

    written = pipeline.write([student.encode() for student in students], scored)

    meant = updates(students, row_batch, scored, default_skills(), ARTIFACT)
    assert list(map(read_update, written)) == meant
    assert written == list(map(encoded, meant))
    assert scored.degraded == sum(bool(update.degraded) for update in meant)


@settings(max_examples=60, deadline=None)
@given(taken=streams(), failing=st.sets(st.sampled_from(["model", "language", "behaviour"])))
def test_updates_of_a_stream_are_those_that_are_meant(taken: list[FileRecord], failing: set[str]) -> None:
    replay = Replay(default_pipeline())
    asyncio.run(replay.feed(taken))
    held = dict(replay.rows.items(0))

    assert_as_meant([key.decode() for key in held], RowBatch.of(list(held.values()), default_skills().names), failing)


def test_a_number_that_rounds_to_zero_has_no_sign() -> None:
    values = np.array([-1e-9, 0.0, -0.5])

    assert numbers(values) == [b"0.0", b"0.0", b"-0.5"]
    assert numerals(np.round(values, 3)) == [b"0", b"0", b"-0.5"]


@pytest.mark.parametrize("text", ['a "quoted" name', "100 %b of \\ it", "héllo 😀\u2028", "{}"])
def test_names_and_words_are_written_as_json_whatever_they_hold(text: str) -> None:
    skill_set = default_skills()
    basis = {name: msgspec.structs.replace(skill, basis=text) for name, skill in skill_set.skills.items()}
    worded = msgspec.structs.replace(skill_set, skills=basis)
    row_batch = RowBatch.of_rows([folded(CONTROLS)], worded.names)

    pipeline = pipeline_of(worded)
    [update] = updates_about(pipeline, [text], row_batch)

    assert isinstance(update, SkillUpdate)
    assert update.student_id == text
    entry = read_entry(encode_entry(pipeline.scorer.catalogue_entry))
    assert [entry.rests_on(name, score) for name, score in scores_of(update).items()] == [text]


PISA = "a model trained on PISA 2012 'climate control' (solved or not)"
PHRASES, INDICATORS = "phrases chosen by hand", "indicators chosen by hand"
CONTROLS = event("control", task_id="t", controls={"a": 1.0, "b": 0.0}, changed=1, duration_s=3.0)
SOLVED = [event("attempt", event_id=f"solved-{n}", item_id=f"q{n}", score=1.0) for n in range(20)]
WROTE = event("message", event_id="wrote", text="I figured out why, step by step.")
RESTING: dict[str, tuple[list[NativeEvent], tuple[str, ...], str, bool]] = {
    "all": ([CONTROLS, *SOLVED, WROTE], (), f"{PISA} and {PHRASES} and {INDICATORS}", False),
    "no text": ([CONTROLS, *SOLVED], (), f"{PISA} and {INDICATORS}", False),
    "a simulation alone": ([CONTROLS], (), PISA, True),
    "the others fail": ([CONTROLS, *SOLVED, WROTE], ("language", "behaviour"), PISA, True),
}
"""Events, the sources that fail; what the score rests on, and whether the model carries it."""


@pytest.mark.parametrize("case", RESTING)
def test_a_score_is_said_to_rest_on_what_it_rests_on_for_this_student(case: str) -> None:
    events, failing, words, validated = RESTING[case]
    row_batch = RowBatch.of_rows([folded(*events)], default_skills().names)
    pipeline = pipeline_of(default_skills(), failing)
    [update] = updates_about(pipeline, ["ada"], row_batch)
    skill = scores_of(update)["problem_solving"]
    assert pipeline.scorer.catalogue_entry.rests_on("problem_solving", skill) == words
    assert skill.validated == validated


PROFILED: dict[str, tuple[list[NativeEvent], tuple[str, ...]]] = {
    "no simulation": ([*SOLVED, WROTE], ()),
    "answers alone": ([*SOLVED], ()),
    "a text alone": ([WROTE], ()),
    "the model fails": ([CONTROLS, *SOLVED, WROTE], ("model",)),
}
"""Events, and the sources that fail."""


@pytest.mark.parametrize("case", PROFILED)
def test_without_the_model_there_is_no_score(case: str) -> None:
    events, failing = PROFILED[case]
    row_batch = RowBatch.of_rows([folded(*events)], default_skills().names)
    [update] = updates_about(pipeline_of(default_skills(), failing), ["ada"], row_batch)
    assert not scores_of(update)
    assert update.skills["problem_solving"].kind == "profile"


def test_a_model_without_a_weight_makes_no_score() -> None:
    skill_set = default_skills()
    skill = skill_set.skills["problem_solving"]
    unweighted = msgspec.structs.replace(skill, weights={"model": 0.0, "language": 1.0, "behaviour": 0.0})
    skills = {**skill_set.skills, "problem_solving": unweighted}
    artifact = dataclasses.replace(ARTIFACT, card=without_fit(ARTIFACT.card))
    pipeline = Pipeline(
        msgspec.structs.replace(skill_set, skills=skills), artifact, on_failure=lambda _source, _error: None
    )
    rows = RowBatch.of_rows([folded(CONTROLS, *SOLVED, WROTE)], default_skills().names)
    [update] = updates_about(pipeline, ["ada"], rows)
    assert update.skills["problem_solving"].kind == "profile"


def without_fit(card: Card) -> Card:
    """The card, its skills' weights left to the skills file."""
    skills = {name: msgspec.structs.replace(skill, fusion=None) for name, skill in card.skills.items()}
    return msgspec.structs.replace(card, skills=skills)


def test_no_students_have_no_updates() -> None:
    row_batch = RowBatch.of([], default_skills().names)

    scored = asyncio.run(default_pipeline().score(row_batch))

    assert scored.fused.score.shape == (0, len(default_skills().names))
    assert (default_pipeline().write([], scored), scored.degraded) == ([], 0)
