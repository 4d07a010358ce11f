"""What is published of a batch: the same, to the byte, as objects written out one by one."""

import asyncio
from collections.abc import Collection, Sequence
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.update import SkillUpdate
from streams.artifacts import load_artifact
from streams.block import Block
from streams.evidence.source import Opinion, Source
from streams.pipeline import Pipeline, default_sources
from streams.replay import FileRecord, Replay
from streams.skills import SkillSet
from tests.events import default_skills, event, folded
from tests.unit.reference_updates import updates
from tests.unit.strategies import streams

ARTIFACT = load_artifact("default")


class Broken:
    """A source that always fails."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def judge(self, block: Block) -> Opinion:
        raise ConnectionError(self.name)


@cache
def default_pipeline(failing: tuple[str, ...] = ()) -> Pipeline:
    return pipeline_of(default_skills(), failing)


def pipeline_of(skill_set: SkillSet, failing: Collection[str] = ()) -> Pipeline:
    sources = default_sources(skill_set, ARTIFACT)
    with_faults: list[Source] = [Broken(each.name) if each.name in failing else each for each in sources]
    return Pipeline(skill_set, ARTIFACT, on_failure=lambda _source, _error: None, sources=with_faults)


def assert_as_meant(students: Sequence[str], block: Block, failing: Collection[str] = ()) -> None:
    pipeline = default_pipeline(tuple(sorted(failing)))
    judgement = asyncio.run(pipeline.judge(block))

    written = pipeline.writer.write(students, block, judgement)

    meant = updates(students, block, judgement, default_skills(), ARTIFACT)
    assert written == [msgspec.json.encode(update) for update in meant]
    assert judgement.degraded == sum(bool(update.degraded) for update in meant)


@settings(max_examples=60, deadline=None)
@given(taken=streams(), failing=st.sets(st.sampled_from(["model", "language", "behaviour"])))
def test_updates_of_a_stream_are_those_that_are_meant(taken: list[FileRecord], failing: set[str]) -> None:
    replay = Replay(default_pipeline())
    asyncio.run(replay.feed(taken))
    held = dict(replay.rows.items(0))

    assert_as_meant([key.decode() for key in held], Block.of(list(held.values()), default_skills().names), failing)


@pytest.mark.parametrize("text", ['a "quoted" name', "100 %b of \\ it", "héllo 😀\u2028", "{}"])
def test_names_and_words_are_written_as_json_whatever_they_hold(text: str) -> None:
    skill_set = default_skills()
    basis = {name: msgspec.structs.replace(skill, basis=text) for name, skill in skill_set.skills.items()}
    worded = msgspec.structs.replace(skill_set, skills=basis)
    block = Block.of_rows([folded(event("attempt", score=1.0))], worded.names)

    pipeline = pipeline_of(worded)
    [update] = asyncio.run(pipeline.score([text], block))

    assert isinstance(update, SkillUpdate)
    assert update.student_id == text
    assert {skill.rests_on for skill in update.skills.values()} == {text}


def test_no_students_have_no_updates() -> None:
    block = Block.of([], default_skills().names)

    judgement = asyncio.run(default_pipeline().judge(block))

    assert judgement.fused.score.shape == (0, len(default_skills().names))
    assert (default_pipeline().writer.write([], block, judgement), judgement.degraded) == ([], 0)
