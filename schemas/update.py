"""`skill-updates`: what is known of a student's skills, how surely, and why.

The topic is compacted by student, so each message stands alone: it holds every skill for which there is evidence. A
skill is a `score` where something that saw labels, or a person, speaks for this student; else it is a `profile`. What
is the same for every student is said once, by `config_version`, on `skill-catalogue`. Fields at their default are left
out, and what there is most of are arrays, whose places are named here.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from schemas.bounds import Position
from schemas.upcasting import UPDATE_UPCASTERS, read_message

UPDATE_VERSION: Final = 2

CountOrSum: TypeAlias = Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0)]
UnitInterval = Annotated[float, Meta(ge=0, le=1)]
Trend = Annotated[float, Meta(ge=-1, le=1)]
Kind = Literal["score", "mastery", "profile"]
SourceStatus = Literal["ok", "stale", "failed"]
Level = Literal["unknown", "emerging", "developing", "proficient"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)


class EvidenceItem(Struct, frozen=True, array_like=True, gc=False):
    """A fact that moved a score: `[fact, age_s, value, task, direction]`; places at the end that are as usual are left
    out.

    `age_s` is how many seconds before `as_of` it was, from whole second to whole second; `value` is 1 where it is left
    out. `task` is what its event calls the item, task or recording that it is of, a part of a long name; null where
    there is none. `direction` is -1 where it speaks against the skill, and else left out.
    """

    fact: Annotated[str, Meta(title="fact")]
    age_s: Annotated[int, Meta(title="age_s")]
    value: Annotated[float, Meta(title="value")] = 1.0
    task: Annotated[str, Meta(title="task")] | None = None
    direction: Annotated[Literal[-1, 1], Meta(title="direction")] = 1


class Contribution(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One source's part: its probability, effective sample size, age, and what it added to the score's log-odds.

    `log_odds` is left out where the source is no part of the score, though it said something.
    """

    status: SourceStatus = "ok"
    p: UnitInterval | None = None
    n: Annotated[float, Meta(ge=0)] = 0.0
    age_s: Annotated[float, Meta(ge=0)] = 0.0
    log_odds: float | UnsetType = UNSET

    @property
    def added(self) -> float:
        """What it added to the score's log-odds: nothing where it is no part of it."""
        return 0.0 if self.log_odds is UNSET else self.log_odds


class SkillScore(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="kind", tag="score"):
    """A skill's score. `validated`: what saw real labels carries it, and was trained on students like this one.

    `low` to `high` is its 90 % interval; absent where no table of intervals was fitted to outcomes. With one,
    `confidence` says how much narrower it is than that of somebody of whom nothing is known; without, how much evidence
    there is. `contributions` are of the sources that said something, or failed. What the score rests on, in words, is
    in the catalogue, by those of them that have `log_odds`. `out_of_range` is true, or absent: the model saw no student
    like this one, so that its score has no level and is not validated.
    """

    score: UnitInterval
    low: UnitInterval | UnsetType = UNSET
    high: UnitInterval | UnsetType = UNSET
    confidence: UnitInterval
    level: Level
    validated: bool
    out_of_range: bool | UnsetType = UNSET
    contributions: dict[str, Contribution]
    evidence: list[EvidenceItem] = []

    @property
    def kind(self) -> Kind:
        return "score"


class SkillMastery(SkillScore, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="mastery"):
    """A score by an item bank: the mean of the student's later answers, whatever their knowledge component."""

    @property
    def kind(self) -> Kind:
        return "mastery"


class IndicatorRate(Struct, frozen=True, array_like=True, gc=False):
    """How often something was done, of how often it could have been: `[count, of, trend]`.

    Both are sums of a student's whole history: of events, or of their values, as scores; one divided by the other is
    the rate. `trend` is how much higher the rate was of late (half-life 30 days); left out where it is the same.
    """

    count: Annotated[CountOrSum, Meta(title="count")]
    of: Annotated[CountOrSum, Meta(title="of")]
    trend: Annotated[Trend, Meta(title="trend")] = 0.0

    @property
    def value(self) -> float:
        """The rate."""
        return self.count / self.of if self.of else 0.0


class SkillProfile(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="kind", tag="profile"):
    """What a student did that a skill is about: no score, and no level. Nothing here was held against an outcome.

    `indicators` are only those that something was observed of, by name. `contributions` are of sources that are not
    built in.
    """

    indicators: dict[str, IndicatorRate] = field(default_factory=dict)
    evidence: list[EvidenceItem] = []
    contributions: dict[str, Contribution] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return "profile"

    @property
    def validated(self) -> bool:
        return False


KnownSkill: TypeAlias = SkillScore | SkillMastery | SkillProfile


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
    trend: Trend


class ScoreChange(Struct, frozen=True, array_like=True, gc=False):
    """How a score moved: `[skill, from, to, because]`.

    `from` is the score at the end of the last week before the one of `as_of` that had one; weeks are ISO weeks in UTC,
    by the time of events. `to` is the score of this update. `because` is the place, from 1, of the evidence item of the
    skill that weighs most of those of this week that point the same way; left out where there is none.
    """

    skill: Annotated[str, Meta(title="skill")]
    before: Annotated[float, Meta(ge=0, le=1, title="from")]
    after: Annotated[float, Meta(ge=0, le=1, title="to")]
    because: Annotated[int, Meta(ge=1, title="because")] | None = None


class SkillUpdate(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One student's skills. Deduplicate by (`student_id`, `seq`, `config_version`, `norms_version`); the later wins.

    `seq` is the (epoch, offset) of the last event folded: equal seq means equal folded events; gaps are normal.
    `degraded` names the sources that failed; `as_of` is the newest event time folded. `mastery` has the components that
    the student met last, at most eight, the last one first; it is there only where the model has an item bank.
    `changed` has the scores that moved noticeably since the week before. `course_id`, `class_id` and `school_id` are
    those that the student's events named last; absent where none did.
    `config_version` is the key of its entry in `skill-catalogue`, which was written before it.
    `norms_version` names the norms of items and cohorts that it was scored under; absent where there were none.
    `new_cohort` is true, or absent: neither the course nor the class, nor anything else that the student could be
    compared with, has norms yet, though the model compares. `generated_at` is when a worker wrote this message, by its
    own clock: of two messages with one id it may differ, and a replay's have none.
    """

    version: Literal[2]
    student_id: str
    seq: Position
    as_of: str
    skills: dict[str, KnownSkill]
    degraded: list[str] = []
    mastery: list[ComponentMastery] | UnsetType = UNSET
    changed: list[ScoreChange] = []
    course_id: str | UnsetType = UNSET
    class_id: str | UnsetType = UNSET
    school_id: str | UnsetType = UNSET
    config_version: str
    norms_version: str | UnsetType = UNSET
    new_cohort: bool | UnsetType = UNSET
    generated_at: str | UnsetType = UNSET

    def time_of(self, item: EvidenceItem) -> str:
        """When an evidence item of this update was: RFC 3339 in UTC, as `as_of`."""
        second = datetime.fromisoformat(self.as_of).replace(microsecond=0)
        return (second - timedelta(seconds=item.age_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def generated_at(time: str) -> bytes:
    """What comes in place of the last byte of an encoded update that is generated now."""
    return b',"generated_at":"%b"}' % time.encode()


def evidence_id(skill: str, number: int) -> str:
    """What an explanation calls an evidence item: by its skill, and its place there, from 1."""
    return f"{skill}.{number}"


class _Versioned(Struct, frozen=True):
    version: int


_VERSIONS: Final = msgspec.json.Decoder(_Versioned)
_UPDATES: Final = msgspec.json.Decoder(SkillUpdate)


def is_former(value: bytes) -> bool:
    """Whether an update that can be read is of a former version."""
    return _VERSIONS.decode(value).version < UPDATE_VERSION


def read_update(value: bytes) -> SkillUpdate:
    """The update in a record's value, of this version or a former one.

    Raises msgspec.MsgspecError, or UnicodeDecodeError, for what is none.
    """
    return read_message(value, _UPDATES, UPDATE_UPCASTERS)
