"""Maps a valid event to an act: the kind, and the values that a native event of that kind has."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import structs

from schemas.dialects.act import MARK_SUFFIX, Act
from schemas.dialects.act_ids import WHAT, of_attempt, of_moment
from schemas.dialects.caliper.conformance import Conformant
from schemas.dialects.caliper.context_of_event import class_and_course, components_of_item, source_of
from schemas.dialects.caliper.student import described_attempt, entity
from schemas.dialects.caliper.values import duration_seconds, instant, is_integer, is_iri
from schemas.dialects.caliper.version import ResolvedUse
from schemas.dialects.markup import without_markup

_QUIZZES: Final = ("Assessment", "AssessmentItem")
_ATTEMPTED: Final = ("AssessmentEvent", "AssessmentItemEvent", "AssignableEvent")


def kind_of(event: Mapping[str, Any], checked: Conformant, usage: ResolvedUse) -> str:
    """The table's kind, but for what only the event can tell.

    A graded quiz, or an item of one, is an attempt; a second start is a retry.
    """
    if usage.student == "assignee":
        return "attempt" if entity(described_attempt(event).get("assignable")).get("type") in _QUIZZES else usage.kind
    if checked.action == "Started" and checked.type in _ATTEMPTED and _count(described_attempt(event)) > 1:
        return "retry"
    return usage.kind


def act_of(
    event: Mapping[str, Any], kind: str, student_id: str, time: datetime, components: Collection[str] = ()
) -> Act:
    """The act that a native event of this `kind` is made of; `components` are types of entities."""
    what = _what(event)
    act = Act(event_id=event["id"].lower(), student_id=student_id, time=time, object_id=what.get("id", ""))
    act.source = source_of(event)
    act.class_id, act.course_id = class_and_course(event)
    if kind == "attempt":
        act.kcs = components_of_item(what, components)
    details = _DETAILS.get(kind)
    if details:
        details(act, event)
    return act


def _what(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was worked on: of an attempt, what was attempted."""
    found = event["object"]
    if isinstance(found, dict) and found.get("type") != "Attempt":
        return found
    return entity(described_attempt(event).get("assignable")) or entity(found)


def _count(tried: Mapping[str, Any]) -> int:
    count = tried.get("count")
    return int(count) if is_integer(count) and count else 1


def mark_of(handed_in: Act, event: Mapping[str, Any]) -> Act:
    """The act of marking what an event says was handed in and marked; `handed_in` is left without the mark."""
    marked = structs.replace(handed_in, event_id=f"{handed_in.event_id}{MARK_SUFFIX}")
    marked.act_ids = _act_ids(marked, event, WHAT["mark"])
    handed_in.score = None
    return marked


def _act_ids(act: Act, event: Mapping[str, Any], what: str) -> tuple[str, ...]:
    """Which act it is: what was done in the event's attempt, else at the act's item and moment."""
    tried = described_attempt(event)
    name = tried.get("id", "")
    if is_iri(name) and not name.startswith("_:"):
        return (of_attempt(what, f"{name} #{_count(tried)}", _item(event)),)
    return (of_moment(what, act.object_id, act.time),) if act.object_id else ()


def _item(event: Mapping[str, Any]) -> str:
    """The item of a quiz that an event is about: one attempt at the quiz holds several; empty for anything else."""
    if event["type"] == "AssessmentItemEvent":
        return str(entity(event["object"]).get("id", ""))
    what = _what(event)
    return str(what.get("id", "")) if what.get("type") == "AssessmentItem" else ""


def _tried(act: Act, event: Mapping[str, Any]) -> None:
    tried = described_attempt(event)
    act.act_ids = _act_ids(act, event, WHAT["attempt"])
    act.attempt = _count(tried)
    act.duration_s = _lasted(tried)
    act.score = score(event)


def _handed_in(act: Act, event: Mapping[str, Any]) -> None:
    act.act_ids = _act_ids(act, event, WHAT["submission"])
    act.score = score(event)
    if act.score is None:  # the time of a mark says nothing of when work was handed in
        act.due = instant(_what(event).get("dateToSubmit"))


def score(event: Mapping[str, Any]) -> float | None:
    """The share of the greatest score that was given; None where either is not known."""
    generated = entity(event.get("generated"))
    given = generated.get("scoreGiven", generated.get("resultScore"))
    if given is None:
        return None
    greatest = generated.get("maxScore") or generated.get("maxResultScore") or _what(event).get("maxScore")
    if not isinstance(given, int | float) or not isinstance(greatest, int | float) or greatest <= 0:
        return None
    return given / greatest


def _sat(act: Act, event: Mapping[str, Any]) -> None:
    found = entity(event["object"])
    if event["type"] != "SessionEvent":
        act.duration_s = _lasted(described_attempt(event))
    else:
        act.duration_s = _lasted(found if found.get("type") == "Session" else entity(event.get("session")))


def _lasted(spell: Mapping[str, Any]) -> float | None:
    """The seconds that an attempt, a response or a session says it took, or that lie between its ends."""
    said = duration_seconds(spell.get("duration"))
    if said is not None:
        return said
    end = instant(spell.get("endedAtTime"))
    start = instant(spell.get("startedAtTime")) if end else None
    return (end - start).total_seconds() if start and end else None


def _wrote(act: Act, event: Mapping[str, Any]) -> None:
    found, generated = entity(event["object"]), entity(event.get("generated"))
    texts = (found.get("body"), generated.get("body"), generated.get("value"), generated.get("bookmarkNotes"))
    act.text = without_markup(next((text for text in texts if isinstance(text, str)), ""))
    act.reply_to = entity(found.get("replyTo")).get("id")


def _played(act: Act, event: Mapping[str, Any]) -> None:
    at, of = (
        duration_seconds(entity(event.get("target")).get("currentTime")),
        duration_seconds(entity(event["object"]).get("duration")),
    )
    act.progress = at / of if at is not None and of else None


_DETAILS: Final[dict[str, Callable[[Act, Mapping[str, Any]], None]]] = {
    "attempt": _tried,
    "submission": _handed_in,
    "message": _wrote,
    "reflection": _wrote,
    "essay": _wrote,
    "start": _sat,
    "end": _sat,
    "played": _played,
    "paused": _played,
    "seeked": _played,
    "watched": _played,
}
