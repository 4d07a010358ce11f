"""What a request holds, and what it never does."""

import json

from schemas.update import SkillUpdate
from streams.reasoning.request.prompt import render
from streams.reasoning.request.sent import most_input_tokens
from streams.reasoning.statements.summary import summary_of
from tests.unit.reasoning.samples import evidence, profile, prompt, rate, scored, update


def test_a_request_holds_facts_with_aliases_and_none_of_the_updates_ids() -> None:
    question = prompt().question(update())
    facts = json.loads(render(question.request)[1]["content"])

    resilience = facts["skills"][0]
    assert resilience["definition"] == "Goes on when something does not work."
    assert resilience["facts"][0] == {
        "id": "e1",
        "fact": "passed a task on {e1}",
        "slots": {"e1": "try 3", "e1.when": "2 days ago"},
        "direction": "up",
    }
    assert question.evidence_ids == {"e1": "resilience.1", "e2": "resilience.2", "e3": "empathy.1"}


def test_a_fact_outside_the_vocabulary_and_a_phrases_words_are_not_told() -> None:
    sly = update(resilience=scored(items=(evidence("Zoe wrote: I hate peas", 1.0), evidence("~i hate peas", 1.0))))
    sent = json.dumps(render(prompt().question(sly).request))
    assert "peas" not in sent
    assert "Zoe" not in sent
    assert "a phrase from this skill's list" in sent


def test_a_profile_is_told_by_its_indicators_those_first_that_moved_and_without_a_score() -> None:
    question = prompt().question(update(resilience=profile(evidence("recovered", 3.0))))
    [skill] = json.loads(render(question.request)[1]["content"])["skills"]

    assert skill == {
        "skill": "resilience",
        "kind": "profile",
        "facts": [
            {
                "id": "e1",
                "fact": "came back to {e1} failed tasks, of late more often",
                "slots": {"e1": "3 of 4"},
            },
            {
                "id": "e2",
                "fact": "gives up: {e2}",
                "slots": {"e2": "1 of 4"},
            },
            {
                "id": "e3",
                "fact": "passed a task on {e3}",
                "slots": {"e3": "try 3", "e3.when": "2 days ago"},
            },
        ],
    }
    assert question.evidence_ids == {"e1": "resilience.comes_back", "e2": "resilience.gives_up", "e3": "resilience.1"}


def test_an_indicator_that_the_skill_set_does_not_have_is_not_told() -> None:
    sly = rate("Zoe wrote that she hates maths", 1, 2)
    assert prompt().question(update(resilience=profile(rates=(sly,)))).request.skills == ()


def test_a_skill_outside_the_skill_set_is_not_asked_about() -> None:
    strange = update(charm=scored(items=(evidence("passed", 1.0),)))
    assert prompt().question(strange).request.skills == ()


def test_no_tokenizer_makes_more_tokens_of_a_request_than_is_reserved() -> None:
    request = prompt().question(update()).request
    rendered_bytes = sum(len(message["content"].encode()) for message in render(request))
    assert most_input_tokens(request) > rendered_bytes
    assert most_input_tokens(request.after(("a fault",), ("resilience",))) > most_input_tokens(request)


def test_what_is_the_same_for_all_comes_first_and_is_long_enough_to_be_cached() -> None:
    one, other = (render(prompt().question(each).request) for each in (update(), update(resilience=profile())))
    again = render(prompt().question(update()).request.after(("a fault",), ("empathy",)))
    assert one[0] == other[0] == again[0]
    assert one == again[:2]
    assert len(one[0]["content"]) > 4 * 1_024  # of English, some four characters a token


def summary(about: SkillUpdate) -> str:
    return summary_of(about, prompt().question(about))


def test_the_summary_says_what_is_known_and_what_is_not() -> None:
    assert summary(update()) == (
        "Most is known about resilience: proficient, with a score of 0.72, most likely between 0.62 and 0.82. "
        "Of 3 skills with a score, 1 cannot be judged yet."
    )
    both = update(resilience=profile(), empathy=profile(rates=()), adaptability=scored())
    assert summary(both) == (
        "Most is known about adaptability: proficient, with a score of 0.72, most likely between 0.62 and 0.82. "
        "Of resilience there is no score; what was seen: came back to 3 of 4 failed tasks, of late more often."
    )
    assert summary(update(empathy=profile(rates=()))).startswith("There is too little evidence")
    unknown = update(resilience=scored(0.5, 0.0, "unknown"))
    assert summary(unknown).startswith("There is too little evidence")
