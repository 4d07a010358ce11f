"""From a valid statement to native events: by its verb's sense, one for each student that acted.

    statement ──► voided? ──yes──► Voided, for the record's student
                    │ no
                    └──► sense of (verb, family of object) ──► kind ──► one event a student

What a SubStatement tells of did not happen (Data 2.4.4.3): it may be planned, foretold, or what a teacher looked for.
So it is nobody's act. Nor is the object of a statement about a person or another statement the actor's own work: of
such a statement only what is said or done to others counts (asked, commented, reviewed …), any other is navigation.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import UNSET

from schemas import event as e
from schemas.dialects.act import Act, bounded_identifier, native
from schemas.dialects.act_ids import WHAT
from schemas.dialects.markup import without_markup
from schemas.dialects.record import Record
from schemas.dialects.students import StudentKeys
from schemas.dialects.xapi import results
from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.activities import BROADER
from schemas.dialects.xapi.actors import acting_students, assessed_students
from schemas.dialects.xapi.attempts import acts_of
from schemas.dialects.xapi.contexts import components_in, course_in, platform_in
from schemas.dialects.xapi.reading import ReadStatement
from schemas.dialects.xapi.senses import TRY, Sense, Senses
from schemas.errors import InvalidInput

_TOWARDS_OTHERS: Final = frozenset(
    {"message", "reflection", "asked", "answered", "helped", "reviewed", "shared", "agreed", "disagreed"}
)
_OF_ONES_OWN: Final = ("reflection", "essay")
"""Kinds that are nothing without words."""
_IS_COMMENT: Final = re.compile(r"/discussion/v[0-9]++/comments/.").search
"""Open edX posts threads and comments; a comment answers a thread, or another comment, which is not named."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def sense_of(verb: str, about: str, verbs: Mapping[str, Senses], type: str = "") -> Sense | None:
    """What a verb means of an activity of this family, and `type`; None where no table knows the verb."""
    senses = verbs.get(verb)
    if senses is None:
        return None
    sense = (type and senses.get(type)) or senses.get(about) or senses.get(BROADER.get(about, "")) or senses[""]
    if about in ("person", "statement") and sense.kind not in _TOWARDS_OTHERS:
        return Sense("navigation")
    return sense


def events(
    reading: ReadStatement, sense: Sense, about: str, record: Record, keys: StudentKeys, components: Collection[str]
) -> list[e.NativeEvent]:
    """One event for each student that acted, on something of the family `about`; `components` are types of activities.

    Raises InvalidInput where its time or a key is of no use.
    """
    statement, object = reading.statement, reading.object
    outcome = results.outcome(statement.result)
    text = without_markup(outcome.text) if outcome.text and sense.is_of_words else ""
    kind = _kind(sense, outcome, text)
    act = Act(
        event_id=reading.id,
        student_id="",
        time=_time(reading, record),
        object_id=_object_id(object, keys),
        score=outcome.score,
        success=sense.success if outcome.success is None else outcome.has_passed(sense.success),
        duration_s=outcome.duration_s,
        text=text,
        progress=outcome.progress,
        voidable=statement.id is not UNSET,
    )
    if kind in WHAT:
        is_passed_once = sense.success is True and outcome.score is None
        answered = about or ("question" if sense == TRY else "")  # of no type: nothing says that it is a whole
        act.act_ids = acts_of(reading, WHAT[kind], answered, is_passed_once=is_passed_once)
    context = statement.context
    if context is not UNSET:
        act.source, act.course_id = platform_in(context), course_in(context)
        if kind == "attempt":
            act.kcs = components_in(context, components)
    if kind == "attempt":
        act.attempt = results.attempt_number(object)
    elif sense.is_reply or (kind == "message" and _IS_COMMENT(act.object_id)):
        act.reply_to = act.object_id
    made = []
    for student in (
        assessed_students(statement, keys) if sense.is_of_another else acting_students(statement.actor, keys)
    ):
        act.student_id = student
        made.append(native(kind, act))
    return made


def voided(reading: ReadStatement, record: Record, keys: StudentKeys) -> list[e.NativeEvent]:
    """The events that take back what a voiding statement names.

    It is about the record's student where the record has a key: who voids is often an administrator.
    """
    object = reading.object
    time = _time(reading, record)
    if time < e.EARLIEST_TIME:
        raise InvalidInput("absurd_time", f"the event's time is before {e.EARLIEST_TIME.year}")
    voided_id = object.id.lower() if isinstance(object, s.StatementRef) else ""
    return [
        e.Voided(
            version=1,
            event_id=reading.id,
            student_id=bounded_identifier(student),
            time=time,
            voided_id=voided_id,
        )
        for student in _voided_students(reading.statement.actor, record, keys)
    ]


def _voided_students(actor: s.Actor, record: Record, keys: StudentKeys) -> list[str]:
    try:
        named = (record.key or b"").decode()
    except UnicodeDecodeError:
        named = ""
    return [keys.of(named)] if named else list(acting_students(actor, keys))


def _kind(sense: Sense, outcome: results.ResultSummary, text: str) -> str:
    """The kind of event. Of notes and answers that say no word, nothing is left but that they were there."""
    if not sense.bare:
        return "navigation" if sense.kind in _OF_ONES_OWN and not text else sense.kind
    if outcome.is_scored:
        return sense.kind
    return "navigation" if sense.bare in _OF_ONES_OWN and not text else sense.bare


def _time(reading: ReadStatement, record: Record) -> datetime:
    """When it happened, else when it was stored, else the record's time."""
    if reading.time is not None:
        return reading.time
    try:
        return _EPOCH + timedelta(milliseconds=record.timestamp)
    except OverflowError:
        raise InvalidInput("absurd_time", "the record's time is out of range") from None


def _object_id(object: s.Object, keys: StudentKeys) -> str:
    if isinstance(object, s.Activity):
        return object.id
    if isinstance(object, s.StatementRef):
        return object.id.lower()
    return next(iter(acting_students(object, keys)), "") if isinstance(object, s.Actor) else ""
