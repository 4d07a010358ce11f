"""`skill-updates`: what is believed of a student's skills, how surely, and why.

The topic is compacted by student, so each message stands alone: it holds every skill for which there is evidence.
"""

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from schemas.bounds import Position

UPDATE_VERSION: Final = 1

UnitInterval = Annotated[float, Meta(ge=0, le=1)]
SourceStatus = Literal["absent", "ok", "stale", "failed"]
Level = Literal["unknown", "emerging", "developing", "proficient"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)


class EvidenceItem(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A fact that moved a score. `id` is unique within the update; `direction` is 1 for, -1 against the skill."""

    id: str
    fact: str
    value: float
    direction: Literal[-1, 1]
    time: str


class Contribution(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One source's part: its probability, effective sample size, age, and what it added to the score's log-odds."""

    status: SourceStatus
    p: UnitInterval | None = None
    n: Annotated[float, Meta(ge=0)] = 0.0
    age_s: Annotated[float, Meta(ge=0)] = 0.0
    log_odds: float = 0.0


class SkillScore(Struct, frozen=True, kw_only=True, gc=False):
    """A skill's score with its 90 % interval. `validated`: a model that saw real labels is part of it.

    `rests_on` says, in words, what this score of this student rests on: the sources that are part of it; of a model,
    what it was trained on; without one, that there are no labels.
    """

    score: UnitInterval
    low: UnitInterval
    high: UnitInterval
    confidence: UnitInterval
    level: Level
    validated: bool
    rests_on: str = ""
    contributions: dict[str, Contribution]
    evidence: list[EvidenceItem] = []


class SkillUpdate(Struct, frozen=True, kw_only=True, gc=False):
    """One student's skills. Deduplicate by (`student_id`, `seq`, `config_version`); of equal ids the later wins.

    `seq` is the (epoch, offset) of the last event folded: equal seq means equal folded events; gaps are normal.
    `degraded` names the sources that failed; `as_of` is the newest event time folded.
    """

    version: Literal[1]
    student_id: str
    seq: Position
    as_of: str
    skills: dict[str, SkillScore]
    degraded: list[str]
    config_version: str
    model: str
