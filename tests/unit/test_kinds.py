"""Scores and profiles: a skill has a score only where labels, or a person, carry it; else what was seen is shown."""

from functools import cache
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from schemas.event import NativeEvent
from schemas.update import IndicatorRate, KnownSkill, SkillProfile, SkillScore
from streams.evidence.artifacts import load_artifact
from streams.pipeline import Pipeline
from streams.rows.row_batch import RowBatch
from streams.skills.skills_file import load_skills
from tests.events import default_skills, event, fail_source, folded, updates_about

YEAR_MIN = 365 * 24 * 60.0


@cache
def pipeline(skills: str = "default", model: str = "default") -> Pipeline:
    return Pipeline(load_skills(skills), load_artifact(model), on_failure=fail_source)


@cache
def of_known_platform() -> Pipeline:
    """The default skills with the shipped model; its platform may send every fact."""
    return Pipeline(default_skills(), load_artifact("default"), on_failure=fail_source)


def skills_of(*events: NativeEvent, of: Pipeline | None = None) -> dict[str, KnownSkill]:
    """What the update about a student of these events says."""
    served = of or of_known_platform()
    [update] = updates_about(served, ["ada"], RowBatch.of_rows([folded(*events)], served.skill_set.names))
    return update.skills


def answers(count: int, **given: Any) -> list[NativeEvent]:
    return [event(minute=n, item_id=f"q{n}", **given) for n in range(count)]


def moves(count: int) -> list[NativeEvent]:
    settings = [{"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 1.0}]
    return [
        event("control", minute=n - 100, task_id="t", controls=settings[n % 2], changed=1, duration_s=8.0)
        for n in range(count)
    ]


def texts(*written: str) -> list[NativeEvent]:
    return [event("message", minute=n, text=text) for n, text in enumerate(written)]


def rates(skill: KnownSkill) -> dict[str, IndicatorRate]:
    assert isinstance(skill, SkillProfile)
    return skill.indicators


# What the first table found wrong: each line was a score that a school would have acted on.
NO_SCORE = {
    "fifty wrong answers and nothing else": answers(50, score=0.0),
    "fifty log-ins": [event("session", minute=n) for n in range(50)],
    "five hints on each of fifty tasks, a second a try": answers(50, score=1.0, hints=5, duration_s=1.0),
    "words of a list, and a phrase that is denied": texts(
        "the children in my family have two parents", "I am not going to give up"
    ),
    "phrases of every list": texts("I never give up, let me explain, sorry to hear that", "my plan is step by step"),
}


@pytest.mark.parametrize("case", NO_SCORE)
def test_what_nobody_held_against_an_outcome_is_no_score_and_no_level(case: str) -> None:
    skills = skills_of(*NO_SCORE[case])

    assert skills
    assert {(skill.kind, skill.validated) for skill in skills.values()} == {("profile", False)}
    of_unknown_platform = skills_of(*NO_SCORE[case], of=pipeline())
    assert {skill.kind for skill in of_unknown_platform.values()} <= {"profile"}


def test_a_few_good_moves_before_fifty_wrong_answers_are_not_proficient() -> None:
    """By the shipped model, which does not say what it was trained on; by one that does there is no score at all
    (`test_training_scope.py`).
    """
    skill = skills_of(*moves(6), *answers(50, score=0.0))["problem_solving"]

    assert isinstance(skill, SkillProfile) or (skill.level != "proficient" and skill.score < 0.6)


def test_help_is_seen_in_the_profile() -> None:
    seen = rates(skills_of(*answers(50, score=1.0, hints=5, duration_s=1.0))["problem_solving"])

    assert seen["takes_hints"] == IndicatorRate(50, 100)
    assert seen["mean_score"] == IndicatorRate(50, 50)


def test_a_model_that_saw_labels_makes_a_score_and_without_a_table_no_interval() -> None:
    skills = skills_of(*moves(12))
    score = skills["problem_solving"]

    assert isinstance(score, SkillScore)
    assert (score.kind, score.validated) == ("score", True)
    assert score.low is score.high is UNSET
    assert 0 < score.confidence < 1


def test_a_text_model_makes_a_score_where_phrases_do_not() -> None:
    words = "my heart goes out to these poor people who lost their homes and families in this terrible fire " * 5
    text_model = load_skills("empathy")
    basis = {"language": "a text model of adults writing about news"}
    worded = msgspec.structs.replace(text_model.skills["empathy"], basis=basis)
    skill_set = msgspec.structs.replace(text_model, skills={"empathy": worded})
    of_model = Pipeline(skill_set, load_artifact("none"), on_failure=fail_source)
    by_model, by_phrases = skills_of(*texts(words), of=of_model)["empathy"], skills_of(*texts(words))["empathy"]

    assert isinstance(by_model, SkillScore)
    assert of_model.scorer.catalogue_entry.rests_on("empathy", by_model) == basis["language"]
    assert by_phrases.kind == "profile"


def test_an_indicator_is_shown_only_where_something_could_be_counted() -> None:
    assert skills_of(event("session", phase="enrolled")) == {}
    assert rates(skills_of(*answers(3, score=1.0))["collaboration"]) == {"acts_with_others": IndicatorRate(0, 3)}


def test_what_nobody_did_is_shown_only_where_the_platform_is_known_to_tell_it() -> None:
    """Fifty wrong answers of a platform that may never say that somebody gave up."""
    wrong = answers(50, score=0.0)
    assert rates(skills_of(*wrong)["resilience"])["gives_up"].count == 0
    assert skills_of(*wrong, of=pipeline()).keys() == {"problem_solving"}

    gave_up = event("failure", minute=60, item_id="q", gave_up=True)
    seen = rates(skills_of(*wrong, gave_up, of=pipeline())["resilience"])
    assert {name: (rate.count, rate.of) for name, rate in seen.items()} == {"gives_up": (1, 51)}


def test_counts_are_of_the_whole_history_and_the_trend_is_of_late() -> None:
    old = [event("failure", minute=n - YEAR_MIN, item_id=f"q{n}", gave_up=True) for n in range(3)]
    new = [event("failure", minute=n, item_id=f"q{n}") for n in range(1)]
    seen = rates(skills_of(*old, *new)["resilience"])["gives_up"]

    assert (seen.count, seen.of, seen.value) == (3, 4, 0.75)
    assert seen.trend == pytest.approx(-0.75, abs=0.01)


def test_a_rate_is_never_above_one() -> None:
    retries = [event("retry", minute=n, item_id=f"q{n}") for n in range(5)]
    seen = rates(skills_of(event("failure"), *retries)["resilience"])["tries_again_after_failing"]

    assert (seen.count, seen.of, seen.value) == (1, 1, 1.0)


def test_a_teachers_ratings_make_any_skill_a_score_and_outweigh_clicks() -> None:
    against = [event("collaboration", minute=n, act="disagreed") for n in range(20)]
    assert rates(skills_of(*against)["empathy"])["helps_rather_than_asks"].of == 20

    for ratings, expected in (([1.0], 0.75), ([1.0, 1.0, 1.0], 3.5 / 4), ([0.0], 0.25)):
        rated = [event("rubric", minute=30 + n, skill="empathy", rating=rating) for n, rating in enumerate(ratings)]
        score = skills_of(*against, *rated)["empathy"]

        assert isinstance(score, SkillScore)
        assert (score.kind, score.validated) == ("score", False)
        assert score.low is score.high is UNSET
        assert score.score == pytest.approx(expected, abs=1e-4)
        assert score.contributions.keys() == {"rubric"}
        assert score.contributions["rubric"].n == pytest.approx(len(ratings), abs=1e-3)
        assert score.evidence[0].fact == "rubric"


def test_more_ratings_are_surer_and_older_ones_less() -> None:
    def confidence(*minutes: float) -> float:
        rated = [event("rubric", minute=minute, rating=0.9) for minute in minutes]
        score = skills_of(*rated, event("session"))["empathy"]
        assert isinstance(score, SkillScore)
        return score.confidence

    assert confidence(-100 * 1440.0) < confidence(0.0) < confidence(0.0, 1.0)


def test_a_rating_outweighs_a_model_until_it_has_faded() -> None:
    def score(minute: float) -> SkillScore:
        rated = event("rubric", skill="problem_solving", minute=minute, rating=0.1)
        found = skills_of(*moves(12), rated)["problem_solving"]
        assert isinstance(found, SkillScore)
        return found

    of_late, long_ago = score(-29 * 1440.0), score(-31 * 1440.0)
    assert of_late.contributions.keys() == {"rubric"}
    assert not of_late.validated
    assert of_late.score < 0.5
    assert long_ago.contributions["model"].status == "ok"


def test_every_default_skill_can_be_rated() -> None:
    names = default_skills().names
    skills = skills_of(*(event("rubric", minute=n, skill=name) for n, name in enumerate(names)))
    assert {name: skill.kind for name, skill in skills.items()} == dict.fromkeys(names, "score")
