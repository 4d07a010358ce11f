"""Reads a statement's result: score, success, duration, text and progress."""

from typing import Any, Final, TypeGuard

from msgspec import UNSET, Struct, UnsetType

from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.extensions import ATTEMPT, CMI5_PROGRESS, VIDEO_PROGRESS
from schemas.dialects.xapi.times import seconds_of_duration

_MOST_ATTEMPTS: Final = 1000


class ResultSummary(Struct, frozen=True, gc=False):
    """A result, as far as it is of use. `score` and `progress` are on a scale of 0 to 1."""

    score: float | None = None
    success: bool | None = None
    duration_s: float | None = None
    text: str = ""
    progress: float | None = None

    @property
    def is_scored(self) -> bool:
        return self.score is not None or self.success is not None

    def has_passed(self, verb: bool | None) -> bool | None:
        """Whether it passed, as far as it or its `verb` says so.

        A success beside the least possible score is one without a pass mark (Moodle): no pass, unless the verb says so.
        """
        if self.success and self.score == 0.0:
            return bool(verb)
        return verb if self.success is None else self.success


_NONE: Final = ResultSummary()


def outcome(result: s.Result | UnsetType) -> ResultSummary:
    """What a valid result says. Who can score nothing succeeds in nothing: then only a failure is one (Open edX)."""
    if result is UNSET:
        return _NONE
    if result.score is result.success is result.duration is result.response is UNSET:
        return ResultSummary(progress=None if result.extensions is UNSET else _progress(result.extensions))
    score = None if result.score is UNSET else _score(result.score)
    success = None if result.success is UNSET else result.success
    if success and score is None and result.score is not UNSET and not _is_scorable(result.score):
        success = None
    return ResultSummary(
        score,
        success,
        None if result.duration is UNSET else seconds_of_duration(result.duration),
        "" if result.response is UNSET else result.response,
        None if result.extensions is UNSET else _progress(result.extensions),
    )


def attempt_number(object: s.Object) -> int:
    """Which try at a question this is, as Open edX says it; 1 where nothing is said."""
    definition = object.definition if isinstance(object, s.Activity) else UNSET
    if definition is UNSET or definition.extensions is UNSET:
        return 1
    tries = definition.extensions.get(ATTEMPT)
    return int(tries) if _is_number(tries) and 1 <= tries <= _MOST_ATTEMPTS else 1


def _score(score: s.Score) -> float | None:
    """The share of what can be scored; None where there is no telling what is much.

    1. `raw` between `min` and `max`, where all three are said and `max` is above `min`: nothing is clearer, and
       `scaled` may be scaled to anything (Moodle's is from -1 to 1).
    2. `scaled`; but below zero it says less than a `raw` of zero or more, which 3 then reads.
    3. `raw` between zero and `max`, where no `min` is said and `max` is above zero.
    4. zero, where `raw` is the least that there is and no `max` is said.

    Where nothing can be scored (`max` is `min`), `raw` says nothing, nor does a `scaled` of zero.
    """
    scaled, raw, low, high = score.scaled, score.raw, score.min, score.max
    if raw is not UNSET and high is not UNSET:
        if low is UNSET:
            if high > 0 and (scaled is UNSET or scaled < 0 <= raw):
                return max(0.0, raw / high) if raw <= high else 1.0
        elif high > low:
            return (raw - low) / (high - low)  # from 0 to 1, as the rules have it
    if scaled is UNSET:
        return 0.0 if _is_least(score) else None
    if not (scaled or _is_scorable(score)):
        return None
    return scaled if scaled > 0 else 0.0


def _is_least(score: s.Score) -> bool:
    """Whether its `raw` is all that can be told, and no share of anything: the `min` that is said, else zero."""
    return score.raw is not UNSET and score.max is UNSET and score.raw <= (0.0 if score.min is UNSET else score.min)


def _is_scorable(score: s.Score) -> bool:
    """Whether it leaves room for a score, as far as it says."""
    return score.max is UNSET or score.max > (0.0 if score.min is UNSET else score.min)


def _progress(extensions: s.Extensions) -> float | None:
    """How far the student is, as the video profile (0-1) and cmi5 (0-100) say it."""
    if _is_number(share := extensions.get(VIDEO_PROGRESS)):
        return min(1.0, max(0.0, float(share)))
    if _is_number(percent := extensions.get(CMI5_PROGRESS)):
        return min(1.0, max(0.0, percent / 100.0))
    return None


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) is float or type(value) is int  # and not bool
