"""Native events: what a learning platform says its students do.

One JSON object a record, tagged by `type`, versioned by `version`. Unknown fields are allowed, so a platform may
send more than we read; everything that is read is validated here, once.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

VERSION = 1
EARLIEST_TIME = datetime(1990, 1, 1, tzinfo=UTC)
MAX_IDENTIFIER_CHARS = 256
MAX_COMPONENT_CHARS = 64
MAX_COMPONENTS_OF_EVENT = 8
NO_ITEM = "no-item:"
"""How the `item_id` of an attempt begins whose item is not known; the rest is in no other event of the student."""

Identifier: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_IDENTIFIER_CHARS)]
ActId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=512)]
ActIds: TypeAlias = Annotated[
    tuple[ActId, ...],
    Meta(min_length=1, max_length=4, description="the act that the event tells, where several may tell it"),
]
ComponentName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_COMPONENT_CHARS)]
ComponentNames: TypeAlias = Annotated[
    tuple[ComponentName, ...],
    Meta(
        min_length=1,
        max_length=MAX_COMPONENTS_OF_EVENT,
        description="the knowledge components that the item asks for; a name that comes twice counts once",
    ),
]
EventTime: TypeAlias = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset")]
UnitScore: TypeAlias = Annotated[float, Meta(ge=0, le=1, description="scaled to 0-1")]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=31_536_000)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]


class EventBase(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """What every event has: who, when, and an id by which a repeat is known.

    A `voidable` event can be taken back, for a while, by a `voided` one: the row then keeps what it added. `act_ids`
    are for platforms that tell one act in several events: of those that share one, a student's first counts. One that
    begins with @ is of a moment: whatever shares it has the same time.

    `course_id`, `class_id` and `school_id` say where the student learns: those named last are in the update.
    `source` is the platform, by which students can be compared of whom nothing else is known.
    """

    version: Literal[1]
    event_id: Identifier
    student_id: Identifier
    time: EventTime
    voidable: bool = False
    act_ids: ActIds | None = None
    course_id: Identifier | None = None
    class_id: Identifier | None = None
    school_id: Identifier | None = None
    source: Identifier | None = None


class Attempt(EventBase, tag="attempt", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An answer to an item, scored."""

    item_id: Identifier
    score: UnitScore
    hints: Count = 0
    duration_s: Seconds | None = None
    attempt: Annotated[int, Meta(ge=1, le=1_000_000, description="1 for the first try")] = 1
    success: Annotated[bool | None, Meta(description="whether it passed; else its score decides")] = None
    kcs: ComponentNames | None = None


class Failure(EventBase, tag="failure", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A try that failed without a score: code that does not run, a task given up."""

    item_id: Identifier
    gave_up: bool = False


class Retry(EventBase, tag="retry", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The student starts again on something that did not work."""

    item_id: Identifier


class Hint(EventBase, tag="hint", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hint was asked for."""

    item_id: Identifier


class Submission(EventBase, tag="submission", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Work handed in, perhaps with a due time, perhaps already marked."""

    item_id: Identifier
    due: EventTime | None = None
    score: UnitScore | None = None
    weight: Annotated[float, Meta(ge=0, le=1, description="share of the course's mark")] | None = None


class Mark(EventBase, tag="mark", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Work that had been handed in was marked."""

    item_id: Identifier
    score: UnitScore


class Overdue(EventBase, tag="overdue", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Work was due at `time` and had not been handed in."""

    item_id: Identifier
    weight: Annotated[float, Meta(ge=0, le=1, description="share of the course's mark")] | None = None


class Control(EventBase, tag="control", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Controls set in a simulation, as offsets from their neutral position, and applied; or a reset."""

    task_id: Identifier
    controls: Annotated[dict[str, float], Meta(max_length=64)] = {}
    reset: bool = False
    changed: Annotated[Count | None, Meta(description="controls that differ from the action before")] = None
    duration_s: Seconds | None = None


class Message(EventBase, tag="message", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something written to others."""

    text: str
    in_reply_to: Identifier | None = None


class Reflection(EventBase, tag="reflection", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something written about one's own work."""

    text: str
    item_id: Identifier | None = None
    asked_for: Annotated[
        bool, Meta(description="an answer to a question that was set: its phrases are read, and it is no reflection")
    ] = False


class Collaboration(EventBase, tag="collaboration", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An act towards other learners."""

    act: Literal["asked", "answered", "helped", "reviewed", "shared", "agreed", "disagreed"]


class Session(EventBase, tag="session", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The start or the end of a course, a sitting or a task; `withdrawn` from a course, before it was over."""

    phase: Literal["enrolled", "start", "end", "withdrawn"]
    duration_s: Seconds | None = None


class Media(EventBase, tag="media", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Use of a video or audio recording."""

    media_id: Identifier
    action: Literal["played", "paused", "seeked", "completed"]
    progress: UnitScore | None = None


class Rubric(EventBase, tag="rubric", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A teacher's rating of one skill."""

    skill: Identifier
    rating: UnitScore


class Voided(EventBase, tag="voided", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The student's event `voided_id`, which was `voidable`, is to count no more."""

    voided_id: Identifier


class Navigation(EventBase, tag="navigation", frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A page was opened. Valid, of no use for skills: counted as ignored."""

    page: str = ""


NativeEvent: TypeAlias = (
    Attempt
    | Failure
    | Retry
    | Hint
    | Submission
    | Mark
    | Overdue
    | Control
    | Message
    | Reflection
    | Collaboration
    | Session
    | Media
    | Rubric
    | Voided
    | Navigation
)
