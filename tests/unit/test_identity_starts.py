"""Other ids' events count for the student from stated offsets on: rows follow from the logs, whoever read what when."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final, cast

import msgspec
import pytest

from agents.delivery.errors import SessionLost
from agents.delivery.outage import Outage
from agents.delivery.patience import Patience
from agents.delivery.step import Output
from agents.identities.starting import IdentityStarting
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.followed import TopicStartedAnew
from agents.kafka.input_topic import Description
from agents.worker.outputs import Outputs
from agents.worker.student_step import StudentStep
from schemas.dialects import decode
from schemas.identity_start import START_VERSION, IdentityStartRecord
from streams.context import ProcessingContext, first_epoch, open_gate
from streams.evidence.artifacts import NO_ARTIFACT
from streams.input.identity_decoding import IdentityDecoding
from streams.input.identity_starts import IdentityStart, StartLog
from streams.input.signature import HeaderKeys
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.rows.codec import decode_row
from streams.rows.row import Row
from streams.rows.table import PartitionedRows
from tests.events import NOW_MS, NOW_US, default_skills, fail_source, raw
from tests.stepped import CHANNELS, PARTITIONS, owning_partition

KEYS: Final = HeaderKeys((b"a key",))
ADA, BO, MAIL, ACCOUNT = "ada", "bo", "ada@school.example", "ada-2"
IDS: Final = (ADA, BO, MAIL, ACCOUNT)
ALL: Final = frozenset(range(PARTITIONS))
ABROAD: Final = (owning_partition(MAIL.encode()) + 1) % PARTITIONS


class Cluster:
    """The topics as lists of records, the table's log as rows, and what the platform says now."""

    def __init__(self) -> None:
        self.input = defaultdict[int, list[FileRecord]](list)
        self.starts: list[FileRecord] = []
        self.rows = PartitionedRows()
        self.named: dict[str, str] = {}
        self.first_came: list[tuple[int, int, str]] = []

    def send(self, output: Output) -> None:
        log = self.input[output.partition]
        at_ms = NOW_MS if output.timestamp_ms is None else output.timestamp_ms
        headers = cast(Any, tuple(output.headers))
        log.append(FileRecord(len(log), at_ms, output.value, output.topic, output.partition, output.key, headers))

    def event(self, of: str, partition: int | None = None) -> None:
        at, number = owning_partition(of.encode()) if partition is None else partition, len(self.first_came)
        self.first_came.append((at, len(self.input[at]), of))
        value = raw("attempt", of, event_id=f"e{number}", minute=number / 10, score=number % 2)
        self.send(Output(CHANNELS.activity, at, of.encode(), value, (), NOW_MS + number * 1_000))

    def state(self, *said: IdentityStartRecord) -> None:
        for each in said:
            value = msgspec.json.encode(each)
            self.starts.append(FileRecord(len(self.starts), NOW_MS, value, "identity-starts", 0, b""))

    def log(self) -> StartLog:
        log = StartLog()
        for record in self.starts:
            log.note(record)
        return log


class Starts:
    """The topic `identity-starts`; `unheard` writes, and says once that nothing was confirmed."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._next, self.unheard = cluster, 0, False
        self.started_anew = False

    def append_all(self, _partition: int, records: Iterable[tuple[bytes, bytes]]) -> None:
        for _, value in records:
            self._cluster.state(msgspec.json.decode(value, type=IdentityStartRecord))
        if self.unheard:
            self.unheard = False
            raise BrokerUnavailable("not confirmed")

    def batches_on(self) -> Iterator[Sequence[FileRecord]]:
        if self.started_anew:
            self.started_anew, self._next = False, 0
            raise TopicStartedAnew
        new, self._next = self._cluster.starts[self._next :], len(self._cluster.starts)
        yield new

    def rewind(self) -> None:
        self._next = 0


class Activity:
    """Where the input ends."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def describe(self) -> Description:
        return Description("", PARTITIONS)

    def ends(self, partitions: int) -> tuple[int, ...]:
        return tuple(len(self._cluster.input[partition]) for partition in range(partitions))


class Worker:
    """Of all partitions from `take_over` on. `look` reads what the platform says; before, it knows nobody."""

    def __init__(self, cluster: Cluster, rows: PartitionedRows | None = None) -> None:
        self.cluster, self.rows = cluster, cluster.rows if rows is None else rows
        self.position = dict.fromkeys(ALL, 0)
        self.named: dict[str, str] | None = None
        self.is_out = False
        self.topic = Starts(cluster)
        activity: Any = Activity(cluster)
        topic: Any = self.topic
        patience = Patience(Outage("b", 600.0), "identity starts", again_s=0)
        self.decoding = IdentityDecoding(decode, KEYS.authentic, self._known)
        self.starting = IdentityStarting(topic, activity, self.decoding, patience, self._in_group, PARTITIONS)
        pipeline = Pipeline(
            default_skills(), NO_ARTIFACT, on_failure=fail_source, decode=self.decoding, authentic=KEYS.authentic
        )
        context = ProcessingContext(
            rows=self.rows,
            owning_partition=owning_partition,
            scores=False,
            gate=self.starting.before(open_gate),
        )
        outputs = Outputs(CHANNELS, KEYS.sign, first_epoch, lambda: NOW_US)
        self._step = StudentStep(pipeline, context, outputs, lambda *_: None, lambda _: None)

    def take_over(self, position: dict[int, int] | None = None) -> "Worker":
        asyncio.run(self.starting.recovered(ALL))
        self.position = dict(position or self.position)
        return self

    def look(self) -> "Worker":
        self.named = dict(self.cluster.named)
        return self

    def read(self, partition: int, most: int = 1_000, *, is_fenced: bool = False) -> None:
        """The next records of a partition; of who is put out of the group nothing is sent."""
        at = self.position[partition]
        records = self.cluster.input[partition][at : at + most]
        if not records:
            return
        batch: Any = {partition: records}
        result = cast(Any, asyncio.run(self._run(batch)))[partition]
        self.position[partition] += len(records)
        if not is_fenced:
            self.rows.put_many(partition, result.rows)
            for output in result.outputs:
                if output.topic == CHANNELS.activity:
                    self.cluster.send(output)

    def finish(self) -> "Worker":
        while any(self.position[at] < len(self.cluster.input[at]) for at in ALL):
            for partition in ALL:
                self.read(partition)
        return self

    def row(self, student: str) -> Row | None:
        stored = self.rows.get(owning_partition(student.encode()), student.encode())
        return None if stored is None else decode_row(stored)

    async def _in_group(self) -> None:
        if self.is_out:
            raise SessionLost("put out")

    async def _run(self, batch: Any) -> Any:
        return await self._step(batch)

    def _known(self, other: str) -> str | None:
        return None if self.named is None else self.named.get(other, other)


def rebuilt(cluster: Cluster) -> Worker:
    """What folds all of the input anew, and knows nothing but the logs; as `verify` does."""
    worker = Worker(cluster, PartitionedRows())
    worker.decoding.starts = cluster.log()
    return worker.finish()


def counted(cluster: Cluster) -> dict[str, int]:
    """Events by the student for whom they count, by the logs."""
    log, found = cluster.log(), dict.fromkeys(IDS, 0)
    for partition, offset, of in cluster.first_came:
        found[log.student_at(partition, offset, of)] += 1
    return found


@pytest.mark.parametrize("seed", range(15))
def test_rows_follow_from_the_logs_through_crashes_paused_workers_and_entries_that_change(seed: int) -> None:
    rng, cluster = Random(seed), Cluster()
    owner, zombie = Worker(cluster).take_over(), None
    committed = dict(owner.position)
    for _ in range(120):
        match rng.randrange(15):
            case 0 | 1 | 2 | 3 | 4:
                cluster.event(rng.choice(IDS), None if rng.random() < 0.7 else rng.randrange(PARTITIONS))
            case 5:
                other, student = rng.choice((MAIL, ACCOUNT, BO)), rng.choice((ADA, ADA, BO, None))
                cluster.named.pop(other, None)
                if student is not None and student != other:
                    cluster.named[other] = student
            case 6:
                rng.choice([owner, zombie or owner]).look()
            case (
                7
            ):  # a crash, or a pause: some of what was folded is not committed, and the old one may go on for a while
                zombie, owner = owner, Worker(cluster)
                owner.topic.unheard = rng.random() < 0.3
                owner.take_over(committed)
            case 8 if (
                zombie is not None
            ):  # where it does not know yet that it is out, it was paused behind its question
                with suppress(SessionLost):
                    zombie.read(rng.randrange(PARTITIONS), rng.randrange(1, 6), is_fenced=True)
            case 11 if rng.random() < 0.5:  # one that was paused behind its question, and claims late
                zombie = Worker(cluster).look().take_over(owner.position)
                zombie.is_out = True
            case 9:
                committed = dict(owner.position)
            case 10:
                owner.topic.unheard = rng.random() < 0.5
            case _:
                owner.read(rng.randrange(PARTITIONS), rng.randrange(1, 6))
    owner.look().finish()
    for of in IDS:
        cluster.event(of)
    owner.finish()

    again, expected = rebuilt(cluster), counted(cluster)

    for student in IDS:
        row = owner.row(student)
        assert (row.events if row is not None else 0) == expected[student], f"seed {seed}: {student}"
        assert row == again.row(student), f"seed {seed}: {student}"


def a_claim(writer: str, partition: int = 0) -> IdentityStartRecord:
    return IdentityStartRecord(version=START_VERSION, kind="claim", writer=writer, partition=partition)


def test_a_start_counts_where_the_newest_claim_before_it_is_its_writer_s() -> None:
    cluster, one, other = Cluster(), "1" * 32, "2" * 32
    cluster.state(
        IdentityStart(0, 1, MAIL, BO).record("", one),  # before any claim
        a_claim(one),
        IdentityStart(0, 5, MAIL, ADA).record("", one),
        a_claim(other, partition=1),
        IdentityStart(0, 9, MAIL, MAIL).record("", one),
        a_claim(other),
        IdentityStart(0, 2, MAIL, BO).record("", one),  # by a worker that was paused
        IdentityStart(0, 12, MAIL, BO).record("", other),
        IdentityStart(0, 12, MAIL, ADA).record("", other),
    )
    log = cluster.log()

    assert [log.student_at(0, offset, MAIL) for offset in (0, 4, 5, 8, 9, 11, 12)] == [
        MAIL, MAIL, ADA, ADA, MAIL, MAIL, ADA,
    ]  # fmt: skip
    assert log.student_at(1, 5, MAIL) == MAIL
    assert len(log) == 3
    assert MAIL.encode() not in b"".join(record.value or b"" for record in cluster.starts)


LATER_CLAIM: Final = msgspec.json.encode({**msgspec.structs.asdict(a_claim("2" * 32)), "version": 2})
"""By a later version: it would take the partition over if it counted."""


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"no JSON", b"[]", LATER_CLAIM, b"[" * 10_000, b"x" * 5_000])
def test_what_is_no_record_of_ours_is_passed_over(value: bytes | None) -> None:
    cluster, writer = Cluster(), "1" * 32
    cluster.state(a_claim(writer))
    cluster.starts.append(FileRecord(1, NOW_MS, value, "identity-starts", 0, b"start/"))
    cluster.state(IdentityStart(0, 5, MAIL, ADA).record("", writer))

    assert [cluster.log().student_at(0, offset, MAIL) for offset in (4, 5)] == [MAIL, ADA]


def test_what_is_stated_of_another_input_topic_does_not_count() -> None:
    cluster = Cluster()
    claim = msgspec.structs.replace(a_claim("1" * 32), topic_id="former")
    cluster.state(claim, IdentityStart(0, 1, MAIL, ADA).record("former", "1" * 32))
    assert cluster.log().student_at(0, 5, MAIL) == MAIL
    assert len(cluster.log()) == 0


def test_what_was_there_when_a_worker_took_over_stays_the_other_id_s() -> None:
    cluster = Cluster()
    cluster.named[MAIL] = ADA
    cluster.event(MAIL)
    worker = Worker(cluster).look().take_over()
    cluster.event(MAIL)
    worker.finish()

    assert counted(cluster) == {ADA: 1, BO: 0, MAIL: 1, ACCOUNT: 0}
    found = worker.row(ADA), worker.row(MAIL)
    assert [row.events for row in found if row is not None] == [1, 1]


def test_what_was_decoded_before_partitions_came_back_states_nothing() -> None:
    cluster = Cluster()
    cluster.named[MAIL] = ADA
    worker = Worker(cluster).look().take_over()
    cluster.event(MAIL)
    at = owning_partition(MAIL.encode())
    worker.decoding(cluster.input[at][0])
    assert worker.decoding.missing
    before = len(cluster.starts)
    worker.take_over(dict.fromkeys(ALL, 0)).finish()

    assert len(cluster.starts) == before + PARTITIONS  # the claims
    assert counted(cluster)[MAIL] == 1


def test_an_entry_that_is_taken_back_gives_later_events_to_the_other_id_again() -> None:
    cluster = Cluster()
    worker = Worker(cluster).take_over()
    for named in ({MAIL: ADA}, {}, {MAIL: BO}):
        cluster.named = named
        cluster.event(MAIL, ABROAD)
        worker.look().finish()

    assert counted(cluster) == {ADA: 1, BO: 1, MAIL: 1, ACCOUNT: 0}
    assert [worker.row(of) == rebuilt(cluster).row(of) for of in (ADA, BO, MAIL)] == [True] * 3


def test_a_topic_that_was_made_anew_is_read_anew() -> None:
    cluster = Cluster()
    cluster.named[MAIL] = ADA
    worker = Worker(cluster).look().take_over()
    cluster.event(MAIL)
    worker.finish()
    worker.topic.started_anew = True
    worker.take_over()
    cluster.event(MAIL)
    worker.finish()

    assert counted(cluster)[ADA] == 2
    assert worker.decoding.starts.student_at(owning_partition(MAIL.encode()), 0, MAIL) == ADA
