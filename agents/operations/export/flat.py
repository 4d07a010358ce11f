"""An update as rows of two tables, of skills and of components. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET

from schemas.update import KnownSkill, SkillProfile, SkillScore, SkillUpdate

ColumnType = Literal["text", "number", "integer", "boolean", "time"]
Value = str | float | int | bool | datetime | None
FlatRow = tuple[Value, ...]


class FlatTable(NamedTuple):
    """A table's columns, in their order."""

    columns: dict[str, ColumnType]


_STUDENT: Final[dict[str, ColumnType]] = {
    "student_id": "text",
    "course_id": "text",
    "class_id": "text",
    "school_id": "text",
}
_MESSAGE: Final[dict[str, ColumnType]] = {
    "as_of": "time",
    "generated_at": "time",
    "seq_epoch": "integer",
    "seq_offset": "integer",
    "config_version": "text",
    "norms_version": "text",
    "new_cohort": "boolean",
    "degraded": "text",
}
SKILL_TABLE: Final = FlatTable(
    {
        **_STUDENT,
        "skill": "text",
        "kind": "text",
        "score": "number",
        "low": "number",
        "high": "number",
        "confidence": "number",
        "level": "text",
        "validated": "boolean",
        "out_of_range": "boolean",
        "indicators": "text",
        **_MESSAGE,
    }
)
"""`indicators` are those of a profile, as JSON; `degraded` the sources that had failed, with commas between them."""
COMPONENT_TABLE: Final = FlatTable(
    {
        **_STUDENT,
        "component": "text",
        "p": "number",
        "low": "number",
        "high": "number",
        "n": "integer",
        "trend": "number",
        **_MESSAGE,
    }
)


def skill_rows(update: SkillUpdate) -> Iterator[FlatRow]:
    """A row for each skill of the update, as SKILL_TABLE has it."""
    student, message = _student(update), _message(update)
    for name, skill in update.skills.items():
        yield (*student, name, skill.kind, *_scored(skill), *message)


def component_rows(update: SkillUpdate) -> Iterator[FlatRow]:
    """A row for each component of the update, as COMPONENT_TABLE has it."""
    student, message = _student(update), _message(update)
    for each in update.mastery or ():
        yield (*student, each.component, each.p, each.low, each.high, each.n, each.trend, *message)


def _scored(skill: KnownSkill) -> FlatRow:
    if isinstance(skill, SkillScore):
        low, high = (None if end is UNSET else end for end in (skill.low, skill.high))
        out_of_range = skill.out_of_range is True
        return skill.score, low, high, skill.confidence, skill.level, skill.validated, out_of_range, None
    return None, None, None, None, None, False, False, _indicators(skill)


def _indicators(profile: SkillProfile) -> str:
    return msgspec.json.encode(profile.indicators).decode()


def _student(update: SkillUpdate) -> FlatRow:
    ids = (update.course_id, update.class_id, update.school_id)
    return (update.student_id, *(None if each is UNSET else each for each in ids))


def _message(update: SkillUpdate) -> FlatRow:
    generated_at = None if update.generated_at is UNSET else datetime.fromisoformat(update.generated_at)
    norms_version = None if update.norms_version is UNSET else update.norms_version
    times = datetime.fromisoformat(update.as_of), generated_at
    versions = (*update.seq, update.config_version, norms_version)
    return (*times, *versions, update.new_cohort is True, ",".join(update.degraded) or None)
