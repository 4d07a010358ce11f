"""What the skills file suggests: checked when it is read, and, of the shipped sets, fit to be said to a teacher."""

from pathlib import Path

import pytest

from streams.reasoning.check.characters import unwanted_characters
from streams.reasoning.check.forbidden import forbidden_in
from streams.reasoning.check.language import is_foreign
from streams.reasoning.check.numbers import number_in
from streams.skills.skill_set import Skill, SkillsError
from streams.skills.skills_file import load_skills
from streams.skills.suggestions import MAX_SUGGESTION_CHARS, MAX_SUGGESTION_GRADE, Suggestion
from streams.texts.readability import grade

SETS = ("default", "mastery", "course_work", "course_success", "empathy")
SKILLS = [(name, skill) for name in SETS for skill in load_skills(name).skills]
NEVER = ("diagnoses", "says what the learner is", "says who the learner is", "praises", "compares")
FILE = """
version = 1
name = "tested"
[skills.resilience]
definition = "Goes on."
basis = "tests"
weights = { behaviour = 1.0 }
lexicon = { "gave up" = -1.0 }
meanings = { "wrote that they gave up" = ["gave up"] }
[[skills.resilience.indicators]]
name = "comes_back"
numerator = ["retried.n"]
denominator = ["failed.n"]
prior = 0.5
[[skills.resilience.try]]
"""


def suggestions_of(name: str, skill: str) -> tuple[Suggestion, ...]:
    given = load_skills(name).skills[skill].suggestions
    return given if isinstance(given, tuple) else ()


def loaded(folder: Path, suggestion: str) -> Skill:
    path = folder / "skills.toml"
    path.write_text(FILE + suggestion, encoding="utf-8")
    return load_skills(str(path)).skills["resilience"]


@pytest.mark.parametrize(("name", "skill"), SKILLS)
def test_each_shipped_skill_has_some_and_the_last_one_fits_always(name: str, skill: str) -> None:
    suggestions = suggestions_of(name, skill)
    assert 2 <= len(suggestions) <= 6
    assert [each.is_general for each in suggestions] == [False] * (len(suggestions) - 1) + [True]


@pytest.mark.parametrize(("name", "skill"), SKILLS)
def test_no_shipped_suggestion_judges_promises_compares_or_reads_hard(name: str, skill: str) -> None:
    for suggestion in suggestions_of(name, skill):
        text = suggestion.text
        assert [fault for fault in forbidden_in(text, ()) if fault.startswith(NEVER)] == [], text
        assert unwanted_characters(text) is number_in(text) is None
        assert not is_foreign(text)
        assert grade(text) <= MAX_SUGGESTION_GRADE
        assert " will " not in text


@pytest.mark.parametrize(
    "condition", ['low = "comes_back"', 'high = "score"', 'seen = "failed"', 'seen = "wrote that they gave up"', ""]
)
def test_what_a_suggestion_answers_is_an_indicator_a_fact_a_meaning_the_score_or_nothing(
    tmp_path: Path, condition: str
) -> None:
    skill = loaded(tmp_path, f'text = "Come back to it together."\n{condition}')
    assert [each.text for each in skill.suggestions or ()] == ["Come back to it together."]


@pytest.mark.parametrize(
    ("suggestion", "place"),
    [
        ('text = "Come back to it."\nlow = "comes_bak"', "try.0.low: there is no 'comes_bak'; there are"),
        ('text = "Come back to it."\nseen = "comes_back"', "try.0.seen: there is no 'comes_back'"),
        ('text = "Come back to it."\nlow = "comes_back"\nseen = "failed"', "low and seen are both there"),
        ('text = "come back to it"', "try.0.text: 'come back to it' is no sentence"),
        ('text = "See www.example.org for more."', "it has a link"),
        ('text = "Write to ada@example.org today."', "it has a link or an address"),
        ('text = "Come **back** to it."', "skills.resilience.try.0.text"),
        ('text = "Come back to {task}."', "skills.resilience.try.0.text"),
        (f'text = "{"Come back. " * 16}"', f"{MAX_SUGGESTION_CHARS} "),
        ('text = ""', "skills.resilience.try.0.text"),
        ('low = "comes_back"', "text is missing"),
        ('text = "Come back to it."\nwhen = "failed"', "there is no such key"),
        (
            'text = "Encourage metacognitive deliberation regarding unsuccessful problem solving methodologies."',
            "reads above grade 9",
        ),
    ],
)
def test_a_suggestion_that_cannot_be_given_is_refused_with_its_place(
    tmp_path: Path, suggestion: str, place: str
) -> None:
    with pytest.raises(SkillsError) as refused:
        loaded(tmp_path, suggestion)
    assert place in str(refused.value)


def test_updates_do_not_depend_on_suggestions_and_so_the_version_does_not(tmp_path: Path) -> None:
    versions = set()
    for text in ("Come back to it.", "Go on with it."):
        loaded(tmp_path, f'text = "{text}"')
        versions.add(load_skills(str(tmp_path / "skills.toml")).config_version)
    assert len(versions) == 1
