"""`student-attention`: that a text may disclose harm. It names the event, and says nothing of what was written."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Final, Literal, Self, TypeAlias, get_args

from msgspec import Meta, Struct

from schemas.event import EventTime, Identifier

ATTENTION_VERSION: Final = 1
_ID_CHARS: Final = 32

AttentionReason: TypeAlias = Literal["self_harm", "abuse"]
ATTENTION_REASONS: Final[tuple[AttentionReason, ...]] = get_args(AttentionReason)


class AttentionRecord(Struct, frozen=True, kw_only=True):
    """The event `event_id` of a student has a text that may disclose harm: for a person to look at, today.

    `self_harm`: that somebody harms themselves, or does not want to live; `abuse`: that somebody is harmed by others.
    It is no finding: an English list of phrases matched. One event has at most one record a reason. `attention_id` is
    the same whenever it is written again.
    """

    version: Literal[1]
    attention_id: Annotated[str, Meta(pattern=f"^[0-9a-f]{{{_ID_CHARS}}}$")]
    student_id: Identifier
    event_id: Identifier
    event_time: EventTime
    reason: AttentionReason

    @classmethod
    def of(cls, student_id: str, event_id: str, time_us: int, reason: AttentionReason) -> Self:
        """The record of an event at `time_us`. Its id is a hash of student, event and reason."""
        named = "\0".join((student_id, event_id, reason))
        return cls(
            version=ATTENTION_VERSION,
            attention_id=sha256(named.encode()).hexdigest()[:_ID_CHARS],
            student_id=student_id,
            event_id=event_id,
            event_time=datetime.fromtimestamp(time_us // 1_000 / 1_000, UTC),
            reason=reason,
        )
