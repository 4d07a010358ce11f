"""A partition as a worker leaves it, without Kafka: input and what was said. Tests change it, and have it judged."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any, Final

import msgspec

from schemas.erasure import Acceptance
from schemas.explanation import EXPLANATION_VERSION, Explanation
from schemas.update import SkillUpdate
from streams.evidence.artifacts import NO_ARTIFACT, load_artifact
from streams.evidence.registry import make_sources, types_of
from streams.evidence.source import Source
from streams.folding.erasing import erased_row
from streams.norms.snapshot import CoveredOffset
from streams.pipeline import PartitionResult, Pipeline
from streams.replay import FileRecord
from streams.rows.codec import decode_row, encode_row
from streams.rows.erasure import RowErasure, erasure_of
from streams.rows.row import Row
from streams.rows.segments import is_segment, student_of
from streams.rows.table import PartitionedRows
from streams.verification.audit import Difference, NotCompared
from streams.verification.norms import PartitionNorms
from streams.verification.partition import Pass
from streams.verification.report import ErasuresReport
from streams.verification.rescoring import FailingSource, Rescoring
from streams.verification.slices import Slice
from streams.verification.snapshot_sums import SnapshotSums
from streams.verification.students import Extent
from tests.events import NOW, NOW_MS, default_skills, processed, raw, scores_of, stored, updates_of

PLENTY = 1 << 30


@cache
def rescoring() -> Rescoring:
    """Of the default skills, without a model."""
    return Rescoring(default_skills(), NO_ARTIFACT)


@dataclass
class World:
    """The topics of one partition, and a worker that writes them. Records come a minute apart."""

    input: list[FileRecord] = field(default_factory=list)
    changelog: list[FileRecord] = field(default_factory=list)
    updates: list[FileRecord] = field(default_factory=list)
    explanations: list[FileRecord] = field(default_factory=list)
    requests: dict[bytes, int] = field(default_factory=dict)
    accepted: dict[bytes, RowErasure] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    segments: dict[bytes, bytes | None] = field(default_factory=dict)
    epoch: int = 0
    pipeline_of: Callable[[tuple[str, ...]], Pipeline] | None = None
    rescoring: Callable[[], Rescoring] | None = None

    # -- the platform, and the worker

    def event(self, student: str, kind: str = "attempt", **given: object) -> FileRecord:
        """One more record."""
        offset = len(self.input)
        given = {"minute": offset, "event_id": f"e{offset}", "item_id": f"q{offset % 7}", **given}
        if kind != "attempt":
            given.pop("item_id")
        record = FileRecord(offset, NOW_MS + offset * 60_000 + 1_000, raw(kind, student, **given), "in", 0)
        self.input.append(record)
        return record

    def fold(self, records: Sequence[FileRecord], failing: Collection[str] = ()) -> PartitionResult:
        """A batch, as a worker does it; `failing` sources fail."""
        pipeline = (self.pipeline_of or _pipeline)(tuple(sorted(failing)))
        result = processed(records, pipeline=pipeline, scores=True, epoch_of=lambda _: self.epoch, rows=self.table)
        for key, row in result.rows.items():
            if is_segment(key):
                self.write_segment(key, row)
            else:
                self.write(key.decode(), decode_row(row or b""))
        for update in updates_of(result):
            self.say(update)
        return result

    def forget(self, student: str, at_us: int) -> None:
        """A request to be erased, carried out now, by its time: as versions did that knew no ends."""
        row = self.rows.get(student) or Row(epoch=self.epoch)
        self.requests[student.encode()] = at_us
        erased_us = max(row.erased_us, at_us)
        self.write(student, Row(epoch=row.epoch, offset=row.offset, origins=row.origins, erased_us=erased_us))
        self._delete(student)

    def erase(self, student: str, end: int | None = None, folded: int = 0) -> None:
        """A request to be erased that was accepted when the input ended there, carried out when it was `folded` to."""
        accepted = Acceptance("", 1, (len(self.input) if end is None else end,), ((0, len(self.accepted), 1),))
        row = erased_row(self.rows.get(student) or Row(), accepted, self.epoch, {0: folded})
        assert row is not None
        self.accepted[student.encode()] = erasure_of(row.erasure)
        self.write(student, row)
        self._delete(student)

    def _delete(self, student: str) -> None:
        for key in [key for key in self.segments if student_of(key) == student.encode()]:
            self.write_segment(key, None)
        self.updates.append(self.record(self.updates, student, None))

    @property
    def table(self) -> PartitionedRows:
        """Rows and segments as they are now."""
        table = stored({student: encode_row(row) for student, row in self.rows.items()})
        table.put_many(0, self.segments)
        return table

    # -- the topics

    def write(self, student: str, row: Row | None) -> None:
        """A row on the changelog."""
        if row is not None:
            self.rows[student] = row
        self.changelog.append(self.record(self.changelog, student, None if row is None else encode_row(row)))

    def write_segment(self, key: bytes, segment: bytes | None) -> None:
        """A segment on the changelog."""
        self.segments[key] = segment
        self.changelog.append(FileRecord(len(self.changelog), NOW_MS, segment, "said", 0, key))

    def say(self, update: SkillUpdate) -> None:
        """An update."""
        self.updates.append(self.record(self.updates, update.student_id, msgspec.json.encode(update)))

    def explain(self, student: str, offset: int) -> None:
        """An explanation."""
        explanation = Explanation(
            version=EXPLANATION_VERSION,
            student_id=student,
            seq=(self.epoch, offset),
            as_of="2026-03-02T12:00:00.000Z",
            generated_at="2026-03-02T12:00:00.000Z",
            generator="template",
            model="",
            summary="",
            skills=[],
        )
        self.explanations.append(self.record(self.explanations, student, msgspec.json.encode(explanation)))

    def last_update(self, student: str) -> SkillUpdate:
        """What was last said of a student."""
        [*_, last] = [record for record in self.updates if record.key == student.encode()]
        return msgspec.json.decode(last.value or b"", type=SkillUpdate)

    @staticmethod
    def record(topic: Sequence[FileRecord], student: str, value: bytes | None) -> FileRecord:
        return FileRecord(len(topic), NOW_MS, value, "said", 0, student.encode())

    # -- the verdict

    def verify(self, covered: CoveredOffset | None = None, **given: object) -> "Verdict":
        """Have it judged, up to its end unless a `cut` or `start` is given; in passes of `memory_bytes`. `covered` is
        the offset that the newest snapshot of norms names.
        """
        memory_bytes, end = int(str(given.pop("memory_bytes", PLENTY))), len(self.input)
        settings: dict[str, object] = {"start": 0, "cut": end, "end": end, "epoch": self.epoch, **given}
        extent = msgspec.convert({"partition": 0, **settings}, Extent)
        return asyncio.run(self._assess(extent, memory_bytes, PartitionNorms(0, covered)))

    async def _assess(self, extent: Extent, memory_bytes: int, norms: PartitionNorms) -> "Verdict":
        verdict, todo = Verdict(), [Slice()]
        while todo:
            one = Pass((self.rescoring or rescoring)(), lambda _: None, extent, todo.pop(), memory_bytes, norms=norms)
            one.last.note_updates(self.updates)
            one.last.note_explanations(self.explanations)
            for student, at_us in self.requests.items():
                one.last.note_request(student, at_us, is_read=True)
            for student, erasure in self.accepted.items():
                one.last.note_acceptance(student, erasure, is_read=True)
            one.last.note_rows(self.changelog)
            norms.note_rows(self.changelog)
            one.begin()
            for part in _halves(self.input[extent.start : extent.cut]):
                for records in norms.cut(part):
                    await one.fold(records)
            await one.follow(self.input[extent.cut : one.reach])
            verdict.differences += [difference async for difference in one.compare()]
            verdict.add(one)
            todo += one.set_aside
        for found in norms.compare(one.extent, one.on_trust):
            if isinstance(found, NotCompared):
                verdict.norms_not_judged.append(found.why)
            else:
                verdict.differences.append(found)
        verdict.differences += norms.hand_over(verdict.norm_sums, one.extent, one.on_trust)
        return verdict


@dataclass
class Verdict:
    """What all passes found."""

    differences: list[Difference] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    students: int = 0
    applied: int = 0
    passes: int = 0
    other_config: int = 0
    other_sources: int = 0
    recorded: int = 0
    erasures: ErasuresReport = field(default_factory=ErasuresReport)
    norms_not_judged: list[str] = field(default_factory=list)
    norm_sums: SnapshotSums = field(default_factory=SnapshotSums)

    def add(self, one: Pass) -> None:
        """A pass that is over."""
        self.passes += 1
        self.students += one.students
        if not one.spoiled:
            self.erasures.add(one.erasures)
        self.applied += one.counts.applied
        self.other_config += one.scores.other_config
        self.other_sources += one.scores.other_sources
        self.recorded += one.scores.recorded
        for why, count in one.left_out.items():
            self.left_out[why] = self.left_out.get(why, 0) + count

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Student and kind of each difference."""
        return sorted((each.student, each.kind) for each in self.differences)


def at_us(record: FileRecord) -> int:
    """When it was written."""
    return record.timestamp * 1_000


_SAID: Final[dict[str, dict[str, Any]]] = {
    "rubric": {"rating": 0.8},
    "message": {"text": "It was hard but I kept trying."},
}


def a_class(students: int = 6, events: int = 60, batch: int = 10) -> World:
    """A world in which students took turns, folded in batches; each was rated once, so has a score."""
    world = World()
    for number in range(events):
        kind = "rubric" if number < students else "message" if number % 9 == 4 else "attempt"
        world.event(f"s{number % students}", kind, **_SAID.get(kind, {"score": number % 3 / 2}))
    for begin in range(0, events, batch):
        world.fold(world.input[begin : begin + batch])
    return world


def changed(row: Row, **columns: object) -> Row:
    """A row with other columns."""
    return msgspec.structs.replace(row, **columns)


def rescored(update: SkillUpdate, by: float) -> SkillUpdate:
    """An update whose first score is another one."""
    name, score = next(iter(scores_of(update).items()))
    moved = msgspec.structs.replace(score, score=min(1.0, max(0.0, score.score + by)))
    return msgspec.structs.replace(update, skills={**update.skills, name: moved})


def without(records: Sequence[FileRecord], offset: int) -> list[FileRecord]:
    """All but one record."""
    return [record for record in records if record.offset != offset]


def of(world: World, student: str) -> list[int]:
    """The offsets of a student's records."""
    return [record.offset for record in world.input if f'"student_id":"{student}"'.encode() in (record.value or b"")]


def replayed_without(world: World, student: str, offset: int) -> Row:
    """A student's row as it is when one of its events was not folded."""
    other = World(input=world.input)
    other.fold(without([record for record in world.input if record.offset in of(world, student)], offset))
    return other.rows[student]


def again(record: FileRecord, **columns: object) -> FileRecord:
    """A record with other columns."""
    values: Mapping[str, object] = columns
    return replace(record, **values)  # type: ignore[arg-type]


def minutes(count: float) -> int:
    """In µs since the events began."""
    return int((NOW + timedelta(minutes=count)).timestamp() * 1e6)


@cache
def _pipeline(failing: tuple[str, ...], model: str = "none") -> Pipeline:
    artifact = load_artifact(model)
    sources = make_sources(types_of(default_skills()), default_skills(), artifact)
    broken: list[Source] = [FailingSource(each.name) if each.name in failing else each for each in sources]
    return Pipeline(default_skills(), artifact, on_failure=lambda _source, _error: None, sources=broken)


def modelled() -> World:
    """A world with the shipped model, which gives students who worked in a simulation a score."""
    return World(
        pipeline_of=lambda failing: _pipeline(failing, "default"),
        rescoring=lambda: Rescoring(default_skills(), load_artifact("default")),
    )


def _halves(records: list[FileRecord]) -> list[list[FileRecord]]:
    middle = len(records) // 2
    return [part for part in (records[:middle], records[middle:]) if part]
