"""Updates, skill sets and parts for tests of reasoning."""

from typing import Literal

from schemas.update import (
    UPDATE_VERSION,
    Contribution,
    EvidenceItem,
    IndicatorRate,
    KnownSkill,
    SkillProfile,
    SkillScore,
    SkillUpdate,
)
from streams.reasoning.request.prompt import Prompt
from streams.skills.skill_set import Indicator, Skill, SkillSet
from streams.skills.suggestions import Suggestion

NAME = "Zebedee-Canary"
STUDENT = f"urn:school:{NAME}:4711"
EVENT = "event-canary-0815"
PHRASE = "~my hamster canary"
SKILLS = SkillSet(
    version=1,
    name="tests",
    skills={
        "resilience": Skill(
            definition="Goes on when something does not work.",
            basis="tests",
            weights={"behaviour": 1.0},
            indicators=(
                Indicator(
                    "comes_back", ("retried.n",), ("failed.n",), 0.5, words="came back to {count} of {of} failed tasks"
                ),
                Indicator("gives_up", ("gave_up.n",), ("failed.n",), 0.2),
            ),
            suggestions=(Suggestion(text="Come back to it on another day."),),
        ),
        "empathy": Skill(definition="Sees what others feel.", basis="tests", weights={"behaviour": 1.0}),
        "adaptability": Skill(definition="Changes plan when the task does.", basis="tests", weights={"behaviour": 1.0}),
    },
)


def prompt() -> Prompt:
    return Prompt(SKILLS)


def evidence(
    id: str, fact: str, value: float, direction: Literal[-1, 1] = 1, time: str = "2026-11-20T08:00:00Z"
) -> EvidenceItem:
    return EvidenceItem(id=id, fact=fact, value=value, direction=direction, time=time)


def scored(
    score: float = 0.72,
    confidence: float = 0.6,
    level: Literal["unknown", "emerging", "developing", "proficient"] = "proficient",
    items: tuple[EvidenceItem, ...] = (),
) -> SkillScore:
    return SkillScore(
        score=score,
        low=max(score - 0.1, 0),
        high=min(score + 0.1, 1),
        confidence=confidence,
        level=level,
        validated=False,
        contributions={
            "behaviour": Contribution(status="ok", p=0.8, n=12, age_s=60, log_odds=0.9),
            "language": Contribution(status="absent"),
        },
        evidence=list(items),
    )


COMES_BACK = IndicatorRate(name="comes_back", count=3, of=4, value=0.75, trend=0.2)
GIVES_UP = IndicatorRate(name="gives_up", count=1, of=4, value=0.25)


def profile(*items: EvidenceItem, rates: tuple[IndicatorRate, ...] = (GIVES_UP, COMES_BACK)) -> SkillProfile:
    return SkillProfile(validated=False, indicators=list(rates), evidence=list(items))


def update(seq: tuple[int, int] = (0, 41), **skills: KnownSkill) -> SkillUpdate:
    """An update of two skills with evidence and one without, unless others are given."""
    given: dict[str, KnownSkill] = dict(skills) or {
        "resilience": scored(
            items=(
                evidence(f"{EVENT}:1", "recovered", 3.0),
                evidence(f"{EVENT}:2", "failed", 0.4, -1, "2026-11-22T07:00:00Z"),
            )
        ),
        "empathy": scored(0.55, 0.3, "developing", (evidence(f"{EVENT}:3", PHRASE, 1.2),)),
        "adaptability": scored(0.5, 0.0, "unknown"),
    }
    return SkillUpdate(
        version=UPDATE_VERSION,
        student_id=STUDENT,
        seq=seq,
        as_of="2026-11-22T08:00:00Z",
        skills=given,
        degraded=[],
        config_version="abc",
        model="m",
    )
