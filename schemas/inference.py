"""`POST /inference/batch`: the lines of an answer, and the document that may be asked with.

    items, one a line or in a document ──► one line a student, or a bad item, in the items' order ──► a summary

An answer without a summary was cut off. Items are counted from 0.
"""

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from schemas.bounds import Size
from schemas.update import SkillUpdate

Onto = Literal["empty", "stored"]
ItemNumber: TypeAlias = Annotated[int, Meta(ge=0)]

UNKNOWN_STUDENT: Final = "unknown_student"
NOTHING_APPLIED: Final = "nothing_applied"
NOT_AN_ID: Final = "not_an_id"


class InferenceRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document, of `students` or of `events`: ids of students, whose scores are as of now; or events in any form
    that the topic takes, which are scored without being stored.

    `onto` says what the events are folded onto: an `empty` row a student, or a copy of the `stored` one.
    """

    students: list[Raw] | UnsetType = UNSET
    events: list[Raw] | UnsetType = UNSET
    onto: Onto = "empty"


class InferredUpdate(Struct, frozen=True, kw_only=True):
    """A student, by the first item about them: what `skill-updates` would say.

    The update's `seq` is that of the stored row; where events of this request were folded, it is `[0, item]` of the
    last of them, and no position of the topic.
    """

    item: ItemNumber
    update: SkillUpdate


class ItemError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item, or a student, of whom there is no score: `reason` is countable, `error` is for people.

    Of a bad event both are as in its dead letter, as are `index` and `parts` (of an item of several parts).
    `student_id` is there where it is known.
    """

    item: ItemNumber
    reason: str
    error: str
    student_id: str = ""
    schema_guess: str = ""
    index: Size = 0
    parts: str = ""


class InferenceCounts(Struct, frozen=True, kw_only=True):
    """Of `items`, how many lines are `updates` and `errors`. Of the events in them: those `applied` (`late` ones, too),
    `duplicates`, those `ignored` as of no use, and those `dead_lettered`: none could be read of them.
    """

    items: Size
    updates: Size
    errors: Size
    applied: Size = 0
    duplicates: Size = 0
    ignored: Size = 0
    dead_lettered: Size = 0


class InferenceSummary(Struct, frozen=True, kw_only=True):
    """The last line of a whole answer. `config_version` is that of its updates."""

    config_version: str
    counts: InferenceCounts


class AnswerSummary(Struct, frozen=True, kw_only=True):
    """Says that the answer is whole."""

    summary: InferenceSummary


class AnswerFailure(Struct, frozen=True, kw_only=True):
    """The last line of an answer that could not be made whole, with the reason."""

    failed: str
