"""One bad producer stops its own tenant only, at the same record however records are cut into batches."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.step import Output
from agents.operations.dead_letters.tenant_gate import TenantGate
from agents.tenants.topic import end_record, hold_record, release_record
from agents.worker.outputs import Outputs
from agents.worker.student_step import StudentStep
from schemas.dead_letter import REINSERTED_HEADER, from_headers
from schemas.dialects import decode
from schemas.tenant_hold import hold_key
from schemas.unreadable import UnreadableBatch
from streams.context import ProcessingContext, first_epoch
from streams.evidence.artifacts import NO_ARTIFACT
from streams.input.poison import PoisonLimits
from streams.input.signature import HeaderKeys
from streams.input.tenancy import Tenancy
from streams.input.tenant_decoding import TenantDecoding
from streams.input.tenant_hold import Hold, HoldLog
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.rows.table import PartitionedRows
from tests.events import NOW_MS, NOW_US, default_skills, fail_source, raw
from tests.stepped import CHANNELS, owning_partition

TENANCY: Final = Tenancy({"north": "north:", "south": "south:"}, {"north": [b"n" * 32], "south": [b"s" * 32]})
KEYS: Final = HeaderKeys((b"the key of this deployment",))
LIMITS: Final = PoisonLimits(max_ratio=0.5, window_records=1_000, max_consecutive=5)
ADA, BOB, EVE = "north:ada", "south:bob", "eve"


@dataclass
class Worker:
    """The step of the input topic, with tenants; a new one restores `rows` and `holds`, as after a crash."""

    rows: PartitionedRows = field(default_factory=PartitionedRows)
    holds: HoldLog = field(default_factory=HoldLog)
    news_from: int = 0

    def __post_init__(self) -> None:
        self.decoding = TenantDecoding(TENANCY, decode)
        self.decoding.held = self.holds
        pipeline = Pipeline(
            default_skills(), NO_ARTIFACT, on_failure=fail_source, decode=self.decoding, authentic=KEYS.authentic
        )
        self.gate = TenantGate(lambda _tenant: LIMITS, TENANCY, KEYS.authentic, self._place, lambda _p: self.news_from)
        context = ProcessingContext(rows=self.rows, owning_partition=owning_partition, gate=self.gate.check)
        outputs = Outputs(CHANNELS, KEYS.sign, first_epoch, lambda: NOW_US, tenancy=TENANCY)
        self.step = StudentStep(pipeline, context, outputs, lambda _outcome, _s: None, lambda _partition: None)
        self.outputs: list[Output] = []

    async def _place(self, tenant: str, partition: int, start: int, why: str) -> None:
        self.holds.note_said(hold_record(Hold("", partition, start, tenant), why))

    def take(self, *records: FileRecord) -> "Worker":
        """One batch of one partition."""
        if records:
            batch: Any = {records[0].partition: records}
            result = asyncio.run(self.step(batch))[records[0].partition]
            self.rows.put_many(records[0].partition, result.rows)
            self.outputs += result.outputs
        return self

    def dead_letters(self) -> list[tuple[int, str]]:
        """Offset and reason of each, in order."""
        found = [from_headers(output.headers) for output in self.outputs if output.topic == CHANNELS.dead_letters]
        return [(each.offset, each.reason) for each in found]

    def of(self, topic: str) -> list[Output]:
        """What was sent to a topic."""
        return [output for output in self.outputs if output.topic == topic]


def written(
    offset: int, tenant: str, student: str, value: bytes | None = None, partition: int | None = None
) -> FileRecord:
    """A record of a tenant's, signed; a good event of the student without a value."""
    value = raw("attempt", student, event_id=f"{student}-{offset}") if value is None else value
    key = student.encode()
    at = owning_partition(key) if partition is None else partition
    headers: Any = TENANCY.sign(tenant, key, value)
    return FileRecord(offset, NOW_MS + offset, value, CHANNELS.activity, at, key, headers)


HOME: Final = owning_partition(ADA.encode())
NEIGHBOUR: Final = next(
    f"south:{number}" for number in range(100) if owning_partition(f"south:{number}".encode()) == HOME
)


def flood(bad: int = 8) -> list[FileRecord]:
    """North writes garbage, and good events behind it; south's records lie between."""
    found: list[FileRecord] = []
    for number in range(bad + 2):
        offset = 2 * number
        found.append(written(offset, "north", ADA, b"x" if number < bad else None))
        found.append(written(offset + 1, "south", NEIGHBOUR))
    return found


def test_the_tenant_that_has_one_too_many_is_held_from_there_on_and_the_others_go_on() -> None:
    worker = Worker().take(*flood())

    assert worker.holds.standing == [Hold("", HOME, 10, "north")]
    assert worker.dead_letters() == [
        *((offset, "not_json") for offset in (0, 2, 4, 6, 8)),
        *((offset, "tenant_held") for offset in (10, 12, 14, 16, 18)),
    ]
    assert worker.rows.get(HOME, ADA.encode()) is None
    assert worker.rows.get(HOME, NEIGHBOUR.encode()) is not None
    values = [output.value for output in worker.of(CHANNELS.dead_letters)]
    assert values == [record.value for record in flood() if record.offset % 2 == 0], "nothing is lost"


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 20), max_size=6), crash=st.integers(0, 20))
def test_what_is_held_does_not_depend_on_batches_or_on_crashes_behind_the_hold(cuts: list[int], crash: int) -> None:
    records, whole = flood(), Worker().take(*flood())
    worker, begin = Worker(), 0
    for cut in sorted({*cuts, len(records)}):
        worker.take(*records[begin:cut])
        begin = cut
    assert worker.dead_letters() == whole.dead_letters()
    assert worker.rows.get(HOME, NEIGHBOUR.encode()) == whole.rows.get(HOME, NEIGHBOUR.encode())

    again = Worker(worker.rows, worker.holds).take(*records[crash:])
    assert set(again.dead_letters()) <= set(whole.dead_letters())
    assert again.holds.standing == whole.holds.standing
    assert again.rows.get(HOME, NEIGHBOUR.encode()) == whole.rows.get(HOME, NEIGHBOUR.encode())


def test_good_records_of_the_tenant_between_bad_ones_end_the_count_and_others_do_not() -> None:
    worker = Worker()
    for number in range(20):
        worker.take(written(2 * number, "north", ADA, None if number % 5 == 4 else b"x"))
        worker.take(written(2 * number + 1, "south", NEIGHBOUR, b"x" if number % 2 else None))

    assert worker.holds.standing == []


def test_a_released_tenant_is_worked_on_from_the_end_of_its_hold_on() -> None:
    worker = Worker().take(*flood())
    [hold] = worker.holds.standing
    worker.holds.note_said(release_record("north"), offset=2)
    assert worker.holds.released([HOME]) == [], "the hold was written later, as far as is known"
    worker.holds.note_said(hold_record(hold, ""), offset=1)
    assert worker.holds.released([HOME]) == [hold]
    assert worker.holds.released([HOME + 1]) == []

    worker.holds.note_said(end_record(hold, 22))
    worker.take(written(20, "north", ADA), written(21, "south", NEIGHBOUR), written(22, "north", ADA))

    assert worker.dead_letters()[-1] == (20, "tenant_held")
    assert worker.rows.get(HOME, ADA.encode()) is not None
    assert worker.holds.standing == worker.holds.released([HOME]) == []


def test_of_the_same_hold_written_twice_and_of_several_ends_the_outcome_is_one() -> None:
    log, hold = HoldLog(), Hold("", 1, 10, "north")
    for said in (
        hold_record(hold, "first"),
        end_record(hold, 30),
        end_record(hold, 20),
        hold_record(hold, "by a worker that was paused"),
    ):
        log.note_said(said)

    assert log.standing == []
    assert [log.covering("north", 1, offset) for offset in (9, 10, 29, 30)] == [None, hold, hold, None]
    assert log.covering("south", 1, 10) is log.covering("north", 2, 10) is None


def test_holds_of_another_input_topic_and_what_is_no_record_of_holds_are_passed_over() -> None:
    log = HoldLog("this one")
    log.note_said(hold_record(Hold("another one", 1, 10, "north"), ""))
    for value in (None, b"", b"\xff", b"{}", b'{"version":2}', json.dumps({"version": 1}).encode() * 1_000):
        log.note(FileRecord(0, 0, value, "tenant-holds", 0, b"hold/"))

    assert log.standing == []


def test_keys_keep_each_hold_each_end_and_the_last_release_apart() -> None:
    hold = Hold("id", 1, 10, "north")
    said = [
        hold_record(hold, "a"),
        hold_record(hold, "b"),
        end_record(hold, 20),
        end_record(hold, 30),
        release_record("north"),
        release_record("north"),
    ]

    keys = [hold_key(each) for each in said]
    assert keys[0] == keys[1] == b"hold/id/1/10/north"
    assert keys[4] == keys[5] == b"release/north"
    assert len(set(keys)) == 4


def test_records_that_prove_no_tenant_are_held_together() -> None:
    worker, place = Worker(), owning_partition(EVE.encode())
    for offset in range(7):
        worker.take(FileRecord(offset, NOW_MS, b"x", CHANNELS.activity, place, EVE.encode()))

    assert worker.holds.standing == [Hold("", place, 5, "unsigned")]


def test_what_was_folded_before_a_rebuild_holds_nobody_when_it_is_folded_again() -> None:
    worker = Worker(news_from=100).take(*flood())

    assert worker.holds.standing == []
    assert worker.rows.get(HOME, ADA.encode()) is not None


def test_records_that_were_sent_back_do_not_count() -> None:
    worker = Worker()
    for offset in range(8):
        mark = (REINSERTED_HEADER, b"student-activity/0@1;1")
        sent = KEYS.sign(CHANNELS.activity, HOME, ADA.encode(), b"x", (mark,))
        headers: Any = (*TENANCY.sign("north", ADA.encode(), b"x"), *sent)
        worker.take(FileRecord(offset, NOW_MS, b"x", CHANNELS.activity, HOME, ADA.encode(), headers))

    assert worker.holds.standing == []


def test_a_batch_that_nobody_can_unpack_is_said_to_be_one_whoever_is_held() -> None:
    worker, place = Worker(), owning_partition(EVE.encode())
    worker.holds.note_said(hold_record(Hold("", place, 4, "unsigned"), ""))
    for offset in range(8):
        batch = UnreadableBatch(b"x", "its codec is unknown")
        worker.take(FileRecord(offset, NOW_MS, batch, CHANNELS.activity, place, None))

    assert {reason for _, reason in worker.dead_letters()} == {"unreadable_batch"}
    assert worker.holds.standing == [Hold("", place, 4, "unsigned")]


# -- whose students


@pytest.mark.parametrize(
    ("tenant", "student", "is_foreign"),
    [
        ("north", ADA, False),
        ("north", BOB, True),
        ("north", EVE, True),
        ("nobody", ADA, True),
        ("nobody", EVE, False),
    ],
)
def test_a_record_speaks_of_its_own_tenant_s_students_alone(tenant: str, student: str, *, is_foreign: bool) -> None:
    worker = Worker().take(written(0, tenant, student))

    assert worker.dead_letters() == ([(0, "foreign_student")] if is_foreign else [])
    assert (worker.rows.get(owning_partition(student.encode()), student.encode()) is None) is is_foreign
    [error] = [dict(output.headers)["dl-error"] or b"" for output in worker.of(CHANNELS.dead_letters)] or [b""]
    assert student.encode() not in error


def test_of_a_record_with_several_parts_only_the_foreign_ones_are_dead_letters() -> None:
    said = {"actor": {"objectType": "Agent"}, "verb": {"id": "http://adlnet.gov/expapi/verbs/attempted"}}
    parts = [
        {
            **said,
            "id": f"00000000-0000-4000-8000-00000000000{number}",
            "timestamp": "2026-03-02T09:00:00Z",
            "actor": {"account": {"homePage": "https://school.example", "name": name}},
            "object": {"id": "https://school.example/item"},
        }
        for number, name in enumerate(("ada", "bob"))
    ]
    value = json.dumps(parts).encode()
    events = decode(FileRecord(0, NOW_MS, value, CHANNELS.activity, 0)).events
    students = [event.student_id for event in events]
    tenancy = Tenancy({"north": students[0], "south": students[1]}, {"north": [b"n" * 32]})
    headers: Any = tenancy.sign("north", None, value)

    found = TenantDecoding(tenancy, decode)(FileRecord(0, NOW_MS, value, CHANNELS.activity, 0, None, headers))

    assert [event.student_id for event in found.events] == students[:1]
    assert [(one.reason, one.index) for one in found.invalid] == [("foreign_student", 1)]


def test_an_event_that_is_sent_on_proves_its_tenant_where_it_arrives() -> None:
    worker = Worker().take(written(0, "north", ADA, partition=(HOME + 1) % 4))
    [sent] = worker.of(CHANNELS.activity)
    headers: Any = sent.headers

    worker.take(FileRecord(0, sent.timestamp_ms or 0, sent.value, sent.topic, sent.partition, sent.key, headers))

    assert TENANCY.of_record(FileRecord(0, 0, sent.value, "", 0, sent.key, headers)) == "north"
    assert worker.dead_letters() == []
    assert worker.rows.get(HOME, ADA.encode()) is not None
