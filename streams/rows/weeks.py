"""The scores of a row's student at the end of each week that had events, and those of the week under way.

    week, number of skills of it (2 each), 0 | skill (4), before, score, low, high (2 each), 0 (4) | … of that week
                                             | skill, number of weeks (4 each) | week, score, low, high (2 each) | …

Weeks begin on Mondays, 0:00 UTC, and are counted from that of 1 January 1970; a row's week is that of its newest event.
Scores are in 1/10,000, UNSCORED for what there is not. `before` is the score at the end of the last week before this
one that has one. First is the week under way, which each scoring writes; behind it the weeks that are over, of each
skill the last of them, which change when a week turns. Skills are in the order of their codes, so that equal rows have
equal bytes. A row of which no skill ever had a score has no such part.
"""

import struct
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.rows.layout import Array, Indices
from streams.rows.row import MAX_SKILL_STATES, MAX_WEEKS

SCALE: Final = 10_000
UNSCORED: Final = 0xFFFF
WEEK_SCORE: Final = np.dtype(
    [("skill", "<u4"), ("before", "<u2"), ("score", "<u2"), ("low", "<u2"), ("high", "<u2"), ("unused", "<u4")]
)
_FIRST: Final = struct.Struct("<HH4x")
_SKILL: Final = struct.Struct("<II")
_POINT: Final = struct.Struct("<HHHH")
_DAY_US: Final = 86_400 * 1_000_000
_MONDAY_DAYS: Final = 3
"""1 January 1970 was a Thursday."""


class WeekPoint(NamedTuple):
    """A skill at the end of a week: in 1/10,000, UNSCORED for an end of an interval that there is not."""

    week: int
    score: int
    low: int
    high: int


PastWeeks = Mapping[int, Sequence[WeekPoint]]
"""By `skill_code`, the weeks that are over, in their order."""


def week_of(time_us: Any) -> Any:
    """The week of a time, or of an array of them."""
    return week_of_day(time_us // _DAY_US)


def week_of_day(day: Any) -> Any:
    """The week of a day, counted from 1 January 1970."""
    return (day + _MONDAY_DAYS) // 7


@cache
def monday_of(week: int) -> str:
    """The date with which a week begins."""
    return str(np.datetime64(week * 7 - _MONDAY_DAYS, "D"))


def begins_s(week: Any) -> Any:
    """When a week begins, or an array of them, in seconds."""
    return (week * 7 - _MONDAY_DAYS) * 86_400


class WeekUnderWay(NamedTuple):
    """Of many rows, what their parts begin with: `week` by row, -1 of a row without; `scores` have those of all rows,
    row by row, of which `owner` says whose they are; `past` are the bytes of the weeks that are over.
    """

    week: NDArray[np.int64]
    scores: Array
    owner: NDArray[np.intp]
    past: list[bytes]

    @classmethod
    def of(cls, sections: Sequence[bytes]) -> "WeekUnderWay":
        """Of these parts of rows, one a row."""
        firsts = [_FIRST.unpack_from(section) if section else (-1, 0) for section in sections]
        ends = [_FIRST.size + count * WEEK_SCORE.itemsize for _, count in firsts]
        scores = [section[_FIRST.size : end] for section, end in zip(sections, ends, strict=True)]
        counts = [count for _, count in firsts]
        return cls(
            np.array([week for week, _ in firsts], np.int64),
            np.frombuffer(b"".join(scores), WEEK_SCORE),
            np.repeat(np.arange(len(sections)), counts),
            [section[end:] for section, end in zip(sections, ends, strict=True)],
        )


class NotedWeeks(NamedTuple):
    """The week under way as scoring noted it: `scores`, of shape (rows, skills), of the rows with the indices `row`.
    `turned` are the indices of those of whom an earlier one was over with it.
    """

    row: Indices
    scores: Array
    turned: Indices


NO_WEEKS: Final = NotedWeeks(np.zeros(0, np.intp), np.zeros((0, 0), WEEK_SCORE), np.zeros(0, np.intp))


def weeks_section(week: int, scores: bytes, past: bytes) -> bytes:
    """The part of a row whose week under way has these scores."""
    if not scores and not past:
        return b""
    return b"".join((_FIRST.pack(week, len(scores) // WEEK_SCORE.itemsize), scores, past))


def past_in(section: bytes) -> bytes:
    """Of a part of a row, the weeks that are over, for `past_of`."""
    return section[_FIRST.size + _FIRST.unpack_from(section)[1] * WEEK_SCORE.itemsize :] if section else b""


def past_of(past: bytes) -> dict[int, list[WeekPoint]]:
    """The weeks that are over, from their bytes. Raises ValueError for what are none."""
    found: dict[int, list[WeekPoint]] = {}
    at = 0
    try:
        while at < len(past):
            skill, count = _SKILL.unpack_from(past, at)
            begin = at + _SKILL.size
            at = begin + count * _POINT.size
            found[skill] = [WeekPoint(*_POINT.unpack_from(past, each)) for each in range(begin, at, _POINT.size)]
    except struct.error:
        raise ValueError("weeks that are cut off") from None
    return found


def past_bytes(weeks: PastWeeks) -> bytes:
    """The reverse of `past_of`. Of more than MAX_SKILL_STATES skills those go whose last week is the oldest, of more
    weeks than MAX_WEEKS with the one under way the oldest.
    """
    newest = sorted(weeks, key=lambda skill: (-weeks[skill][-1].week, skill))[:MAX_SKILL_STATES]
    pieces: list[bytes] = []
    for skill in sorted(newest):
        points = weeks[skill][-(MAX_WEEKS - 1) :]
        pieces.append(_SKILL.pack(skill, len(points)))
        pieces += [_POINT.pack(*point) for point in points]
    return b"".join(pieces)


def week_faults(section: bytes) -> str:
    """What is wrong with a part of a row; nothing: an empty text."""
    if not section:
        return ""
    try:
        under_way = WeekUnderWay.of([section])
        past = past_of(under_way.past[0])
        whole = weeks_section(int(under_way.week[0]), under_way.scores.tobytes(), past_bytes(past)) == section
        skills = under_way.scores["skill"].tolist()
        in_order = sorted(set(skills)) == skills and all(sorted(set(points)) == points for points in past.values())
    except (ValueError, IndexError, struct.error):
        return "weeks that are cut off"
    return "" if whole and in_order else "weeks in another order, or more of them than a row has"
