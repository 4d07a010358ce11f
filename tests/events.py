"""Small builders: events as producers send them, and the records that carry them."""

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import msgspec
import orjson

from schemas.dead_letter import DeadLetter
from schemas.dialects import Record, native
from schemas.event import NativeEvent
from schemas.update import SkillScore, SkillUpdate, read_update
from streams.context import ProcessingContext
from streams.evidence.artifacts import NO_ARTIFACT
from streams.folding.counts import Counts
from streams.folding.fold import Folding
from streams.folding.history import FoldOutcome
from streams.pipeline import PartitionResult, Pipeline
from streams.replay import FileRecord
from streams.rows.codec import decode_row
from streams.rows.row import Row
from streams.rows.row_batch import RowBatch
from streams.rows.segments import is_segment
from streams.rows.table import PartitionedRows, StoredRows
from streams.scoring.fusion import ScoredBatch
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills
from streams.vocabulary import FACTS

NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW_MS: Final = int(NOW.timestamp()) * 1000
NOW_US: Final = NOW_MS * 1000
_NEEDED: Final[dict[str, dict[str, Any]]] = {
    "attempt": {"item_id": "q1", "score": 1.0},
    "failure": {"item_id": "q1"},
    "retry": {"item_id": "q1"},
    "hint": {"item_id": "q1"},
    "submission": {"item_id": "essay"},
    "mark": {"item_id": "essay", "score": 0.8},
    "overdue": {"item_id": "essay"},
    "control": {"task_id": "climate"},
    "message": {"text": "hello"},
    "reflection": {"text": "hello"},
    "collaboration": {"act": "helped"},
    "session": {"phase": "start"},
    "media": {"media_id": "film", "action": "played"},
    "rubric": {"skill": "empathy", "rating": 0.8},
    "navigation": {},
    "voided": {"voided_id": "e-0"},
}


def fields(kind: str = "attempt", student: str = "ada", **given: Any) -> dict[str, Any]:
    """An event as a JSON object; `minute` counts from NOW, and names the event if no `event_id` does."""
    minute = given.pop("minute", 0.0)
    return {
        "type": kind,
        "version": 1,
        "event_id": f"{student}-{kind}-{minute}",
        "student_id": student,
        "time": (NOW + timedelta(minutes=minute)).isoformat(),
        **_NEEDED[kind],
        **given,
    }


def raw(kind: str = "attempt", student: str = "ada", **given: Any) -> bytes:
    """An event as a record's value."""
    return orjson.dumps(fields(kind, student, **given))


def event(kind: str = "attempt", student: str = "ada", **given: Any) -> NativeEvent:
    """An event, decoded."""
    return native.decode(raw(kind, student, **given))


def record(value: bytes | None, offset: int = 0, **given: Any) -> FileRecord:
    """A record of `student-activity`, made at NOW and an hour, so that no event of NOW is from the future."""
    return FileRecord(
        offset=offset,
        timestamp=given.pop("timestamp", NOW_MS + 3_600_000),
        value=value,
        topic="student-activity",
        key=given.pop("key", b"ada"),
        **given,
    )


def stored_dead_letter(original: FileRecord, **given: Any) -> DeadLetter:
    """What a dead letter's headers say of a record that is no JSON."""
    return DeadLetter(
        topic=original.topic,
        partition=original.partition,
        offset=original.offset,
        timestamp=original.timestamp,
        **{"index": 0, "reason": "not_json", "error": "canary", "schema_guess": "native", **given},
    )


def records(values: Iterable[bytes | None]) -> list[FileRecord]:
    """Records with the offsets 0, 1, 2 …"""
    return [record(value, offset) for offset, value in enumerate(values)]


@cache
def default_skills() -> SkillSet:
    """The default skill set, of a platform that tells everything: all indicators speak."""
    return msgspec.structs.replace(load_skills("default"), platforms={"lms": FACTS})


@cache
def default_folding() -> Folding:
    """The default skills, ready to fold."""
    return Folding.of(default_skills())


@cache
def default_pipeline() -> Pipeline:
    """The default skills without a model; headers of ours are taken for ours; a source that fails fails the test."""
    return Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source, authentic=lambda _record: True)


def stored(rows: Mapping[str, bytes], partition: int = 0) -> PartitionedRows:
    """A table whose students' rows are these."""
    table = PartitionedRows()
    table.put_many(partition, {student.encode(): row for student, row in rows.items()})
    return table


@dataclass(frozen=True, slots=True, repr=False)
class Processed(PartitionResult):
    """What a batch of one partition changes, and what is told of the batch."""

    counts: Counts
    scored: ScoredBatch | None


def processed(
    taken: Sequence[Record],
    rows: Mapping[str, bytes] | StoredRows | None = None,
    pipeline: Pipeline | None = None,
    **given: Any,
) -> Processed:
    """What the records of one partition change, over these rows (by student); `given` are the context's.

    Nothing is scored unless it is asked for.
    """
    partition = taken[0].partition if taken else 0
    table = stored(rows or {}, partition) if rows is None or isinstance(rows, Mapping) else rows
    context = ProcessingContext(**{"rows": table, "scores": False, **given})
    outcome = asyncio.run((pipeline or default_pipeline()).process({partition: taken}, context))
    [result] = outcome.partitions.values()
    told = {each.name: getattr(result, each.name) for each in dataclasses.fields(result)}
    return Processed(**told, counts=outcome.counts, scored=outcome.scored)


def rows_of(result: PartitionResult) -> dict[str, bytes]:
    """The rows that a result changes, by student."""
    return {key.decode(): row for key, row in result.rows.items() if row is not None and not is_segment(key)}


def updates_of(result: PartitionResult) -> list[SkillUpdate]:
    """The updates of a result, read."""
    return list(map(read_update, result.updates.values()))


def scores_of(update: SkillUpdate) -> dict[str, SkillScore]:
    """The skills of an update that have a score."""
    return {name: skill for name, skill in update.skills.items() if isinstance(skill, SkillScore)}


def updates_about(pipeline: Pipeline, students: Sequence[str], rows: RowBatch) -> list[SkillUpdate]:
    """What the pipeline says of these students, whose rows these are."""
    scored = asyncio.run(pipeline.score(rows))
    return list(map(read_update, pipeline.write([student.encode() for student in students], scored)))


def row_batch_of(*rows: Row) -> RowBatch:
    """These rows as a batch of the default skills."""
    return RowBatch.of_rows(rows, default_skills().names)


class Student:
    """One student of the default skills; what is folded in one call is one batch."""

    def __init__(self, row: Row | None = None) -> None:
        self._row_batch = row_batch_of(Row() if row is None else row)

    def fold(self, event: NativeEvent, now_us: int) -> FoldOutcome:
        """Fold one event."""
        [outcome] = self.fold_all([(event, now_us)])
        return outcome

    def fold_all(self, noted: Sequence[tuple[NativeEvent, int]]) -> list[FoldOutcome]:
        """Fold several events, each with the time of its record in µs."""
        events, now_us = zip(*noted, strict=True) if noted else ((), ())
        return default_folding().fold(self._row_batch, [0] * len(events), events, now_us).outcomes

    @property
    def row(self) -> Row:
        """The row as it stands."""
        [stored] = self._row_batch.encode()
        return decode_row(stored)


def folded(*events: NativeEvent) -> Row:
    """A row that these events were folded into as one batch, each at its own time."""
    student = Student()
    student.fold_all([(each, own_time_us(each)) for each in events])
    return student.row


def own_time_us(event: NativeEvent) -> int:
    """The time of a record that was made when its event happened."""
    return int(event.time.timestamp() * 1e6)


def fail_source(source: str, error: BaseException) -> None:
    """What a source of evidence that fails comes to where none may: figures without it would mean nothing."""
    raise AssertionError(f"source {source} failed: {error!r}") from error
