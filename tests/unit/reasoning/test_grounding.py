"""What passes the check and what does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.update import IndicatorRate
from streams.reasoning.check.grounding import violations
from streams.reasoning.check.readability import grade, syllables
from streams.reasoning.model import template
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.request.prompt import Direction, Prompt, Request
from streams.reasoning.request.pseudonym import Pseudonyms
from streams.vocabulary import FACTS
from tests.events import default_skills
from tests.unit.reasoning.samples import SECRET, evidence, profile, prompt, scored, update

# e1: passed a task on try 3, 2 days ago, up; e2: did not pass a task and scored 60 %, 0 days ago, down. Score 0.72.
ITEMS = (evidence("x", "recovered", 3.0), evidence("y", "failed", 0.4, -1, "2026-11-22T07:00:00Z"))
REQUEST = prompt().question(update(resilience=scored(confidence=0.45, items=ITEMS))).request


def faults(text: str, cites: tuple[str, ...] = ("e1",), direction: Direction = "up") -> tuple[str, ...]:
    claim = DraftClaim(text=text, evidence=list(cites), direction=direction)
    return violations(REQUEST, Draft(skills=[DraftSkill(skill="resilience", claims=[claim])]))


@pytest.mark.parametrize(
    "text",
    [
        "Passed a task on try 3, two days ago.",
        "Passed on try three. The score is 0.72.",
        "The score is 72 %, and 72 percent is what it says.",
        "The score is 0.7.",
        "The 90 % interval goes from 0.62 to 0.82.",
        "The learner passed in the end. This raises the score.",
    ],
)
def test_true_numbers_and_directions_pass(text: str) -> None:
    assert faults(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Passed a task on try 4.",
        "Passed a task on try four.",
        "The score is 1.",
        "The score is 0.73.",
        "The score is 71 %.",
        "Passed 3 % of the tasks.",
        "Passed on try -3.",
        "Scored 60 % on a task.",
        "Passed on 2026-11-20.",
        "Passed ½ of the tasks.",
        "Passed half of the tasks.",
        "Passed 3,000 tasks.",
    ],
)
def test_a_number_that_the_cited_facts_do_not_hold_is_found(text: str) -> None:
    assert any("is not in the facts" in fault for fault in faults(text))


@pytest.mark.parametrize(
    ("text", "cites", "direction", "fault"),
    [
        ("Passed a task.", (), "up", "cites no fact"),
        ("Passed a task.", ("e9",), "up", "does not have"),
        ("Passed a task.", ("e1",), "down", "says otherwise"),
        ("Passed and failed.", ("e1", "e2"), "up", "says otherwise"),
        ("Passed. This lowers the score.", ("e1",), "up", "opposite"),
        ("Passed. This does not support the skill.", ("e1",), "up", "opposite"),
        ("Failed. This speaks for the skill.", ("e2",), "down", "opposite"),
        ("Passed, so it is not ADHD.", ("e1",), "up", "adhd"),
        ("Failed. A sign of a learning disorder.", ("e2",), "down", "disorder"),
        ("Failed. The learner is lazy.", ("e2",), "down", "lazy"),
        ("Passed a task (e1).", ("e1",), "up", "id in the text"),
        ("Passed **a task**.", ("e1",), "up", "markup"),
        ("Passed, see https://example.org", ("e1",), "up", "link"),
        ("  ", ("e1",), "up", "is empty"),
        ("Passed a task. " * 20, ("e1",), "up", "characters"),
        (
            "Demonstrated extraordinary metacognitive perseverance notwithstanding considerable difficulties.",
            ("e1",),
            "up",
            "reads at grade",
        ),
    ],
)
def test_each_fault_is_named(text: str, cites: tuple[str, ...], direction: Direction, fault: str) -> None:
    assert any(fault in found for found in faults(text, cites, direction)), faults(text, cites, direction)


def test_help_asked_for_is_no_verdict() -> None:
    assert faults("Asked for support, and passed after that.") == ()
    assert faults("Failed, with support from others.", ("e2",), "down") == ()


def test_the_pseudonym_is_not_published() -> None:
    assert any("names the student" in fault for fault in faults(f"{REQUEST.student} passed."))


def test_every_skill_asked_about_needs_an_answer_and_no_other() -> None:
    assert violations(REQUEST, Draft(skills=[])) == ("resilience: no claim; each skill needs one",)
    claim = DraftClaim(text="Passed a task.", evidence=["e1"], direction="up")
    twice = [DraftSkill(skill="resilience", claims=[claim])] * 2
    assert "more than once" in violations(REQUEST, Draft(skills=twice))[0]
    other = [*twice[:1], DraftSkill(skill="charm", claims=[claim])]
    assert "not asked about" in violations(REQUEST, Draft(skills=other))[0]
    many = [DraftSkill(skill="resilience", claims=[claim] * 6)]
    assert "6 claims" in violations(REQUEST, Draft(skills=many))[0]


any_items = st.lists(
    st.builds(
        evidence,
        id=st.uuids().map(str),
        fact=st.sampled_from([*FACTS, "rubric", "~never give up"]),
        value=st.floats(0, 1) | st.integers(0, 40).map(float) | st.floats(0, 12),
        direction=st.sampled_from([-1, 1]),
        time=st.sampled_from(["2026-11-22T08:00:00Z", "2026-11-21T07:59:59.999Z", "2025-01-01T00:00:00Z"]),
    ),
    min_size=1,
    max_size=4,
)


def request_for(items: list[object]) -> Request:
    noted = update(resilience=scored(items=tuple(items)), empathy=scored(0.1, 0.2, items=tuple(items)))  # type: ignore[arg-type]
    return prompt().question(noted).request


@given(any_items)
def test_the_template_passes_the_check_whatever_the_evidence(items: list[object]) -> None:
    request = request_for(items)
    assert violations(request, template.draft_of(request)) == ()


@given(any_items)
async def test_the_scripted_model_passes_the_check_whatever_the_evidence(items: list[object]) -> None:
    request = request_for(items)
    assert violations(request, (await ScriptedModel().explain(request)).draft) == ()


PROFILED = prompt().question(
    update(resilience=profile(evidence("x", "recovered", 3.0), evidence("y", "failed", 0.4, -1)))
)
# e1: came back to 3 of 4 failed tasks (more often of late), e2: gives up: 1 of 4, e3 and e4: two evidence items.


def faults_of_profile(text: str, cites: tuple[str, ...], direction: Direction = "neither") -> tuple[str, ...]:
    claim = DraftClaim(text=text, evidence=list(cites), direction=direction)
    return violations(PROFILED.request, Draft(skills=[DraftSkill(skill="resilience", claims=[claim])]))


@pytest.mark.parametrize(
    ("text", "cites"),
    [
        ("Came back to 3 of 4 failed tasks.", ("e1",)),
        ("Came back to 75 % of the failed tasks, and gave up on one of four.", ("e1", "e2")),
        ("Did not pass a task, then passed one on try 3.", ("e3", "e4")),
    ],
)
def test_what_a_profile_counted_may_be_told(text: str, cites: tuple[str, ...]) -> None:
    assert faults_of_profile(text, cites) == ()


@pytest.mark.parametrize(
    ("text", "cites", "direction", "fault"),
    [
        ("Came back to 3 of 5 failed tasks.", ("e1",), "neither", "the number 5 is not in the facts"),
        ("Came back to 3 of 4 failed tasks.", ("e2",), "neither", "the number 3 is not in the facts"),
        ("Came back to 3 of 4 tasks. This speaks for the skill.", ("e1",), "neither", "the opposite in its text"),
        ("Came back to 3 of 4 failed tasks.", ("e1",), "up", "says up, but a fact"),
        ("Passed a task.", ("e3",), "up", "says up, but a fact"),
        ("Is proficient: came back to 3 of 4 tasks.", ("e1",), "neither", "has no level"),
        ("Came back to 72 % of the tasks.", ("e1",), "neither", "the number 72 % is not in the facts"),
    ],
)
def test_a_profile_is_told_without_a_verdict_a_level_or_a_score(
    text: str, cites: tuple[str, ...], direction: Direction, fault: str
) -> None:
    found = faults_of_profile(text, cites, direction)
    assert any(fault in each for each in found), found


DEFAULT_PROMPT = Prompt(default_skills(), Pseudonyms(SECRET))


@pytest.mark.parametrize("trend", [0.0, 0.3, -0.3])
@pytest.mark.parametrize("name", default_skills().names)
async def test_each_default_profile_is_told_in_words_that_pass_the_check(name: str, trend: float) -> None:
    rates = tuple(
        IndicatorRate(name=each.name, count=3, of=4, value=0.75, trend=trend)
        for each in default_skills().skills[name].indicators
    )
    skills: dict[str, Any] = {name: profile(rates=rates)}
    request = DEFAULT_PROMPT.question(update(**skills)).request
    [told] = request.skills

    assert len(told.facts) == len(rates)
    assert all(
        ("3 " in fact.text and "of 4" in fact.text) or "in 4" in fact.text or "75 %" in fact.text for fact in told.facts
    )
    assert all(fact.text.endswith("of late more often") is (trend > 0) for fact in told.facts)
    assert violations(request, template.draft_of(request)) == ()
    assert violations(request, (await ScriptedModel().explain(request)).draft) == ()


@pytest.mark.parametrize("fact", [*FACTS, "rubric"])
@pytest.mark.parametrize("direction", [-1, 1])
async def test_each_fact_reads_easily_by_itself(fact: str, direction: int) -> None:
    request = request_for([evidence("x", fact, 0.8, -1 if direction < 0 else 1)])
    assert violations(request, template.draft_of(request)) == ()
    assert violations(request, (await ScriptedModel().explain(request)).draft) == ()


def test_the_grade_agrees_with_worked_examples() -> None:
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 * 6 / 6 - 15.59)
    assert grade("It rains. The learner started again!") == pytest.approx(0.39 * 6 / 2 + 11.8 * 9 / 6 - 15.59)
    assert grade("0.72") == 0


@pytest.mark.parametrize(
    ("word", "count"),
    [("task", 1), ("passed", 1), ("started", 2), ("table", 2), ("learner", 2), ("minutes", 2), ("passes", 2)],
)
def test_syllables_of_common_words(word: str, count: int) -> None:
    assert syllables(word) == count
