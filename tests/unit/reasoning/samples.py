"""Updates, skill sets and parts for tests of reasoning."""

from datetime import UTC, datetime
from typing import Literal, TypeAlias

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


AS_OF = datetime(2026, 11, 22, 8, tzinfo=UTC)


def evidence(
    fact: str, value: float, direction: Literal[-1, 1] = 1, time: str = "2026-11-20T08:00:00Z"
) -> EvidenceItem:
    age_s = int((AS_OF - datetime.fromisoformat(time)).total_seconds())
    return EvidenceItem(fact=fact, age_s=age_s, value=value, direction=direction)


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
        },
        evidence=list(items),
    )


NamedRate: TypeAlias = tuple[str, IndicatorRate]
COMES_BACK: NamedRate = ("comes_back", IndicatorRate(count=3, of=4, trend=0.2))
GIVES_UP: NamedRate = ("gives_up", IndicatorRate(count=1, of=4))


def rate(name: str, count: float, of: float, trend: float = 0.0) -> NamedRate:
    return name, IndicatorRate(count=count, of=of, trend=trend)


def profile(*items: EvidenceItem, rates: tuple[NamedRate, ...] = (GIVES_UP, COMES_BACK)) -> SkillProfile:
    return SkillProfile(indicators=dict(rates), evidence=list(items))


def update(seq: tuple[int, int] = (0, 41), **skills: KnownSkill) -> SkillUpdate:
    """An update of two skills with evidence and one without, unless others are given."""
    given: dict[str, KnownSkill] = dict(skills) or {
        "resilience": scored(
            items=(
                evidence("recovered", 3.0),
                evidence("failed", 0.4, -1, "2026-11-22T07:00:00Z"),
            )
        ),
        "empathy": scored(0.55, 0.3, "developing", (evidence(PHRASE, 1.2),)),
        "adaptability": scored(0.5, 0.0, "unknown"),
    }
    return SkillUpdate(
        version=UPDATE_VERSION,
        student_id=STUDENT,
        seq=seq,
        as_of="2026-11-22T08:00:00Z",
        skills=given,
        config_version="abc",
    )
