"""A remote source is verified by what it said in the updates, and never asked again."""

from dataclasses import replace

import msgspec
import pytest

from schemas.update import SkillUpdate
from streams.evidence.artifacts import NO_ARTIFACT, SkillCard
from streams.evidence.outcome_intervals import IntervalEnds, OutcomeIntervals
from streams.pipeline import Pipeline
from streams.verification.rescoring import Rescoring
from tests.events import scores_of
from tests.unit import a_source
from tests.unit.installed_source import URL, School, school
from tests.unit.verified import World, changed, rescored

__all__ = ["school"]


def world_of(school: School, outcome_intervals: OutcomeIntervals | None = None, *, trained: bool = True) -> World:
    """Six students, of whom the service thought differently from batch to batch; now it is away."""
    school.patch.setattr(a_source, "STEADINESS", replace(a_source.STEADINESS, trained=trained))
    school.install()
    skills = school.skills(weight=0.7)
    card = SkillCard(
        file="",
        sha256="",
        features=(),
        labels="",
        examples=0,
        students=0,
        metrics={},
        outcome_intervals=outcome_intervals,
    )
    artifact = replace(
        NO_ARTIFACT, card=msgspec.structs.replace(NO_ARTIFACT.card, skills=dict.fromkeys(skills.names, card))
    )
    world = World(
        pipeline_of=lambda _: Pipeline(skills, artifact, on_failure=lambda _source, _error: None),
        rescoring=lambda: Rescoring(skills, artifact),
    )
    for number in range(60):
        world.event(f"s{number % 6}", score=number % 3 / 2)
    for begin, mind in zip(range(0, 60, 7), (0.9, 0.3, 0.77, 0.123456789, 0.5, 0.61, 0.999, 0.2, 0.05), strict=True):
        a_source.MINDS[URL] = mind
        if mind == 0.61:
            a_source.MINDS.clear()
        world.fold(world.input[begin : begin + 7])
    a_source.MINDS.clear()
    return world


def test_what_it_said_then_is_taken_from_the_updates(school: School) -> None:
    world = world_of(school)
    verdict = world.verify()

    assert verdict.kinds == []
    assert verdict.recorded == 6
    assert verdict.other_sources == 0


def test_an_interval_that_rests_on_what_it_said_is_taken_from_the_updates_too(school: School) -> None:
    widths = ((-0.1, -0.2, -0.3, -0.4),)
    ends = IntervalEnds(low=widths, high=((0.1, 0.2, 0.3, 0.4),))
    table = OutcomeIntervals(
        prior_width=0.9, evidence_edges=(), said_edges=(0.3, 0.55, 0.8), ends={"behaviour+steadiness": ends}
    )
    world = world_of(school, table)
    last = [score for number in range(6) for score in scores_of(world.last_update(f"s{number}")).values()]

    assert all(score.high is not msgspec.UNSET for score in last)
    assert len({score.confidence for score in last}) > 1
    assert world.verify().kinds == []


def test_what_it_said_of_a_profile_is_kept_there_and_taken_from_there(school: School) -> None:
    world = world_of(school, trained=False)
    last = world.last_update("s1")

    assert not scores_of(last)
    assert {skill.contributions.keys() == {"steadiness"} for skill in last.skills.values()} == {True}
    assert world.verify().kinds == []
    assert world.verify().recorded == 6


def test_an_update_without_it_is_compared_without_it(school: School) -> None:
    world = world_of(school)
    a_source.MINDS.clear()
    world.event("s0", score=1.0)
    world.fold(world.input[-1:])

    assert world.last_update("s0").degraded == ["steadiness"]
    assert world.verify().kinds == []
    assert world.verify().recorded == 5


def test_a_score_that_is_not_what_all_said_is_found(school: School) -> None:
    world = world_of(school)
    world.say(rescored(world.last_update("s3"), 0.01))

    assert world.verify().kinds == [("s3", "update")]


@pytest.mark.parametrize("column", ["log_odds", "n"])
def test_a_part_of_its_own_that_was_changed_is_found(school: School, column: str) -> None:
    world = world_of(school)
    world.say(with_part(world.last_update("s2"), **{column: 3.5}))

    assert world.verify().kinds == [("s2", "update")]


def test_a_row_scored_when_it_thought_otherwise_is_told_from_a_wrong_one(school: School) -> None:
    world = world_of(school)
    row = world.rows["s1"]
    world.write(
        "s1", changed(row, skills={code: changed_score(skill_state) for code, skill_state in row.skills.items()})
    )
    verdict = world.verify()

    assert verdict.kinds == []
    assert verdict.other_sources == 1


def changed_score(skill_state: msgspec.Struct) -> msgspec.Struct:
    return msgspec.structs.replace(skill_state, score=0.5)


def with_part(update: SkillUpdate, **columns: float) -> SkillUpdate:
    name, skill = next(iter(update.skills.items()))
    parts = {**skill.contributions, "steadiness": msgspec.structs.replace(skill.contributions["steadiness"], **columns)}
    return msgspec.structs.replace(
        update, skills={**update.skills, name: msgspec.structs.replace(skill, contributions=parts)}
    )
