"""What passes the check and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.reasoning.check.grounding import violations
from streams.reasoning.check.readability import grade, syllables
from streams.reasoning.model import template
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.request.prompt import Direction, Request
from streams.vocabulary import FACTS
from tests.unit.reasoning.samples import evidence, prompt, scored, update

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
