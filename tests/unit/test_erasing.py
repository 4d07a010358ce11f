"""Erasing: offsets decide what counts, never a clock; the same rows whatever was read when, and after a rebuild."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from random import Random
from typing import Any, Final, cast

import msgspec
import pytest

from agents.delivery.step import Output
from agents.operations.erasures import StoredErasures
from agents.worker.erasing import Erasing, FoldedMeanwhile, NotedStep, acceptance_record
from agents.worker.internal_steps import InternalStep, QueuedRows
from agents.worker.open_erasures import OpenErasures
from agents.worker.outputs import Outputs
from agents.worker.student_step import StudentStep
from schemas.erasure import Acceptance
from streams.context import ProcessingContext, first_epoch
from streams.evidence.artifacts import NO_ARTIFACT
from streams.input.signature import HeaderKeys
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.rows.codec import decode_row, encode_row
from streams.rows.erasure import RowErasure, erasure_of
from streams.rows.row import Row
from streams.rows.table import PartitionedRows
from streams.verification.audit import rows_differ
from tests.events import NOW_MS, NOW_US, default_skills, fail_source, raw
from tests.stepped import CHANNELS, PARTITIONS, owning_partition

KEYS: Final = HeaderKeys((b"a key",))
ADA: Final = b"ada"
OWNING: Final = owning_partition(ADA)
ABROAD: Final = (OWNING + 1) % PARTITIONS
AHEAD_MS: Final = 40 * 60_000
Part = tuple[str, int]


class Broker:
    """The topics, as lists of records."""

    def __init__(self) -> None:
        self.topics = defaultdict[Part, list[FileRecord]](list)

    def append(self, output: Output) -> None:
        log = self.topics[output.topic, output.partition]
        at_ms = NOW_MS if output.timestamp_ms is None else output.timestamp_ms
        headers = cast(Any, tuple(output.headers))
        log.append(FileRecord(len(log), at_ms, output.value, output.topic, output.partition, output.key, headers))

    def event(self, student: bytes = ADA, partition: int | None = None, ahead_ms: int = 0, name: str = "") -> None:
        """Of this student, on its partition or on that one, by a clock that may be wrong, maybe a repeat."""
        at = owning_partition(student) if partition is None else partition
        number = sum(len(log) for log in self.topics.values())
        value = raw("attempt", student.decode(), event_id=name or f"e{number}", minute=number / 10, score=number % 2)
        self.append(Output(CHANNELS.activity, at, student, value, (), NOW_MS + number * 1_000 + ahead_ms))

    def ask(self, student: bytes = ADA, partition: int | None = None, at_ms: int = NOW_MS) -> None:
        """To erase the student."""
        at = owning_partition(student) if partition is None else partition
        self.append(Output(CHANNELS.erasures, at, student, b"{}", (), at_ms))

    def ends(self) -> tuple[int, ...]:
        return tuple(len(self.topics[CHANNELS.activity, partition]) for partition in range(PARTITIONS))

    def erasures(self) -> StoredErasures:
        records = [
            (record, True) for (topic, _), log in self.topics.items() for record in log if topic == CHANNELS.erasures
        ]
        return StoredErasures.of(records, "", KEYS.authentic)

    def first_came(self, student: bytes) -> list[tuple[int, int]]:
        """Where each event of the student first came."""
        return [
            (record.partition, record.offset)
            for (topic, _), log in self.topics.items()
            for record in log
            if topic == CHANNELS.activity and record.key == student and not record.headers
        ]


class Worker:
    """Of all partitions; it asks where the input ends when it is told to, and goes on meanwhile."""

    def __init__(self, broker: Broker, rows: Mapping[tuple[int, bytes], Row] | None = None) -> None:
        self.broker = broker
        self.rows = PartitionedRows()
        for (partition, key), row in (rows or {}).items():
            self.rows.put_many(partition, {key: encode_row(row)})
        self.position = defaultdict[Part, int](int)
        self.asked: list[tuple[int, bytes, Acceptance]] = []
        self.meanwhile = FoldedMeanwhile(KEYS.authentic)
        self.nulls = list[tuple[str, bytes]]()
        pipeline = Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source, authentic=KEYS.authentic)
        outputs = Outputs(CHANNELS, KEYS.sign, first_epoch, lambda: NOW_US)
        context = ProcessingContext(rows=self.rows, owning_partition=owning_partition, scores=False)
        erasing = Erasing(
            rows=QueuedRows(self.rows, None),
            owning_partition=owning_partition,
            channels=CHANNELS,
            sign=KEYS.sign,
            authentic=KEYS.authentic,
            epoch_of=first_epoch,
            topic_id=lambda: "",
            accept=self._accept,
            meanwhile=self.meanwhile,
        )
        self._steps: dict[str, Any] = {
            CHANNELS.activity: NotedStep(
                StudentStep(pipeline, context, outputs, lambda *_: None, lambda _: None), self.meanwhile
            ),
            CHANNELS.erasures: InternalStep(erasing, "erasures_dead_lettered", outputs, lambda _: None),
        }

    def read(self, topic: str, partition: int, most: int = 1_000) -> bool:
        """The next records of a partition; False where there are none."""
        at = self.position[topic, partition]
        records = self.broker.topics[topic, partition][at : at + most]
        if not records:
            return False
        result = asyncio.run(self._read(topic, partition, records))
        self.rows.put_many(partition, result.rows)
        self.position[topic, partition] += len(records)
        for output in result.outputs:
            if output.topic in CHANNELS.sources:
                self.broker.append(output)
            elif output.value is None:
                self.nulls.append((output.topic, output.key or b""))
        return True

    async def _read(self, topic: str, partition: int, records: list[FileRecord]) -> Any:
        return (await self._steps[topic]({partition: records}))[partition]

    def _accept(self, partition: int, key: bytes, wanted: Acceptance) -> "asyncio.Future[None]":
        self.asked.append((partition, key, wanted))
        return asyncio.get_running_loop().create_future()

    def told_ends(self, ends: tuple[int, ...] | None = None) -> None:
        """The broker answers what was asked, as of now or of a moment ago."""
        for partition, key, wanted in self.asked:
            accepted = msgspec.structs.replace(wanted, ends=ends or self.broker.ends())
            self.broker.append(acceptance_record(CHANNELS.erasures, partition, key, accepted, KEYS.sign))
        self.asked.clear()

    def finish(self) -> "Worker":
        """Read all there is, and all that comes of it."""
        parts = [(topic, at) for at in range(PARTITIONS) for topic in (CHANNELS.activity, CHANNELS.erasures)]
        while self.asked or any(self.position[part] < len(self.broker.topics[part]) for part in parts):
            for topic, at in parts:
                self.read(topic, at)
            self.told_ends()
        return self

    def row(self, student: bytes = ADA) -> Row:
        return decode_row(self.rows.get(owning_partition(student), student) or encode_row(Row()))


def rebuilt(broker: Broker) -> Worker:
    """A worker that folds all of the input onto the tombstone rows, as after `skillstream rebuild`."""
    students = broker.erasures().students
    worker = Worker(broker, {(owning_partition(key), key): each.row(0) for key, each in students.items()})
    worker.position.update(
        {(CHANNELS.erasures, at): len(broker.topics[CHANNELS.erasures, at]) for at in range(PARTITIONS)}
    )
    return worker.finish()


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_whatever_is_read_when_the_row_is_what_a_rebuild_makes_of_it(seed: int, repeats: bool) -> None:
    rng, broker = Random(seed), Broker()
    worker, students = Worker(broker), (ADA, b"bo")
    for _ in range(120):
        match rng.randrange(12):
            case 0 | 1 | 2 | 3:
                where = None if rng.random() < 0.6 else rng.randrange(PARTITIONS)
                name = f"e{rng.randrange(20)}" if repeats else ""
                broker.event(rng.choice(students), where, rng.choice((0, AHEAD_MS, -AHEAD_MS)), name)
            case 4 if rng.random() < 0.3:
                broker.ask(rng.choice(students), rng.choice((None, ABROAD)), NOW_MS + rng.randrange(10**6))
            case 5:
                worker.told_ends()
            case 6:  # a crash: rows are there, positions are those of a moment ago
                topic = rng.choice((CHANNELS.activity, CHANNELS.erasures))
                worker.meanwhile.drop(range(PARTITIONS))
                for partition in range(PARTITIONS):
                    at = worker.position[topic, partition]
                    worker.position[topic, partition] = max(0, at - rng.randrange(4))
            case _:
                topic = rng.choice((CHANNELS.activity, CHANNELS.activity, CHANNELS.erasures))
                worker.read(topic, rng.randrange(PARTITIONS), rng.randrange(1, 6))
    worker.finish()
    assert len(worker.meanwhile.open) == 0

    again = rebuilt(broker)

    for student in students:
        row = worker.row(student)
        erasure = erasure_of(row.erasure)
        counts = [came for came in broker.first_came(student) if not erasure.erases(*came)]
        assert row.events == len(counts) or repeats, f"seed {seed}: {student!r}"
        if row.events or row.erased_us:
            assert rows_differ(row, again.row(student)) is None, f"seed {seed}: {student!r}"
            assert row == again.row(student)


@pytest.mark.parametrize("partition", [OWNING, ABROAD])
def test_a_clock_that_is_ahead_does_not_keep_a_student(partition: int) -> None:
    broker = Broker()
    for _ in range(3):
        broker.event(partition=partition, ahead_ms=AHEAD_MS)
    worker = Worker(broker).finish()
    assert worker.row().events == 3
    broker.ask(at_ms=NOW_MS)
    worker.finish()
    worker.position.clear()

    assert worker.finish().row().is_tombstone
    assert rebuilt(broker).row() == worker.row()


def test_events_that_were_there_when_it_was_accepted_do_not_count_though_they_are_read_later() -> None:
    broker = Broker()
    worker = Worker(broker)
    broker.ask()
    worker.read(CHANNELS.erasures, OWNING)
    broker.event(ahead_ms=AHEAD_MS)
    broker.event(partition=ABROAD, ahead_ms=AHEAD_MS)

    assert worker.finish().row().is_tombstone


@pytest.mark.parametrize("ahead_ms", [0, -AHEAD_MS])
def test_what_comes_after_it_was_accepted_counts_whatever_its_clock_says(ahead_ms: int) -> None:
    broker = Broker()
    broker.event()
    broker.ask(at_ms=NOW_MS + AHEAD_MS)
    worker = Worker(broker).finish()
    for partition in (OWNING, ABROAD):
        broker.event(partition=partition, ahead_ms=ahead_ms)

    assert worker.finish().row().events == 2
    assert rebuilt(broker).row() == worker.row()


def test_an_erasure_is_open_from_its_request_until_it_is_carried_out_or_another_worker_s() -> None:
    broker, clock_s = Broker(), [100.0]
    worker = Worker(broker)
    worker.meanwhile.open = OpenErasures(lambda: clock_s[0])
    broker.ask()
    worker.read(CHANNELS.erasures, OWNING)
    clock_s[0] += 600
    broker.ask(at_ms=NOW_MS + 1)
    worker.read(CHANNELS.erasures, OWNING)
    assert (len(worker.meanwhile.open), worker.meanwhile.open.oldest_s) == (1, 600.0)

    worker.finish()
    assert (len(worker.meanwhile.open), worker.meanwhile.open.oldest_s) == (0, 0.0)

    broker.ask(at_ms=NOW_MS + 2)
    worker.read(CHANNELS.erasures, OWNING)
    worker.meanwhile.drop({OWNING})
    assert len(worker.meanwhile.open) == 0


def test_what_was_folded_since_the_ends_were_asked_for_is_erased_as_the_row_says() -> None:
    broker = Broker()
    broker.event()
    worker = Worker(broker).finish()
    broker.ask()
    worker.read(CHANNELS.erasures, OWNING)
    ends = broker.ends()
    broker.event()
    worker.read(CHANNELS.activity, OWNING)
    worker.told_ends(ends)
    worker.finish()

    assert worker.row().is_tombstone
    assert erasure_of(worker.row().erasure).ends[OWNING] == ends[OWNING] + 1
    assert rebuilt(broker).row() == worker.row()


def test_a_request_that_is_read_again_erases_nothing_more() -> None:
    broker = Broker()
    for partition in (OWNING, ABROAD):
        broker.event()
        broker.ask(partition=partition)
    worker = Worker(broker).finish()
    broker.event()
    row = worker.finish().row()
    assert row.events == 1

    for partition in range(PARTITIONS):
        worker.position[CHANNELS.erasures, partition] = 0

    assert worker.finish().row() == row


def test_an_acceptance_that_no_worker_signed_is_a_request_like_any_other() -> None:
    broker = Broker()
    broker.event()
    worker = Worker(broker).finish()
    nothing = acceptance_record(CHANNELS.erasures, OWNING, ADA, Acceptance("", NOW_US, (0, 0, 0, 0)), HeaderKeys().sign)
    broker.append(nothing)

    assert worker.finish().row().is_tombstone
    assert rebuilt(broker).row().is_tombstone


def test_a_second_erasure_is_later_than_the_first_though_its_clock_is_behind() -> None:
    broker = Broker()
    broker.event()
    broker.ask(at_ms=NOW_MS + AHEAD_MS)
    worker = Worker(broker).finish()
    first = worker.row()
    broker.event()
    worker.finish()
    broker.ask(at_ms=NOW_MS)

    second = worker.finish().row()

    assert second.is_tombstone
    assert second.erased_us > first.erased_us
    assert erasure_of(second.erasure).covers(erasure_of(first.erasure))
    assert worker.nulls.count((CHANNELS.updates, ADA)) >= 2


def test_of_an_erased_student_whose_erasure_was_cut_off_by_a_crash_all_is_deleted_that_was_published() -> None:
    broker = Broker()
    broker.event()
    broker.ask()
    worker = Worker(broker).finish()
    published = {CHANNELS.updates, CHANNELS.history, CHANNELS.reasoning}
    worker.nulls.clear()
    worker.position[CHANNELS.erasures, OWNING] -= 1

    worker.finish()

    assert {topic for topic, _ in worker.nulls} == published
    broker.event()
    worker.finish()
    worker.nulls.clear()
    worker.position[CHANNELS.erasures, OWNING] -= 1
    assert {topic for topic, _ in worker.finish().nulls} == published - {CHANNELS.updates}


def test_ends_are_joined_partition_by_partition_and_requests_by_the_newest() -> None:
    one = RowErasure((3, 9), ((0, 5, 7),))
    other = RowErasure((4, 1, 2), ((0, 6, 1), (2, 1, 1)))

    joined = one.joined(other)

    assert joined == RowErasure((4, 9, 2), ((0, 6, 7), (2, 1, 1))) == other.joined(one)
    assert joined.covers(one)
    assert not one.covers(other)
    assert joined.knows((0, 6, 7))
    assert not joined.knows((0, 6, 8)), "on a topic that was made anew"
    assert not joined.erases(7, 0), "a partition that came into being since"
