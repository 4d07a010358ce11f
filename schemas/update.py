"""`skill-updates`: what is believed of a student's skills, how surely, and why.

The topic is compacted by student, so each message stands alone: it holds every skill for which there is evidence.
"""

from typing import Annotated, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

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


class ComponentMastery(Struct, frozen=True, kw_only=True, gc=False):
    """One knowledge component: `p`, how likely the next answer in it is right, whatever the item.

    `low` to `high` holds the mean of the student's later answers in it, five or more, in 9 of 10 cases. `n` is how many
    there were; `trend` how much the share of right ones was higher of late (half-life 30 days) than over all of them.
    """

    component: str
    p: UnitInterval
    low: UnitInterval
    high: UnitInterval
    n: Annotated[int, Meta(ge=1)]
    trend: Annotated[float, Meta(ge=-1, le=1)]


class SkillUpdate(Struct, frozen=True, kw_only=True, gc=False):
    """One student's skills. Deduplicate by (`student_id`, `seq`, `config_version`); of equal ids the later wins.

    `seq` is the (epoch, offset) of the last event folded: equal seq means equal folded events; gaps are normal.
    `degraded` names the sources that failed; `as_of` is the newest event time folded. `mastery` has the components that
    the student met last, at most eight, the last one first; it is there only where the model has an item bank.
    """

    version: Literal[1]
    student_id: str
    seq: Position
    as_of: str
    skills: dict[str, SkillScore]
    degraded: list[str]
    mastery: list[ComponentMastery] | UnsetType = UNSET
    config_version: str
    model: str
