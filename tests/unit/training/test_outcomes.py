"""Outcomes from the stream: what came later labels what was known before, and nothing else does."""

import asyncio
import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from streams.rows.codec import decode_row
from streams.skills.skill_set import SkillsError, SkillSet
from streams.skills.skills_file import load_skills
from streams.training.moments import Moment
from streams.training.outcomes import MAX_MOMENTS, OutcomePlan, outcome_moments
from tests.events import raw
from tests.unit.training.simulated import as_of_us, records

DAY = 1_440.0


def course_work() -> SkillSet:
    return load_skills("course_work")


def work(day: float, score: float | None, student: str = "ada") -> bytes:
    """Work handed in on time and marked; without a score, a due date missed."""
    if score is None:
        return raw("overdue", student, minute=day * DAY)
    due = "2027-01-01T00:00:00Z"
    return raw("submission", student, minute=day * DAY, score=score, due=due)


def needing(at_least: float) -> SkillSet:
    """Course work with outcomes of so many later works."""
    skills = {
        name: msgspec.structs.replace(skill, outcome=msgspec.structs.replace(skill.outcome, at_least=at_least))
        for name, skill in course_work().skills.items()
        if skill.outcome is not UNSET
    }
    return msgspec.structs.replace(course_work(), skills=skills)


def moments(noted: list[bytes], plan: OutcomePlan, skill_set: SkillSet | None = None) -> dict[str, list[Moment]]:
    found, _ = asyncio.run(outcome_moments(lambda: records(noted), skill_set or course_work(), plan))
    return {skill: [one for one in found if one.label.skill == skill] for skill in course_work().names}


def test_the_mean_of_what_came_after_a_moment_is_its_label() -> None:
    noted = [work(-60, 0.2), work(-50, None), work(-40, 0.4), work(-30, 0.8), work(-20, None), work(-10, 0.6)]
    found = moments(noted, OutcomePlan((1, 3), every_days=3_650))

    scores, on_time = found["later_score"], found["self_regulation"]
    assert [one.label.label for one in scores] == pytest.approx([0.6, 0.7])  # of three later marks, and of two
    assert [one.label.label for one in on_time] == pytest.approx([3 / 5, 2 / 3])
    assert [decode_row(one.row).events for one in scores] == [1, 3]
    assert [one.label.as_of_us for one in scores] == [as_of_us(-60 * DAY), as_of_us(-40 * DAY)]


def test_a_moment_with_too_little_after_it_has_no_label() -> None:
    noted = [work(-60, 0.2), work(-50, None), work(-40, None)]
    plan = OutcomePlan((1, 2), every_days=3_650)
    found, more = moments(noted, plan), moments(noted, plan, needing(1))

    assert found["later_score"] == more["later_score"] == []
    assert [one.label.label for one in found["self_regulation"]] == [0.0], "after the second there is but one more"
    assert [one.label.label for one in more["self_regulation"]] == [0.0, 0.0]


def test_students_are_looked_at_on_the_same_days_of_the_calendar_and_their_ids_name_their_cohort() -> None:
    noted = [work(-90 + day, 0.5, student) for student in ("ada-2024", "bo-2025") for day in range(0, 90, 3)]
    plan = OutcomePlan((), every_days=30, cohort=re.compile("[0-9]{4}"))
    scores = moments(noted, plan)["later_score"]

    assert [dict(one.label.columns)["cohort"] for one in scores] == ["2024"] * 3 + ["2025"] * 3
    assert [one.label.as_of_us for one in scores[:3]] == [one.label.as_of_us for one in scores[3:]]


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=60).map(sorted), st.integers(1, 400))
def test_moments_are_few_they_ascend_and_end_with_the_last_event(times: list[int], days: int) -> None:
    found = OutcomePlan((1, 3, 8), every_days=days).moments(times)

    assert found[-1] == times[-1]
    assert len(found) <= MAX_MOMENTS + 1
    assert all(early < late for early, late in pairwise(found))
    assert set(found) <= set(times)


def test_an_outcome_of_what_is_no_fact_is_refused_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = (Path(__file__).parents[3] / "streams/config/course_work.toml").read_text(encoding="utf-8")
    file.write_text(text.replace('numerator = ["early.n"]', 'numerator = ["punctual.n"]', 1), encoding="utf-8")

    with pytest.raises(SkillsError, match=r"skills\.self_regulation\.outcome: 'punctual\.n' is not <fact>"):
        load_skills(str(file))


def test_a_skill_set_without_outcomes_keeps_the_version_that_it_had_before_there_were_any() -> None:
    assert load_skills("course_success").config_version == "edbc37a58e15"
