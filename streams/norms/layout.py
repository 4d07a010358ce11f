"""The layout of what norms are made of: first answers to items, and what an answer says packed into 32 bits.

    score        10 bits, thousandths            time    11 bits, hundredths of log1p of seconds
    days early    9 bits, fifths, from -50 on    kind     2 bits

All are integers, so that sums of them do not depend on order, and a void subtracts to the bit what its event added.
"""

from functools import lru_cache
from hashlib import blake2b
from math import expm1, log1p
from typing import Final, NamedTuple

import numpy as np

from streams.rows.layout import Array

FIRST_ANSWER: Final = np.dtype(
    [("item", "<u8"), ("answer", "<u4"), ("student", "<u2"), ("sign", "i1"), ("unused", "u1")]
)
ITEM_SUMS: Final = np.dtype(
    [
        ("item", "<u8"),
        ("answers", "<i4"),
        ("wins", "<i4"),
        ("scored", "<i4"),
        ("students", "<i4"),
        ("timed", "<i4"),
        ("due", "<i4"),
        ("newest_s", "<u4"),
        ("component", "<u4"),
        ("score", "<i8"),
        ("squares", "<i8"),
        ("time", "<i8"),
        ("days", "<i8"),
        ("course_low", "<u4"),
        ("course_high", "<u4"),
        ("turn", "<u2"),
        ("recent", "<u2", (9,)),
        ("unused", "<u4"),
    ]
)
"""Sums of one partition over the first answers to an item, in the units of `AnswerValues`.

answers, wins      of those that are WRONG or RIGHT          scored, score, squares   of those with a score
timed, time        of those with a time                      due, days                of those with days early
students           how many, at least: `recent` has the codes of the last nine new ones, `turn` says which goes next
course_low, _high  the least and the greatest course (CRC-32) that it was answered in, both 0 where none was named

Counts are signed: a void may take back what was answered before the sums began.
"""
WORK: Final = 0
"""Kind: work handed in, or a mark; it is neither right nor wrong."""
WRONG: Final = 1
RIGHT: Final = 2
_NO_SCORE: Final = (1 << 10) - 1
_NO_TIME: Final = (1 << 11) - 1
_NO_DAYS: Final = (1 << 9) - 1
_MOST_DAYS: Final = 50
_DAYS: Final = 5  # a day has so many units
_TIMES: Final = 100  # log1p of seconds has so many units
_SCORES: Final = 1000
_DAY_S: Final = 86_400.0


class AnswerValues(NamedTuple):
    """Packed answers laid out, one of each array per answer; all int64.

    score: thousandths, time: hundredths of log1p of seconds, days: fifths of a day early (negative: late). Each has
    its own mask `has_…`, and is 0 where that is false. `kind` is WORK, WRONG or RIGHT.
    """

    score: Array
    has_score: Array
    time: Array
    has_time: Array
    days: Array
    has_days: Array
    kind: Array


@lru_cache(maxsize=65_536)
def item_code(item_id: str) -> int:
    """What an item is called in sums: 52 bits of BLAKE2b, so that a float holds it exactly.

    Two of 100,000 items share a code with a probability of 1e-6.
    """
    return int.from_bytes(blake2b(item_id.encode(), digest_size=8).digest(), "little") >> 12


def pack_answer(
    kind: int, score: float | None = None, duration_s: float | None = None, early_s: float | None = None
) -> int:
    """An answer in 32 bits; what is None is said to be unknown. `early_s` is negative where the work was late."""
    scored = _NO_SCORE if score is None else round(score * _SCORES)
    timed = _NO_TIME if duration_s is None else min(round(log1p(duration_s) * _TIMES), _NO_TIME - 1)
    days = _NO_DAYS
    if early_s is not None:
        days = round((min(max(early_s / _DAY_S, -_MOST_DAYS), _MOST_DAYS) + _MOST_DAYS) * _DAYS)
    return scored | timed << 10 | days << 21 | kind << 30


def time_s(time: float) -> float:
    """Seconds, of a packed time or of a mean of some: then their geometric mean, which is the median of times whose
    logarithms are spread evenly about it.
    """
    return expm1(time / _TIMES)


def pack_answers(kind: Array, score: Array, log_seconds: Array, days_early: Array) -> Array:
    """Each as `pack_answer`, of arrays of log1p of seconds and of days; what is NaN is said to be unknown."""
    days = (np.clip(days_early, -_MOST_DAYS, _MOST_DAYS) + _MOST_DAYS) * _DAYS
    packed = _known_or(_NO_SCORE, score * _SCORES)
    packed |= _known_or(_NO_TIME, np.minimum(log_seconds * _TIMES, _NO_TIME - 1)) << 10
    packed |= _known_or(_NO_DAYS, days) << 21
    packed |= kind << 30
    return packed.astype(np.uint32)


def _known_or(unknown: int, value: Array) -> Array:
    return np.where(np.isnan(value), unknown, np.rint(value)).astype(np.int64)


def unpack_answers(packed: Array) -> AnswerValues:
    """What `pack_answer` packed, of an array of uint32."""
    wide = packed.astype(np.int64)
    score, time, days = wide & _NO_SCORE, wide >> 10 & _NO_TIME, wide >> 21 & _NO_DAYS
    has_score, has_time, has_days = score != _NO_SCORE, time != _NO_TIME, days != _NO_DAYS
    return AnswerValues(
        score=np.where(has_score, score, 0),
        has_score=has_score,
        time=np.where(has_time, time, 0),
        has_time=has_time,
        days=np.where(has_days, days - _MOST_DAYS * _DAYS, 0),
        has_days=has_days,
        kind=wide >> 30,
    )
