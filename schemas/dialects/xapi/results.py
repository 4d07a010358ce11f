"""What came of it: score, success, duration, text and progress of a statement's result."""

from typing import Any, Final, TypeGuard

from msgspec import UNSET, Struct, UnsetType

from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.times import seconds

_ATTEMPT: Final = "http://id.tincanapi.com/extension/attempt-id"
_MOST_ATTEMPTS: Final = 1000
_VIDEO_PROGRESS: Final = "https://w3id.org/xapi/video/extensions/progress"
_CMI5_PROGRESS: Final = "https://w3id.org/xapi/cmi5/result/extensions/progress"


class Outcome(Struct, frozen=True, gc=False):
    """A result, as far as it is of use. `score` and `progress` are on a scale of 0 to 1."""

    score: float | None = None
    success: bool | None = None
    duration_s: float | None = None
    text: str = ""
    progress: float | None = None

    @property
    def is_judged(self) -> bool:
        return self.score is not None or self.success is not None


_NONE: Final = Outcome()


def outcome(result: s.Result | UnsetType) -> Outcome:
    """What a valid result says."""
    if result is UNSET:
        return _NONE
    if result.score is result.success is result.duration is result.response is UNSET:
        return Outcome(progress=None if result.extensions is UNSET else _progress(result.extensions))
    return Outcome(
        None if result.score is UNSET else _score(result.score),
        None if result.success is UNSET else result.success,
        None if result.duration is UNSET else seconds(result.duration),
        "" if result.response is UNSET else result.response,
        None if result.extensions is UNSET else _progress(result.extensions),
    )


def attempt(object: s.Object) -> int:
    """Which try at a question this is, as Open edX says it; 1 where nothing is said."""
    definition = object.definition if isinstance(object, s.Activity) else UNSET
    if definition is UNSET or definition.extensions is UNSET:
        return 1
    tries = definition.extensions.get(_ATTEMPT)
    return int(tries) if _is_number(tries) and 1 <= tries <= _MOST_ATTEMPTS else 1


def _score(score: s.Score) -> float | None:
    """None where there is no telling what is much.

    `scaled` counts; below zero is as good as zero. Else `raw` between `min`, zero if not said, and `max`. Where nothing
    can be scored (`max` is `min`), `raw`, and a `scaled` of zero, say nothing.
    """
    low = 0.0 if score.min is UNSET else score.min
    is_scorable = score.max is UNSET or score.max > low
    if score.scaled is not UNSET and (is_scorable or score.scaled):
        return max(0.0, score.scaled)
    if score.raw is UNSET or score.max is UNSET or not is_scorable:
        return None
    return min(1.0, max(0.0, (score.raw - low) / (score.max - low)))


def _progress(extensions: s.Extensions) -> float | None:
    """How far the student is, as the video profile (0-1) and cmi5 (0-100) say it."""
    if _is_number(share := extensions.get(_VIDEO_PROGRESS)):
        return min(1.0, max(0.0, float(share)))
    if _is_number(percent := extensions.get(_CMI5_PROGRESS)):
        return min(1.0, max(0.0, percent / 100.0))
    return None


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) is float or type(value) is int  # and not bool
