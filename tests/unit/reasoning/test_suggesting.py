"""One thing to try: the first suggestion that answers what the claims cite, in every explanation, the model's too."""

import json
from typing import Any

import pytest
from msgspec import UNSET

from schemas.explanation import Explanation
from schemas.update import SkillUpdate
from streams.reasoning.assembly import assemble
from streams.reasoning.model import template
from streams.reasoning.request.prompt import Prompt, render
from streams.skills.skills_file import load_skills
from tests.events import default_skills
from tests.servers.openai import LoopbackOpenAI
from tests.unit.reasoning.rig import Rig
from tests.unit.reasoning.samples import evidence, profile, rate, scored, update


def templated(about: SkillUpdate, skills: str = "default", moved: set[str] | None = None) -> Explanation:
    question = Prompt(load_skills(skills)).question(about, moved)
    return assemble(about, question, template.draft_of(question.skills), "template", "t", "2026-11-22T08:00:00Z")


def suggested(skill: str, known: Any, skills: str = "default") -> str:
    [explained] = templated(update(**{skill: known}), skills).skills
    return explained.suggestion if isinstance(explained.suggestion, str) else ""


def test_a_low_rate_is_answered_by_what_is_for_low_ones_and_a_high_one_by_what_is_general() -> None:
    low = suggested("resilience", profile(rates=(rate("tries_again_after_failing", 1, 4),)))
    high = suggested("resilience", profile(rates=(rate("tries_again_after_failing", 4, 4),)))
    assert low.startswith("Offer a new try at a failed task")
    assert high.startswith("When the learner comes back to a task")


def test_of_too_few_to_be_few_or_many_nothing_particular_is_suggested() -> None:
    assert suggested("resilience", profile(rates=(rate("tries_again_after_failing", 0, 2),))).startswith("When the")


def test_a_high_rate_of_what_speaks_against_a_skill_is_answered_by_what_is_for_high_ones() -> None:
    assert "given up" in suggested("resilience", profile(rates=(rate("gives_up", 3, 4),)))


def test_a_fact_that_was_seen_is_answered_and_so_is_what_a_phrase_meant() -> None:
    gave_up = profile(evidence("gave_up", 1.0, -1), rates=())
    wrote = profile(evidence("~too hard", -0.6, -1), rates=())
    assert "given up" in suggested("resilience", gave_up)
    assert suggested("resilience", wrote).startswith("Ask which part was too hard")


@pytest.mark.parametrize(("mark", "begins"), [(0.3, "Go through a piece of marked work"), (0.9, "Ask how the course")])
def test_a_mark_is_low_below_what_is_expected_of_somebody_unknown(mark: float, begins: str) -> None:
    marked = scored(items=(evidence("marked", mark),))
    assert suggested("course_success", marked, "course_success").startswith(begins)


@pytest.mark.parametrize(("level", "begins"), [("emerging", "Go back to a part"), ("proficient", "Move on to a new")])
def test_a_skill_without_facts_is_answered_by_its_level(level: Any, begins: str) -> None:
    assert suggested("mastery", scored(0.3, 0.6, level), "mastery").startswith(begins)


def test_nothing_is_suggested_for_a_skill_of_which_nothing_is_known_or_that_did_not_move() -> None:
    assert suggested("mastery", scored(0.5, 0.0, "unknown"), "mastery") == ""
    both = update(resilience=profile(), adaptability=profile(evidence("recovered", 2.0), rates=()))
    of = {each.skill: each.suggestion for each in templated(both, moved={"adaptability"}).skills}
    assert of["resilience"] is UNSET
    assert isinstance(of["adaptability"], str)


def test_the_model_writes_no_suggestion_and_is_not_told_of_any() -> None:
    request = Prompt(default_skills()).question(update(resilience=profile(evidence("gave_up", 1.0, -1)))).request
    assert "given up, and agree" not in json.dumps(render(request))


async def test_a_models_explanation_has_suggestions_of_the_skills_file_too(server: LoopbackOpenAI, rig: Rig) -> None:
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "model"
    assert [skill.suggestion for skill in explanation.skills] == ["Come back to it on another day.", UNSET, UNSET]
