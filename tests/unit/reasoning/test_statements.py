"""What a template tells of a skill: both sides, how sure, where it conflicts; and no sentence twice."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from schemas.explanation import Explanation, SkillExplanation
from schemas.update import Contribution, EvidenceItem, KnownSkill, SkillScore, SkillUpdate
from streams.reasoning.assembly import assemble
from streams.reasoning.model import template
from streams.reasoning.request.prompt import Prompt
from tests.events import default_skills
from tests.unit.reasoning.samples import evidence, profile, rate, scored, update

PROMPT = Prompt(default_skills())
PASSED, AGAIN = evidence("recovered", 3.0), evidence("retried", 1.0)
GAVE_UP = evidence("gave_up", 1.0, -1, "2026-11-22T07:00:00Z")


def update_of(**skills: Any) -> SkillUpdate:
    return update((0, 41), **skills)


def explained(about: SkillUpdate, moved: set[str] | None = None) -> Explanation:
    question = PROMPT.question(about, moved)
    return assemble(about, question, template.draft_of(question.skills), "template", "t", "2026-11-22T08:00:00Z")


def of_one(known: KnownSkill, name: str = "resilience") -> SkillExplanation:
    [skill] = explained(update_of(**{name: known})).skills
    return skill


def texts(skill: SkillExplanation) -> list[str]:
    return [claim.text for claim in skill.claims]


def low(*items: EvidenceItem, **changed: Any) -> SkillScore:
    return msgspec.structs.replace(scored(0.2, 0.5, "emerging", items), **changed)


def with_sources(**log_odds: float) -> dict[str, Contribution]:
    return {name: Contribution(status="ok", p=0.5, n=20, log_odds=pull) for name, pull in log_odds.items()}


def test_a_low_score_is_told_by_facts_against_the_skill_first_and_then_by_those_for_it() -> None:
    assert texts(of_one(low(PASSED, GAVE_UP, AGAIN))) == [
        "Gave up on a task (today), which speaks against resilience.",
        "Passed a task on try 3 (2 days ago), and tried a task again (2 days ago), which speaks for resilience.",
    ]
    assert [text[:6] for text in texts(of_one(scored(0.8, items=(PASSED, GAVE_UP))))] == ["Passed", "Gave u"]


def test_a_low_score_of_which_only_facts_for_the_skill_are_known_says_that_it_is_low_all_the_same() -> None:
    skill = of_one(low(PASSED))
    assert texts(skill) == ["Passed a task on try 3 (2 days ago), which speaks for resilience, yet the score is low."]
    assert skill.conflict == "The score for resilience counts all that was seen, not the last few events alone."
    high = of_one(scored(0.9, items=(GAVE_UP,)))
    assert texts(high) == ["Gave up on a task (today), which speaks against resilience, yet the score is high."]


def test_sources_that_pull_noticeably_in_opposite_directions_are_a_conflict() -> None:
    differing = low(PASSED, GAVE_UP, contributions=with_sources(model=-0.9, language=0.4))
    assert of_one(differing).conflict == (
        "The signs for resilience differ: what was written points up, the trained model points down."
    )
    slightly = low(PASSED, GAVE_UP, contributions=with_sources(model=-0.9, language=0.1))
    assert of_one(slightly).conflict is UNSET


def test_a_profile_whose_indicators_moved_in_opposite_ways_is_a_conflict() -> None:
    moved = (rate("tries_again_after_failing", 4, 8, 0.2), rate("gives_up", 3, 8, 0.2))
    assert of_one(profile(rates=moved)).conflict == "For resilience, the signs of late moved in opposite ways."
    same = (rate("tries_again_after_failing", 4, 8, 0.2), rate("gives_up", 3, 8, -0.2))
    assert of_one(profile(rates=same)).conflict is UNSET


def test_deeds_and_words_that_point_in_opposite_ways_are_a_conflict_and_both_are_told() -> None:
    wrote = evidence("~too hard", -0.6, -1)
    skill = of_one(profile(AGAIN, wrote, rates=(rate("tries_again_after_failing", 7, 8),)))
    assert skill.conflict == "For resilience, what was done points one way and what was written the other."
    assert texts(skill) == [
        "Came back to 7 of 8 failed tasks.",
        "Tried a task again (2 days ago), and wrote that it was too hard (2 days ago).",
    ]


@pytest.mark.parametrize(
    ("known", "begins"),
    [
        (low(PASSED, contributions={"a": Contribution(status="ok", n=4)}), "rests on 4 events, which is little"),
        (low(PASSED, contributions={"a": Contribution(status="ok", n=1)}), "rests on 1 event, which is little"),
        (low(PASSED, confidence=0.2, contributions=with_sources(model=1.0)), "20 events, and is not very sure"),
        (low(PASSED, confidence=0.4, contributions=with_sources(model=1.0)), "20 events, and is fairly sure"),
        (low(PASSED, confidence=0.8, contributions=with_sources(model=1.0)), "20 events, and is quite sure"),
        (low(PASSED, level="unknown"), "Resilience cannot be judged yet: there is too little to go by (12 events)."),
        (low(PASSED), "; nobody has yet checked this score against results."),
        (low(PASSED, out_of_range=True, level="unknown"), "saw no student like this one: take the score with care."),
        (profile(rates=(rate("tries_again_after_failing", 1, 3),)), "rests on 3 events at most, which is little."),
    ],
)
def test_how_sure_and_what_that_rests_on_is_said_in_plain_words(known: KnownSkill, begins: str) -> None:
    certainty = of_one(known).certainty
    assert isinstance(certainty, str)
    assert begins in certainty


def test_a_validated_score_has_no_caveat() -> None:
    sure = low(PASSED, validated=True, contributions={"a": Contribution(status="ok", n=40)}, confidence=0.9)
    assert of_one(sure).certainty == "What is said of resilience rests on 40 events, and is quite sure."


def test_a_phrase_without_a_meaning_and_a_count_of_nothing_are_told_only_where_nothing_else_is() -> None:
    vague = evidence("~not yet my favourite", 0.5)
    assert texts(of_one(low(vague, GAVE_UP))) == ["Gave up on a task (today), which speaks against resilience."]
    assert texts(of_one(profile(vague, rates=()))) == ["Wrote a phrase from this skill's list (2 days ago)."]
    hedges, replies = rate("hedges", 0, 64), rate("answers_others", 1, 4)
    assert texts(of_one(profile(rates=(hedges, replies)), "communication")) == ["Replied in 1 of 4 messages."]
    assert texts(of_one(profile(rates=(hedges,)), "communication")) == ["Hedged 0 times in 64 words."]
    assert texts(of_one(profile(rates=(rate("hedges", 1, 64),)), "communication")) == ["Hedged 1 time in 64 words."]


def test_what_was_told_of_one_skill_is_told_of_another_only_where_nothing_else_is_left_and_otherwise() -> None:
    shared = (rate("gives_up", 2, 6),)
    both = explained(update(adaptability=profile(GAVE_UP, rates=shared), resilience=profile(GAVE_UP, rates=shared)))
    assert [texts(skill) for skill in both.skills] == [
        ["Gave up on 2 of 6 failed tasks.", "Gave up on a task (today)."],
        ["For resilience, too: gave up on 2 of 6 failed tasks.", "For resilience, too: gave up on a task (today)."],
    ]


def test_the_summary_names_what_is_new_where_not_everything_is() -> None:
    both = update(resilience=scored(items=(PASSED,)), adaptability=scored(0.3, 0.9, "emerging", (GAVE_UP,)))
    assert explained(both, {"resilience"}).summary == (
        "There is news of resilience. "
        "Most is known about resilience: proficient, with a score of 0.72, most likely between 0.62 and 0.82."
    )
    assert not explained(both).summary.startswith("There is news")
    many = update_of(**{name: profile(GAVE_UP, rates=()) for name in default_skills().names})
    assert explained(many, set(default_skills().names[:5])).summary.startswith(
        "There is news of empathy, adaptability, problem solving and 2 more skills."
    )


items = st.lists(
    st.builds(
        evidence,
        fact=st.sampled_from(["recovered", "retried", "gave_up", "failed", "passed", "helped", "late", "~too hard"]),
        value=st.floats(0, 1),
        direction=st.sampled_from([-1, 1]),
        time=st.sampled_from(["2026-11-22T08:00:00Z", "2026-11-20T08:00:00Z"]),
    ),
    min_size=1,
    max_size=3,
)
skills = st.builds(lambda score, given: scored(score, 0.5, "developing", tuple(given)), st.floats(0, 1), items)


@given(st.dictionaries(st.sampled_from(default_skills().names), skills, min_size=1, max_size=4))
def test_no_sentence_comes_twice_and_no_skill_has_more_than_four_beside_what_to_try(given: dict[str, Any]) -> None:
    explanation = explained(update(**given))
    told = [explanation.summary]
    for skill in explanation.skills:
        own = [*texts(skill), skill.conflict, skill.certainty]
        sentences = [text for text in own if isinstance(text, str)]
        assert all(text.count(". ") == 0 for text in sentences)
        assert 2 <= len(sentences) <= 4
        told += [*sentences, *([skill.suggestion] if isinstance(skill.suggestion, str) else [])]
    assert len(told) == len(set(told))
