"""Situations of the eighth and ninth lots of claims: tasks, changes since the last explanation, a rubric."""

from functools import cache
from typing import Any, Final, Literal

import msgspec

from schemas.update import EvidenceItem, KnownSkill
from streams.reasoning.counted import Counted, RateChange, SkillChange
from streams.reasoning.request.prompt import Prompt, Request
from streams.skills.skills_file import load_skills
from tests.unit.reasoning.samples import evidence, profile, rate, scored, update

_Item = tuple[str, float, Literal[-1, 1], int] | tuple[str, float, Literal[-1, 1], int, str]
"""Fact, value, direction, days ago, and of which task."""
_Rate = tuple[str, float, float]
"""Indicator, how often, of how often."""
_SCORES: Final[dict[str, tuple[str, float, float, float, tuple[_Item, ...]]]] = {
    "X1": (
        "resilience",
        0.72,
        0.62,
        0.82,
        (
            ("retried", 2, 1, 1, "Sums"),
            ("recovered", 3, 1, 1, "Sums"),
            ("gave_up", 1, -1, 4, "Climate"),
            ("~never give up", 1, 1, 2),
            ("~too hard", 1, -1, 0),
        ),
    ),
    "X2": (
        "course_success",
        0.36,
        0.25,
        0.48,
        (
            ("marked", 0.79, 1, 5, "Essay"),
            ("marked", 0.32, -1, 3, "Report"),
            ("early", 2, 1, 6, "Poster"),
            ("late", 1, -1, 5, "Diary"),
            ("missed", 1, -1, 7),
        ),
    ),
    "X3": (
        "problem_solving",
        0.51,
        0.4,
        0.62,
        (
            ("varied_one", 1, 1, 2),
            ("varied_some", 3, -1, 0),
            ("failed", 0.6, -1, 1, "Sums"),
            ("isolated", 1, 1, 3),
            ("passed", 0.75, 1, 4, "Climate"),
        ),
    ),
    "X8": (
        "course_success",
        0.48,
        0.36,
        0.6,
        (
            ("marked", 0.79, 1, 5, "Essay"),
            ("late", 0.3, -1, 7, "Report"),
            ("finished", 1, 1, 2),
            ("sought", 1, -1, 2),
            ("rubric", 0.8, 1, 3),
        ),
    ),
}
_PROFILES: Final[dict[str, tuple[str, tuple[_Rate, ...], tuple[_Item, ...]]]] = {
    "X4": (
        "collaboration",
        (("acts_with_others", 4, 7), ("agrees", 3, 3)),
        (("helped", 1, 1, 1), ("~we could", 1, 1, 9), ("asked", 1, 1, 2), ("~do it myself", 1, -1, 6)),
    ),
    "X5": (
        "resilience",
        (),
        (("gave_up", 1, -1, 0, "Sums"), ("recovered", 2, 1, 1, "Climate"), ("~too hard", 1, -1, 3)),
    ),
    "X6": (
        "self_regulation",
        (("hands_in_on_time", 3, 4), ("reflects", 1, 5)),
        (
            ("late", 1.1, -1, 3, "Essay"),
            ("~ran out of time", 1, -1, 7),
            ("early", 0.9, 1, 2, "Poster"),
            ("~my plan", 1, 1, 5),
        ),
    ),
    "X7": (
        "communication",
        (("takes_part", 4, 10), ("answers_others", 7, 8)),
        (("replied", 1, 1, 1), ("asked", 1, 1, 2), ("~for example", 1, 1, 4), ("~idk", 1, -1, 6)),
    ),
    "X9": (
        "empathy",
        (("helps_rather_than_asks", 3, 7), ("answers_others", 2, 8)),
        (("~not my problem", 1, -1, 5), ("helped", 1, 1, 0), ("~must be hard", 1, 1, 2), ("~are you okay", 1, 1, 1)),
    ),
}
_CHANGES: Final = {
    "X5": SkillChange(
        1_794_297_600,  # 2026-11-10
        (
            RateChange("tries_again_after_failing", Counted(3, 4), Counted(5, 12)),
            RateChange("gives_up", Counted(1, 4), Counted(5, 12)),
        ),
    ),
    "X8": SkillChange(1_794_124_800, (RateChange("hands_in_on_time", Counted(0, 2), Counted(1, 2)),)),  # 2026-11-08
}
FURTHER: Final = frozenset((*_SCORES, *_PROFILES))


@cache
def further_request(name: str) -> Request:
    """What would be asked in a situation: indicators come first, those that moved most of late before the others."""
    skill, known = _score(*_SCORES[name]) if name in _SCORES else _profile(*_PROFILES[name])
    skill_set = load_skills("course_success" if skill == "course_success" else "default")
    changes = {skill: _CHANGES[name]} if name in _CHANGES else {}
    skills: dict[str, Any] = {skill: known}
    return Prompt(skill_set).question(update(**skills), None, changes).request


def _score(skill: str, score: float, low: float, high: float, items: tuple[_Item, ...]) -> tuple[str, KnownSkill]:
    known = scored(score, level="emerging" if score < 0.4 else "developing", items=_items(items))
    return skill, msgspec.structs.replace(known, low=low, high=high)


def _profile(skill: str, rates: tuple[_Rate, ...], items: tuple[_Item, ...]) -> tuple[str, KnownSkill]:
    ranked = (rate(name, count, of, 0.01 * (len(rates) - at)) for at, (name, count, of) in enumerate(rates))
    return skill, profile(*_items(items), rates=tuple(ranked))


def _items(items: tuple[_Item, ...]) -> tuple[EvidenceItem, ...]:
    return tuple(_item(*item) for item in items)


def _item(fact: str, value: float, direction: Literal[-1, 1], days_ago: int, task: str | None = None) -> EvidenceItem:
    item = evidence(fact, value, direction, f"2026-11-{22 - days_ago:02d}T08:00:00Z")
    return item if task is None else msgspec.structs.replace(item, task=task)
