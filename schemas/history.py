"""`skill-history`: how a student's scores went, week by week.

The topic is compacted by student, and each message has all weeks that are over, up to 51 a skill: the newest is all
there is to know. One is written when a student's week turns, by the time of events.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.update import UnitInterval

HISTORY_VERSION: Final = 1


class ScoreOfWeek(Struct, frozen=True, array_like=True, gc=False):
    """A score as of the last event of a week, as updates had it: `[week, score, low, high]`.

    `week` is the Monday with which it begins, at 0:00 UTC. `low` and `high` are the ends of the interval, left out
    where none was fitted.
    """

    week: Annotated[str, Meta(title="week")]
    score: Annotated[float, Meta(ge=0, le=1, title="score")]
    low: Annotated[float, Meta(ge=0, le=1, title="low")] | None = None
    high: UnitInterval | None = None


class SkillHistory(Struct, frozen=True, kw_only=True, gc=False):
    """The weeks of each skill that has a score, the oldest first; weeks without events have none.

    The week under way is not in it: its score is in the student's last update.
    """

    version: Literal[1]
    student_id: str
    skills: dict[str, list[ScoreOfWeek]]


_HISTORIES: Final = msgspec.json.Decoder(SkillHistory)


def encode_history(history: SkillHistory) -> bytes:
    """The message as it is written: without ends of intervals that there are not."""
    document = msgspec.to_builtins(history)
    for weeks in document["skills"].values():
        for week in weeks:
            while week[-1] is None:
                week.pop()
    return msgspec.json.encode(document)


def read_history(value: bytes) -> SkillHistory:
    """The history in a record's value. Raises msgspec.MsgspecError, or UnicodeDecodeError, for what is none."""
    return _HISTORIES.decode(value)
