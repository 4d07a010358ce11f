"""Which attempt a statement is about, as far as it says: so that two statements of one act count once.

An attempt at a whole (a quiz, a package) holds several answers to its questions, and maybe several to one of them. So
of a question only its own number of the attempt tells, which Open edX says.
"""

from typing import Any, Final

from msgspec import UNSET

from schemas.dialects import act_ids
from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.contexts import activities_of
from schemas.dialects.xapi.extensions import ATTEMPT
from schemas.dialects.xapi.reading import ReadStatement

ATTEMPT_TYPE: Final = "http://adlnet.gov/expapi/activities/attempt"
_QUESTIONS: Final = ("question", "interaction", "essay")


def acts_of(reading: ReadStatement, what: str, about: str, *, is_passed_once: bool) -> tuple[str, ...]:
    """The ids of the act that a statement tells, of `what` was done to an activity; none of what is no activity.

    `is_passed_once`: by its verb it is a pass, and says no score, by which two passes could differ.
    """
    if not isinstance(reading.object, s.Activity):
        return ()
    item = reading.object.id
    if about == "course" and is_passed_once:  # Open edX says so each time it is, and when it is for the first time
        return (act_ids.of_item("passed", item),)
    found = _attempt(reading, about)
    ids = () if found is None else (act_ids.of_attempt(what, found, item),)
    if reading.time is None or reading.statement.timestamp is UNSET:
        return ids
    return (*ids, act_ids.of_moment(what, item, reading.time))


def _attempt(reading: ReadStatement, about: str) -> str | None:
    """The attempt's id, or its number with a # before it."""
    object = reading.object
    definition = object.definition if isinstance(object, s.Activity) else UNSET
    if definition is not UNSET and definition.extensions is not UNSET:
        number = _number(definition.extensions)
        if number is not None:
            return number
    if about in _QUESTIONS:
        return None
    if isinstance(object, s.Activity) and definition is not UNSET and definition.type == ATTEMPT_TYPE:
        return object.id
    context = reading.statement.context
    if context is UNSET:
        return None
    if (held := context.context_activities) is not UNSET:
        for activity in activities_of(held.parent, held.grouping, held.other):
            if activity.definition is not UNSET and activity.definition.type == ATTEMPT_TYPE:
                return activity.id
    return None if context.extensions is UNSET else _number(context.extensions)


def _number(extensions: dict[str, Any]) -> str | None:
    number = extensions.get(ATTEMPT)
    if type(number) is float and number.is_integer():
        number = int(number)
    return f"#{number}" if type(number) is int or (type(number) is str and number) else None
