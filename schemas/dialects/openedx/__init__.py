"""The Open edX dialect: tracking events, as lines of tracking.log or as they are routed, one a record.

    event ──name──► verb, type ─┐
          └─who, what, result ──┴─► the statement that Open edX derives ──xAPI──► native events

A problem of several questions is, as there, an event of the problem and one of each question.
"""

from typing import Any, Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from schemas.dialects.caliper.student import ANONYMOUS
from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.openedx.names import COURSE, NAMES, PROBLEM_CHECK, PROBLEM_CHECK_OF_BROWSER, Derived
from schemas.dialects.openedx.results import attempts_of, questions_of, result_of
from schemas.dialects.openedx.subjects import course_of, question_of, subject_of
from schemas.dialects.openedx.tracked import Tracked, looks_tracked, read_tracked
from schemas.dialects.openedx.users import name_of_actor, user_of
from schemas.dialects.record import Decoded, Ignored, Invalid, Record
from schemas.dialects.xapi import Xapi
from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.reading import ReadStatement
from schemas.dialects.xapi.senses import Sense
from schemas.errors import InvalidInput
from schemas.event import NativeEvent

__all__ = ["NO_SUBJECT", "OpenEdx"]

NO_SUBJECT: Final = "no item"
_MAX_NAME_CHARS: Final = 80
_UNKNOWN: Final = Derived("", "")


class OpenEdx:
    """Reads tracking events, by the table of names and `xapi`, the dialect of what Open edX derives from them."""

    name = "openedx"

    def __init__(self, xapi: Xapi, mapping: Mapping = NO_MAPPING) -> None:
        self._xapi = xapi
        self._options = mapping.openedx
        self._root_url = mapping.openedx.root_url.rstrip("/")
        self._own = {name: Sense(kind) for name, kind in mapping.openedx.kinds.items()}

    def claims(self, document: Any) -> bool:
        return looks_tracked(document)

    def decode(self, document: Any, record: Record) -> Decoded:
        try:
            return self._decode(read_tracked(document), record)
        except InvalidInput as error:
            return Decoded(invalid=(Invalid(error.reason, str(error), self.name),))

    def _decode(self, event: Tracked, record: Record) -> Decoded:
        own, derived = self._own.get(event.name), _derived(event)
        if own is None and derived is _UNKNOWN:
            return self._ignored(event.name)
        actor = user_of(event, self._options)
        if actor is None:
            return self._ignored(f"{event.name} ({ANONYMOUS})")
        subject = subject_of(event, derived.type, self._root_url)
        if not (subject or own):
            return self._ignored(f"{event.name} ({NO_SUBJECT})")
        events: list[NativeEvent] = []
        parts: list[int] = []
        for part, reading in enumerate(self._readings(event, actor, subject, derived)):
            made, of_no_use = self._xapi.events_of(reading, record, own)
            if of_no_use:
                return self._ignored(event.name)
            events += made
            parts += [part] * len(made)
        return Decoded(events, parts=parts if len(events) > 1 else ())

    def _ignored(self, name: str) -> Decoded:
        return Decoded(ignored=(Ignored(self.name, name[:_MAX_NAME_CHARS]),))

    def _readings(self, event: Tracked, actor: s.Actor, subject: str, derived: Derived) -> list[ReadStatement]:
        """The statement of the event, and one of each question where it has several."""
        id, numbered = event.digest(name_of_actor(actor)), attempts_of(event)
        said: list[tuple[str, str, s.Result | UnsetType]] = [(id, subject, result_of(event, texts=self._options.texts))]
        for answer, result in questions_of(event).items():
            said.append((f"{id}#{answer}", question_of(subject, answer), result))
        statement = s.Statement(
            actor=actor,
            verb=s.Verb(id=derived.verb),
            object=None,
            context=self._context(event),
            timestamp=UNSET if event.time is None else event.time.isoformat(),
        )
        return [
            ReadStatement(
                replace(statement, result=result),
                s.Activity(id=about, definition=s.Definition(type=derived.type, extensions=numbered)),
                of_it,
                event.time,
            )
            for of_it, about, result in said
        ]

    def _context(self, event: Tracked) -> s.Context:
        course = course_of(event, self._root_url)
        activities = [s.Activity(id=course, definition=s.Definition(type=COURSE))] if course else []
        return s.Context(context_activities=s.ContextActivities(parent=activities))


def _derived(event: Tracked) -> Derived:
    if event.name == PROBLEM_CHECK and event.source == "browser":
        return PROBLEM_CHECK_OF_BROWSER
    return NAMES.get(event.name, _UNKNOWN)
