"""An indicator speaks only where what it counts can occur: what a platform never sends is absent, not zero."""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from schemas.event import NativeEvent
from streams.evidence.artifacts import NO_ARTIFACT, Artifact, load_artifact
from streams.evidence.platforms import Platforms, is_settled, speaking
from streams.evidence.trained_on import TrainedOn
from streams.pipeline import Pipeline
from streams.skills.skill_set import Indicator, SkillsError, SkillSet
from streams.skills.skills_file import load_skills, skills_path
from streams.training.occurrences import Occurrences
from tests.events import event, fail_source, folded, row_batch_of

RETRIES: Final = ("failed", "gave_up", "recovered", "retried")


def rate(numerator: str, denominator: str) -> Indicator:
    """An indicator of facts named `a b`."""
    terms = [tuple(f"{fact}.n" for fact in facts.split()) for facts in (numerator, denominator)]
    return Indicator(name="rate", numerator=terms[0], denominator=terms[1], prior=0.5, weight=1.0)


def of_platforms(**facts: Sequence[str]) -> SkillSet:
    """The default skills, of platforms that state these facts."""
    return msgspec.structs.replace(
        load_skills("default"), platforms={name: tuple(each) for name, each in facts.items()}
    )


def scores(skill_set: SkillSet, events: Sequence[NativeEvent], artifact: Artifact = NO_ARTIFACT) -> dict[str, float]:
    """By skill how much evidence behaviour has of a student who did all that."""
    pipeline = Pipeline(skill_set, artifact, on_failure=fail_source)
    estimates = asyncio.run(pipeline.score(row_batch_of(folded(*events)))).estimates
    n = zip(skill_set.names, estimates["behaviour"].n[0].tolist(), strict=True)
    return {name: events for name, events in n if events > 0}


WRONG: Final = [event("attempt", minute=n, item_id=f"q{n}", score=0.0) for n in range(50)]


def test_fifty_wrong_answers_are_no_evidence_of_what_the_platform_never_sends() -> None:
    assert scores(load_skills("default"), WRONG).keys() == {"problem_solving"}


def test_fifty_log_ins_are_no_evidence_of_anything() -> None:
    sittings = [event("session", minute=n, phase="start") for n in range(50)]

    assert scores(load_skills("default"), sittings) == {}


def test_failures_speak_against_resilience_where_retries_are_known_to_occur() -> None:
    assert scores(of_platforms(quizzes=RETRIES), WRONG)["resilience"] == pytest.approx(50, rel=0.01)
    assert "resilience" not in scores(of_platforms(quizzes=["failed"], forum=["wrote"]), WRONG)


def test_one_retry_of_a_students_own_changes_nothing_about_what_speaks() -> None:
    again = event("retry", minute=60, item_id="q1")

    assert scores(load_skills("default"), [*WRONG, again]).keys() == {"problem_solving"}


@pytest.mark.parametrize(
    ("numerator", "denominator", "settled"),
    [
        ("attempted", "attempted", True),
        ("passed", "attempted", True),
        ("varied_one", "set_controls", True),
        ("marked attempted", "marked attempted", True),
        ("retried", "failed", False),
        ("passed", "attempted submitted", False),
        ("helped", "helped asked", False),
        ("hinted", "attempted", False),
    ],
)
def test_a_rate_is_settled_if_each_event_that_it_is_over_says_whether_it_counts(
    numerator: str, denominator: str, settled: bool
) -> None:
    assert is_settled(rate(numerator, denominator)) is settled


@pytest.mark.parametrize(
    ("platforms", "told"),
    [
        ({}, False),
        ({"a": RETRIES}, True),
        ({"a": ["failed"], "b": ["retried"]}, False),
        ({"a": RETRIES, "b": ["failed"]}, False),
        ({"a": RETRIES, "b": ["retried", "wrote"]}, True),
        ({"a": ["wrote"]}, False),
    ],
)
def test_every_platform_that_states_the_denominator_has_to_state_the_numerator(
    platforms: Mapping[str, Sequence[str]], told: bool
) -> None:
    assert Platforms(platforms).tell(rate("retried", "failed")) is told


def with_card(trained_on: TrainedOn | None, platforms: dict[str, tuple[str, ...]] | None = None) -> Artifact:
    """The default artifact with another card."""
    shipped = load_artifact("default")
    skill = msgspec.structs.replace(shipped.card.skills["problem_solving"], trained_on=trained_on)
    skills = {"problem_solving": skill}
    return dataclasses.replace(
        shipped, card=msgspec.structs.replace(shipped.card, skills=skills, platforms=platforms or {})
    )


def names(skill_set: SkillSet, artifact: Artifact, skill: str) -> set[str]:
    """The indicators of a skill that may speak."""
    return {indicator.name for indicator in speaking(skill_set, artifact)[skill]}


def test_beside_a_model_speak_only_indicators_that_could_speak_in_training() -> None:
    simulations = TrainedOn(facts=("set_controls", "varied_one"), ranges={})
    everything = of_platforms(lms=["attempted", "hinted", "set_controls", "varied_one"])

    for skill_set in (load_skills("default"), everything):
        assert names(skill_set, with_card(simulations), "problem_solving") == {"varies_one_thing_at_a_time"}
    assert "varies_one_thing_at_a_time" in names(load_skills("default"), with_card(None), "problem_solving")


def test_the_card_tells_what_occurs_unless_the_skills_file_does() -> None:
    artifact = with_card(None, {"quizzes": RETRIES})

    assert names(load_skills("default"), artifact, "resilience") == {"tries_again_after_failing", "gives_up"}
    assert not names(of_platforms(forum=["wrote"]), artifact, "resilience")


def test_a_platform_states_facts_that_there_are(tmp_path: Path) -> None:
    path = tmp_path / "skills.toml"
    text = skills_path("default").read_text(encoding="utf-8")
    path.write_text(f'{text}\n[platforms]\nlms = ["retried", "retryed"]\n', encoding="utf-8")

    with pytest.raises(SkillsError, match=r"skills.toml: platforms.lms: no fact 'retryed'; there are .*retried"):
        load_skills(str(path))


def test_platforms_are_part_of_the_version() -> None:
    versions = {load_skills("default").config_version, of_platforms(a=RETRIES).config_version}

    assert len(versions) == 2


def test_a_history_tells_by_source_which_facts_occur_in_it() -> None:
    occurrences = Occurrences()
    occurrences.note([event("attempt", score=0.0, source="quizzes"), event("collaboration", source="forum")])
    occurrences.note([event("attempt", minute=1, score=1.0, source="quizzes"), event("message", minute=2)])

    assert occurrences.facts() == {
        "": ("wrote",),
        "forum": ("helped",),
        "quizzes": ("attempted", "failed", "passed", "recovered", "retried"),
    }


def test_a_retry_on_one_platform_is_none_of_another() -> None:
    occurrences = Occurrences()
    occurrences.note([event("attempt", score=0.0, source="a"), event("attempt", minute=1, score=1.0, source="b")])

    assert occurrences.facts() == {"a": ("attempted", "failed"), "b": ("attempted", "passed")}
