"""The common form of other dialects' events: an act of one student, and the kind of native event it becomes.

    statement, Caliper event ──verb or action──► kind ──┐
                             └─who, what, result──► Act ┴─► native event

A dialect's table, and `mapping.toml`, name kinds; what a native event needs of an act is here, once.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from msgspec import Struct

from schemas import event as e
from schemas.errors import InvalidInput

MARK_SUFFIX: Final = "#mark"
"""Behind the id of an event that tells of work handed in and marked: the id of its mark."""
_MAX_DURATION_S: Final = 31_536_000.0
_MAX_COUNT: Final = 1_000_000


class Act(Struct, kw_only=True, gc=False):
    """Who did something, when, to what, and what came of it, as far as the dialect says.

    `score` is scaled to 0-1; `success` says whether it passed, whatever the score; `attempt` counts from 1. Raises
    nothing: `native` checks.
    """

    event_id: str
    student_id: str
    time: datetime
    object_id: str
    score: float | None = None
    success: bool | None = None
    duration_s: float | None = None
    attempt: int = 1
    hints: int = 0
    due: datetime | None = None
    text: str = ""
    reply_to: str | None = None
    progress: float | None = None
    voidable: bool = False
    act_ids: tuple[str, ...] = ()
    kcs: tuple[str, ...] = ()
    course_id: str | None = None
    class_id: str | None = None
    source: str | None = None


def native(kind: str, act: Act) -> e.NativeEvent:
    """The native event of this `kind` (a key of KINDS) that `act` is.

    Raises InvalidInput with reason absurd_time or missing_identifier.
    """
    if act.time < e.EARLIEST_TIME:
        raise InvalidInput("absurd_time", f"the event's time is before {e.EARLIEST_TIME.year}")
    if not (act.event_id and act.student_id):
        raise InvalidInput("missing_identifier", "the event or its student has no identifier")
    return KINDS[kind](act)


def bounded_identifier(text: str) -> str:
    """`text`, or its SHA-256 where it is too long for a native event."""
    return text if len(text) <= e.MAX_IDENTIFIER_CHARS else f"sha256:{sha256(text.encode()).hexdigest()}"


def _of(act: Act) -> dict[str, Any]:
    """The fields that all native events have."""
    fields: dict[str, Any] = {
        "version": e.VERSION,
        "event_id": bounded_identifier(act.event_id),
        "student_id": bounded_identifier(act.student_id),
        "time": act.time,
        "voidable": act.voidable,
        "act_ids": act.act_ids or None,
    }
    if act.course_id:
        fields["course_id"] = bounded_identifier(act.course_id)
    if act.class_id:
        fields["class_id"] = bounded_identifier(act.class_id)
    if act.source:
        fields["source"] = bounded_identifier(act.source)
    return fields


def _item(act: Act) -> str:
    return bounded_identifier(act.object_id) or "unknown"


def _score(act: Act) -> float | None:
    if act.score is not None:
        return min(1.0, max(0.0, act.score))
    return None if act.success is None else float(act.success)


def _duration_s(act: Act) -> float | None:
    return None if act.duration_s is None else min(_MAX_DURATION_S, max(0.0, act.duration_s))


def _attempt(act: Act) -> e.NativeEvent:
    """An attempt that says neither a score nor whether it succeeded tells nothing of a skill."""
    score = _score(act)
    if score is None:
        return _navigation(act)
    return e.Attempt(
        **_of(act),
        item_id=_item(act),
        score=score,
        hints=min(_MAX_COUNT, max(0, act.hints)),
        duration_s=_duration_s(act),
        attempt=min(_MAX_COUNT, max(1, act.attempt)),
        success=act.success,
        kcs=act.kcs or None,
    )


def _submission(act: Act) -> e.NativeEvent:
    return e.Submission(**_of(act), item_id=_item(act), due=act.due, score=_score(act))


def _mark(act: Act) -> e.NativeEvent:
    score = _score(act)
    return _navigation(act) if score is None else e.Mark(**_of(act), item_id=_item(act), score=score)


def _message(act: Act) -> e.NativeEvent:
    return e.Message(**_of(act), text=act.text, in_reply_to=bounded_identifier(act.reply_to) if act.reply_to else None)


def _navigation(act: Act) -> e.NativeEvent:
    return e.Navigation(**_of(act), page=act.object_id)


def _media(action: Literal["played", "paused", "seeked", "completed"]) -> Callable[[Act], e.NativeEvent]:
    def media(act: Act) -> e.NativeEvent:
        progress = None if act.progress is None else min(1.0, max(0.0, act.progress))
        return e.Media(**_of(act), media_id=_item(act), action=action, progress=progress)

    return media


def _session(phase: Literal["enrolled", "start", "end"]) -> Callable[[Act], e.NativeEvent]:
    return lambda act: e.Session(**_of(act), phase=phase, duration_s=_duration_s(act))


def _collaboration(
    what: Literal["asked", "answered", "helped", "reviewed", "shared", "agreed", "disagreed"],
) -> Callable[[Act], e.NativeEvent]:
    return lambda act: e.Collaboration(**_of(act), act=what)


KINDS: Final[dict[str, Callable[[Act], e.NativeEvent]]] = {
    "attempt": _attempt,
    "submission": _submission,
    "mark": _mark,
    "failure": lambda act: e.Failure(**_of(act), item_id=_item(act)),
    "gave_up": lambda act: e.Failure(**_of(act), item_id=_item(act), gave_up=True),
    "retry": lambda act: e.Retry(**_of(act), item_id=_item(act)),
    "hint": lambda act: e.Hint(**_of(act), item_id=_item(act)),
    "message": _message,
    "reflection": lambda act: e.Reflection(**_of(act), text=act.text, item_id=_item(act)),
    "essay": lambda act: e.Reflection(**_of(act), text=act.text, item_id=_item(act), asked_for=True),
    "asked": _collaboration("asked"),
    "answered": _collaboration("answered"),
    "helped": _collaboration("helped"),
    "reviewed": _collaboration("reviewed"),
    "shared": _collaboration("shared"),
    "agreed": _collaboration("agreed"),
    "disagreed": _collaboration("disagreed"),
    "enrolled": _session("enrolled"),
    "start": _session("start"),
    "end": _session("end"),
    "played": _media("played"),
    "paused": _media("paused"),
    "seeked": _media("seeked"),
    "watched": _media("completed"),
    "navigation": _navigation,
}
"""Kinds of native events, by the name that tables and `mapping.toml` call them."""
