"""Events that are at hand already, and a pipeline that takes them as it takes records."""

from typing import NamedTuple

from schemas.dialects import Decoded, Record
from schemas.event import NativeEvent
from streams.evidence.artifacts import NO_ARTIFACT
from streams.pipeline import Pipeline
from streams.rows.row import COMPONENTS_PER_STUDENT, KNOWN_IDS
from streams.skills.skill_set import SkillSet


class EventRecord(NamedTuple):
    """One event, as a record. `timestamp` (ms) bounds the event's own time; `offset` ascends for each student."""

    offset: int
    timestamp: int
    event: NativeEvent
    topic: str = "events"
    partition: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def event_pipeline(
    skill_set: SkillSet, known_ids: int = KNOWN_IDS, components: int = COMPONENTS_PER_STUDENT
) -> Pipeline:
    """A pipeline of EventRecords, which it folds; it has no source to score them by."""
    return Pipeline(
        skill_set,
        NO_ARTIFACT,
        on_failure=_refuse,
        sources=(),
        decode=_event_of,
        known_ids=known_ids,
        components=components,
    )


def _event_of(record: Record) -> Decoded:
    """The event that `record` holds. Raises TypeError for a record of bytes."""
    if not isinstance(record, EventRecord):
        raise TypeError(f"{type(record).__name__} at offset {record.offset}: only EventRecords are taken here")
    return Decoded((record.event,))


def _refuse(_source: str, error: BaseException) -> None:
    raise error
