"""The page of one student as HTML: what there is in words and pictures, what is missing said, everything escaped."""

from datetime import date

import msgspec
import pytest

from agents.dashboard.intervals import ScorePoint, over_time, track
from agents.dashboard.student_page import no_student_page, student_page
from schemas.explanation import Explanation
from schemas.history import SkillHistory
from schemas.student_answer import StudentAnswer
from tests.agents.dashboard_students import answer, explanation, history
from tests.unit.test_dashboard_page import Outline


def outline(found: StudentAnswer, explained: Explanation | None = None, weeks: SkillHistory | None = None) -> Outline:
    return Outline(student_page(found, explained, weeks))


def labels(page: Outline) -> list[str]:
    return [attrs["aria-label"] or "" for tag, attrs in page.tags if tag == "svg" and "aria-label" in attrs]


def test_what_changed_and_what_drove_it_is_said_in_words() -> None:
    text = " ".join(outline(answer()).text.split())

    assert "problem solving rose from 0.55 to 0.64, most of all for this: ✓ for tried again after failing" in text
    assert "reading fell from 0.85 to 0.81" in text


def test_scores_have_their_interval_level_and_what_they_rest_on() -> None:
    page = outline(answer())

    assert "problem solving: 0.64, between 0.52 and 0.75" in labels(page)
    assert "reading: 0.81" in labels(page)
    for words in ("developing", "checked against outcomes", "It rests on how experiments", "(Levers)", "2026-11-25"):
        assert words in page.text, words


def test_scores_over_time_have_their_intervals_and_the_week_under_way_once() -> None:
    [drawn] = [label for label in labels(outline(answer(), None, history())) if "weeks" in label]

    assert drawn == (
        "problem solving, 12 weeks: 0.30, between 0.10 and 0.55 on 2026-09-07; "
        "0.64, between 0.52 and 0.75 on 2026-11-26"
    )


def test_components_and_counts_are_in_tables() -> None:
    page = outline(answer())

    assert "fractions: 0.72, between 0.60 and 0.82" in labels(page)
    for words in ("▲ more (+10%)", "▼ less (−20%)", "12 of 13", "tries again after failing", "north", "7b"):
        assert words in page.text, words


def test_a_claim_leads_to_its_facts() -> None:
    page = outline(answer(), explanation())

    cited = [each for each in page.values("href") if each.startswith("#fact-")]
    assert cited == ["#fact-0-1", "#fact-0-2", "#fact-0-1"]
    assert {each.removeprefix("#") for each in cited} <= set(page.values("id"))
    assert "Written by gpt-4.1" in page.text
    assert "The student has done more since." in page.text


def test_what_is_missing_is_said() -> None:
    bare = msgspec.structs.replace(
        answer(), skills={}, behaviour=None, mastery=msgspec.UNSET, changed=[], degraded=["model"]
    )
    text = outline(bare).text

    for words in (
        "No skill has a score",
        "could not be looked up in time",
        "no item bank",
        "No score moved",
        "Nothing was explained yet",
        "Without what had failed: model",
    ):
        assert words in text, words


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "\"' onload='alert(1)"])
def test_what_platforms_and_models_write_is_escaped(evil: str) -> None:
    text = msgspec.json.encode(answer()).decode().replace("sim-00042", evil.replace('"', '\\"'))
    text = text.replace("fractions", evil.replace('"', '\\"')).replace("Levers", evil.replace('"', '\\"'))
    told = msgspec.structs.replace(explanation(), summary=evil, model=evil)
    page = outline(msgspec.json.decode(text, type=StudentAnswer), told)

    assert not any(tag == "script" or "onload" in attrs for tag, attrs in page.tags)
    assert "alert(1)" in page.text
    assert not any(tag == "script" for tag, _ in Outline(no_student_page(evil, evil)).tags)


def test_a_single_point_is_no_line_and_an_interval_may_be_missing() -> None:
    point = ScorePoint(date(2026, 11, 26), 0.5)

    assert over_time("s", [point], {}) == ""
    assert "range" not in track("s", 0.5, None, None)
