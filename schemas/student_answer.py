"""What a worker answers who asks about a student: the newest scores, with texts, and what they were made of.

Served at `/students/{id}` (docs/contract/openapi.json); on no topic.
"""

from typing import Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from schemas.bounds import Position
from schemas.catalogue import LevelThresholds
from schemas.update import ComponentMastery, Contribution, Kind, Level, ScoreChange, Trend, UnitInterval

AnswerPart: TypeAlias = Literal["behaviour", "language"]
"""What may be missing in an answer."""


class DescribedEvidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact that moved a score, in words; `time` is when it was, `against` that it speaks against the skill."""

    fact: str
    text: str
    time: str
    value: float
    task: str | UnsetType = UNSET
    against: bool = False


class DescribedIndicator(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often something was done, of how often it could have been, over all of a student's history; `trend` is how
    much higher the rate was of late. `text` says it in words; empty where the skills file has none.
    """

    name: str
    text: str
    count: float
    of: float
    trend: Trend = 0.0


class DescribedSkill(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One skill, as in the newest update; `rests_on` says in words what a score rests on. A profile has no score."""

    kind: Kind
    definition: str
    score: UnitInterval | UnsetType = UNSET
    low: UnitInterval | UnsetType = UNSET
    high: UnitInterval | UnsetType = UNSET
    confidence: UnitInterval | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    validated: bool | UnsetType = UNSET
    out_of_range: bool | UnsetType = UNSET
    rests_on: str = ""
    contributions: dict[str, Contribution] = {}
    evidence: list[DescribedEvidence] = []


class LanguageRead(Struct, frozen=True, kw_only=True):
    """How much of what a student wrote was read for a skill: `texts` is their number, older ones weighing less
    (half-life 30 days), `newest` when the last was written.
    """

    texts: float
    newest: str


class StudentAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A student, scored anew from all that is folded, under the configuration in force.

    `seq`, `as_of`, `config_version`, `norms_version` and `new_cohort` are those of the update that says the same.
    `behaviour` is what was counted for each skill, `language` how much was read; `partial` names those of the two that
    could not be looked up in time.
    `degraded` names sources of scores that failed. `mastery` is there only where the model has an item bank.
    `changed` has the scores that moved noticeably since the week before; its last place counts in `evidence`.
    """

    student_id: str
    seq: Position
    as_of: str
    config_version: str
    skill_set: str
    model: str
    levels: LevelThresholds
    skills: dict[str, DescribedSkill]
    behaviour: dict[str, list[DescribedIndicator]] | None
    language: dict[str, LanguageRead] | None
    mastery: list[ComponentMastery] | UnsetType = UNSET
    changed: list[ScoreChange] = []
    course_id: str | UnsetType = UNSET
    class_id: str | UnsetType = UNSET
    school_id: str | UnsetType = UNSET
    degraded: list[str] = []
    partial: list[AnswerPart] = []
    norms_version: str | UnsetType = UNSET
    new_cohort: bool | UnsetType = UNSET


class QueryRefusal(Struct, frozen=True, kw_only=True):
    """Why there is no answer: `error` is for people, `partial` names workers that are away."""

    error: str
    partial: list[str] = []
