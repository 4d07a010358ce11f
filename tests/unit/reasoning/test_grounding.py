"""What passes the check and what does not: the rules of citing, slots and skills; `test_claims` has those of words."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.reasoning.check.entailment import themes_without_facts
from streams.reasoning.check.grounding import CheckedDraft, check_claims
from streams.reasoning.model import template
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.request.prompt import Direction, Prompt, Request
from streams.texts.readability import grade, syllables
from streams.vocabulary import FACTS
from tests.events import default_skills
from tests.unit.reasoning.samples import evidence, profile, prompt, rate, scored, update

# e1: passed a task on try 3, 2 days ago, up; e2: did not pass a task, with a score of 60 %, today, down. Score 0.72.
ITEMS = (evidence("recovered", 3.0), evidence("failed", 0.4, -1, "2026-11-22T07:00:00Z"))
REQUEST = prompt().question(update(resilience=scored(confidence=0.45, items=ITEMS))).request
PASSED = DraftClaim(text="Passed a task on {e1}.", evidence=["e1"], direction="up")
FAILED = DraftClaim(text="Did not pass a task {e2.when}.", evidence=["e2"], direction="down")
WRONG = DraftClaim(text="Passed 12 tasks.", evidence=["e1"], direction="up")


def checked(*claims: DraftClaim, request: Request = REQUEST) -> CheckedDraft:
    return check_claims(request, Draft(skills=[DraftSkill(skill="resilience", claims=list(claims))]))


def faults(text: str, cites: tuple[str, ...] = ("e1",), direction: Direction = "up") -> tuple[str, ...]:
    return checked(DraftClaim(text=text, evidence=list(cites), direction=direction)).faults


def test_one_fault_costs_one_claim() -> None:
    found = checked(PASSED, WRONG, FAILED)
    assert found.draft.skills[0].claims == [PASSED, FAILED]
    assert found.refused == 1
    assert found.unanswered == ()
    assert found.faults == ("resilience, claim 2: writes a number (12); numbers stand in slots",)


def test_a_skill_without_a_claim_that_holds_is_unanswered() -> None:
    found = checked(WRONG)
    assert found.draft.skills == []
    assert found.unanswered == ("resilience",)
    assert "resilience: no claim is left; each skill needs one" in found.faults


@pytest.mark.parametrize(
    "text",
    [
        "Passed on {e1}, {e1.when}.",
        "The score is {score}: a task was passed.",
        "From {low} to {high}, by a pass.",
        "A pass on {e1} raises resilience.",
    ],
)
def test_slots_of_cited_facts_and_of_the_skill_may_be_used(text: str) -> None:
    assert faults(text) == ()


@pytest.mark.parametrize("slot", ["e2", "e2.when", "e9", "points", "e1.rate", "", " e1", "level"])
def test_no_other_slot_may_be_used(slot: str) -> None:
    assert any("has a slot that its facts do not have" in fault for fault in faults(f"Passed on {{{slot}}}."))


@pytest.mark.parametrize(
    ("text", "cites", "direction", "fault"),
    [
        ("Passed a task.", (), "up", "cites no fact"),
        ("Passed a task.", ("e9",), "up", "does not have"),
        ("Passed a task.", ("e1",), "down", "says otherwise"),
        ("Passed and failed.", ("e1", "e2"), "up", "says otherwise"),
        ("Passed. This lowers the score.", ("e1",), "up", "otherwise in its text"),
        ("Passed a task (e1).", ("e1",), "up", "id in the text"),
        ("Passed a task last week.", ("e1",), "up", "says when"),
        ("Passed a task today.", ("e1",), "up", "says that it was today"),
        ("Passed a task, and both raise the score.", ("e1",), "up", "a pair of things, and cites one fact"),
        ("Passed a task, and it worked.", ("e1",), "up", "speaks of what came of it"),
        ("They pass tasks.", ("e1",), "up", "tells a deed as a habit"),
        ("Passed a task, so show them another one.", ("e1",), "up", "advises (so show"),
        ("Passed a task and missed none.", ("e1",), "up", "speaks of nothing missed"),
        ("Passed a task on {e1}, by bicycle.", ("e1",), "up", "a word that no claim needs (bicycle)"),
        ("A task was passed: an expert result.", ("e1",), "up", "a word that no claim needs (expert)"),
        ("A task was passed, so the level is emerging.", ("e1",), "up", "but this skill has another level"),
        ("Got {e1.when} marks for a pass.", ("e1",), "up", "{e1.when} where what fills it does not fit"),
        ("Passed a task in {score}.", ("e1",), "up", "{score} where what fills it does not fit"),
        ("Spent {e2} on a task and failed.", ("e2",), "down", "{e2} where what fills it does not fit"),
        ("Failed {e1}, then passed a task.", ("e1",), "up", "{e1} where what fills it does not fit"),
        ("Passed a task. This does not change the score.", ("e1",), "up", "otherwise in its text"),
        ("Passed {e1} tasks.", ("e1",), "up", "as the number of something else"),
        ("  ", ("e1",), "up", "is empty"),
        ("Passed a task. " * 20, ("e1",), "up", "characters"),
    ],
)
def test_each_fault_is_named(text: str, cites: tuple[str, ...], direction: Direction, fault: str) -> None:
    assert any(fault in found for found in faults(text, cites, direction)), faults(text, cites, direction)


def test_a_claim_that_loses_a_fact_it_rests_on_goes() -> None:
    whole = DraftClaim(text="Passed a task, and had failed one.", evidence=["e1"], direction="up")
    assert checked(whole).refused == 0
    without = prompt().question(update(resilience=scored(items=ITEMS[1:]))).request
    assert checked(whole, request=without).draft.skills == []


def test_what_another_claim_says_is_told_once() -> None:
    found = checked(PASSED, DraftClaim(text="A task was passed on {e1}.", evidence=["e1"], direction="up"), PASSED)
    assert found.refused == 2


def test_only_what_was_asked_is_answered_once_and_with_few_claims() -> None:
    claims = [PASSED, FAILED]
    other = check_claims(REQUEST, Draft(skills=[DraftSkill(skill="charm", claims=claims)]))
    assert other.draft.skills == []
    twice = check_claims(REQUEST, Draft(skills=[DraftSkill(skill="resilience", claims=claims)] * 2))
    assert [drafted.claims for drafted in twice.draft.skills] == [claims]
    texts = [
        "Passed a task.",
        "A task was passed on {e1}.",
        "Kept at a task {e1.when}.",
        "Tried again.",
        "Got it right.",
    ]
    many = [DraftClaim(text=text, evidence=["e1"], direction="up") for text in (*texts, "Solved a task.")]
    assert len(checked(*many).draft.skills[0].claims) == 5


def test_every_theme_names_facts_that_there_are() -> None:
    assert themes_without_facts() == set()


any_items = st.lists(
    st.builds(
        evidence,
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
    assert check_claims(request, template.draft_of(request.skills)).faults == ()


@given(any_items)
async def test_the_scripted_model_passes_the_check_whatever_the_evidence(items: list[object]) -> None:
    request = request_for(items)
    assert check_claims(request, (await ScriptedModel().explain(request)).draft).faults == ()


PROFILED = prompt().question(update(resilience=profile(evidence("recovered", 3.0), evidence("failed", 0.4, -1))))
# e1: came back to 3 of 4 failed tasks (more often of late), e2: gives up: 1 of 4, e3 and e4: two evidence items.


def faults_of_profile(text: str, cites: tuple[str, ...], direction: Direction = "neither") -> tuple[str, ...]:
    claim = DraftClaim(text=text, evidence=list(cites), direction=direction)
    return check_claims(PROFILED.request, Draft(skills=[DraftSkill(skill="resilience", claims=[claim])])).faults


@pytest.mark.parametrize(
    ("text", "cites"),
    [
        ("Came back to {e1} failed tasks.", ("e1",)),
        ("Came back to {e1.rate} of the failed tasks, and gave up on {e2} of them.", ("e1", "e2")),
        ("Did not pass a task, then passed one on {e3}.", ("e3", "e4")),
    ],
)
def test_what_a_profile_counted_may_be_told(text: str, cites: tuple[str, ...]) -> None:
    assert faults_of_profile(text, cites) == ()


@pytest.mark.parametrize(
    ("text", "cites", "direction", "fault"),
    [
        ("Came back to 3 of 4 failed tasks.", ("e1",), "neither", "writes a number (3)"),
        ("Came back to {e1} failed tasks.", ("e2",), "neither", "has a slot that its facts do not have"),
        ("Came back to {e1} tasks. This speaks for the skill.", ("e1",), "neither", "otherwise in its text"),
        ("Came back to {e1} failed tasks.", ("e1",), "up", "says up, but a fact"),
        ("Passed a task.", ("e3",), "up", "says up, but a fact"),
        ("Is proficient: came back to {e1} tasks.", ("e1",), "neither", "has no level"),
        ("Came back to {score} of the tasks.", ("e1",), "neither", "has a slot that its facts do not have"),
        ("Came back to {e1} failed tasks, a high share.", ("e1",), "neither", "verdict on a skill that has no score"),
        ("Came back to {e1} failed tasks, of late less often.", ("e1",), "neither", "says that something changed"),
        ("Gave up on {e2} failed tasks, of late more often.", ("e2",), "neither", "says that something changed"),
        ("Came back to work {e1} days early.", ("e1",), "neither", "uses {e1} as the number of something else"),
    ],
)
def test_a_profile_is_told_without_a_verdict_a_level_or_a_score(
    text: str, cites: tuple[str, ...], direction: Direction, fault: str
) -> None:
    found = faults_of_profile(text, cites, direction)
    assert any(fault in each for each in found), found


DEFAULT_PROMPT = Prompt(default_skills())
GAVE_UP: Final = evidence("~gave up", 1.0, -1)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Wrote that they gave up.", True),
        ("They wrote {e1.when} that they gave up.", True),
        ("In a message they said that they gave up.", True),
        ("Gave up on a task.", False),
        ("Wrote that they would go on.", False),
        ("Wrote something, and gave up.", False),
    ],
)
def test_what_was_written_was_not_done(text: str, *, holds: bool) -> None:
    request = DEFAULT_PROMPT.question(update(resilience=scored(items=(GAVE_UP,)))).request
    claim = DraftClaim(text=text, evidence=["e1"], direction="down")
    found = check_claims(request, Draft(skills=[DraftSkill(skill="resilience", claims=[claim])])).faults
    assert (found == ()) is holds, found


@pytest.mark.parametrize("name", ["problem solving", "problem-solving"])
def test_the_name_of_a_skill_is_no_deed(name: str) -> None:
    items = (evidence("failed", 0.4, -1),)
    request = DEFAULT_PROMPT.question(update(problem_solving=scored(items=items))).request

    def faults_of_skill(text: str) -> tuple[str, ...]:
        claim = DraftClaim(text=text, evidence=["e1"], direction="down")
        return check_claims(request, Draft(skills=[DraftSkill(skill="problem_solving", claims=[claim])])).faults

    assert faults_of_skill(f"Did not pass a task. This speaks against {name}.") == ()
    assert any("speaks of passing" in fault for fault in faults_of_skill(f"Solved a task, against {name}."))


@pytest.mark.parametrize("trend", [0.0, 0.3, -0.3])
@pytest.mark.parametrize("name", default_skills().names)
async def test_each_default_profile_is_told_in_words_that_pass_the_check(name: str, trend: float) -> None:
    rates = tuple(rate(each.name, 3, 4, trend) for each in default_skills().skills[name].indicators)
    skills: dict[str, Any] = {name: profile(rates=rates)}
    request = DEFAULT_PROMPT.question(update(**skills)).request
    [told] = request.skills

    assert len(told.facts) == len(rates)
    in_full = [fact.in_full for fact in told.facts]
    assert all(("3 " in text and "of 4" in text) or "in 4" in text or "75 %" in text for text in in_full)
    assert all(fact.text.endswith("of late more often") is (trend > 0) for fact in told.facts)
    assert check_claims(request, template.draft_of(request.skills)).faults == ()
    assert check_claims(request, (await ScriptedModel().explain(request)).draft).faults == ()


@pytest.mark.parametrize("fact", [*FACTS, "rubric"])
@pytest.mark.parametrize("direction", [-1, 1])
async def test_each_fact_reads_easily_by_itself(fact: str, direction: int) -> None:
    request = request_for([evidence(fact, 0.8, -1 if direction < 0 else 1)])
    assert check_claims(request, template.draft_of(request.skills)).faults == ()
    assert check_claims(request, (await ScriptedModel().explain(request)).draft).faults == ()


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


@pytest.mark.parametrize(
    ("name", "phrase"),
    [(name, phrase) for name, skill in default_skills().skills.items() for phrase in skill.meaning_of],
)
async def test_what_phrases_mean_is_told_in_words_that_pass_the_check(name: str, phrase: str) -> None:
    skills: dict[str, Any] = {name: profile(evidence(f"~{phrase}", 1.0), rates=())}
    request = DEFAULT_PROMPT.question(update(**skills)).request
    assert request.skills[0].facts[0].text == default_skills().skills[name].meaning_of[phrase]
    assert check_claims(request, template.draft_of(request.skills)).faults == ()


@pytest.mark.parametrize("name", default_skills().names)
@pytest.mark.parametrize("direction", [-1, 1])
async def test_what_speaks_for_a_skill_or_against_it_may_do_so_by_its_name(name: str, direction: int) -> None:
    item = evidence("gave_up", 1.0, -1 if direction < 0 else 1)
    skills: dict[str, Any] = {name: scored(0.2 if direction < 0 else 0.9, items=(item,))}
    request = DEFAULT_PROMPT.question(update(**skills)).request
    [claim] = template.draft_of(request.skills).skills[0].claims
    assert name.replace("_", " ") in claim.text
    assert check_claims(request, template.draft_of(request.skills)).faults == ()
    assert check_claims(request, (await ScriptedModel().explain(request)).draft).faults == ()
    turned = DraftClaim(
        text=claim.text.replace("speaks for", "speaks against")
        if direction > 0
        else claim.text.replace("against", "for"),
        evidence=claim.evidence,
        direction=claim.direction,
    )
    assert check_claims(request, Draft(skills=[DraftSkill(skill=name, claims=[turned])])).faults != ()
