"""The audit trail: what is noted is written in order, and what cannot be written is not done."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from threading import Event
from typing import Final
from uuid import uuid4

import pytest
from msgspec import UNSET

from agents.audit.chain import AuditedAct
from agents.audit.commands import opened_keyring
from agents.audit.topic import AuditTopic
from agents.audit.trail import BEARABLE_S, MOST_WAITING, AuditTrail, AuditUnavailable
from agents.audit.verification import ChainVerification, StoredAudit
from agents.audit.writer import AuditLog, ChainWriter
from agents.config.settings import Settings
from agents.kafka.errors import BrokerUnavailable
from agents.metrics import Metrics
from schemas.audit import MOST_ABOUT, AuditAction, AuditActor, NewestRecord, read_audit_record
from tests.agents.memory_audit import MemoryAuditLog, MemoryTrail

WHO: Final = AuditActor("reader")
NOBODY: Final = "00000000:" + "0" * 32


def settings_of(broker: str) -> Settings:
    return Settings(broker=broker, topic_prefix=f"t{uuid4().hex[:8]}.", header_key="a key of the tests")


@pytest.fixture(params=["memory", "kafka"])
def open_log(request: pytest.FixtureRequest, broker: str) -> Callable[[], AuditLog]:
    if request.param == "memory":
        shared = MemoryAuditLog()
        return lambda: MemoryAuditLog(shared.records)
    settings = settings_of(broker)
    return lambda: AuditTopic(settings, opened_keyring(settings).sign, timeout_s=60.0)


def test_a_log_tells_its_newest_record_and_appends_in_order(open_log: Callable[[], AuditLog]) -> None:
    first, second = open_log(), open_log()
    assert first.newest() is None
    first.append("a", [b"1", b"2"])
    first.append("a", [b"3"])
    found = second.newest()
    second.append("b", [b"4"])
    last = first.newest()

    assert found is not None
    assert last is not None
    assert found.sha256 == "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce"  # of "3"
    assert last.offset == found.offset + 1
    for log in (first, second):
        log.close()


def stored(records: Sequence[tuple[str, bytes]]) -> list[StoredAudit]:
    return [StoredAudit(offset, writer.encode(), value) for offset, (writer, value) in enumerate(records)]


def is_whole(records: Sequence[tuple[str, bytes]]) -> bool:
    verification = ChainVerification()
    return not any(list(verification.add(record)) for record in stored(records))


async def test_acts_are_written_in_their_order_as_one_chain() -> None:
    memory = MemoryTrail()
    running = asyncio.create_task(memory.trail.run())
    await memory.trail.note("read_scores", WHO, "answered", [NOBODY])
    await memory.trail.note("read_history", WHO, "unknown", confirmed=True)
    assert [read_audit_record(value).action for _, value in memory.log.records] == ["read_scores", "read_history"]
    running.cancel()
    await memory.trail.note("read_explanation", WHO, "answered")
    acts = await memory.acts()

    assert [(each.sequence, each.outcome) for each in acts] == [(0, "answered"), (1, "unknown"), (2, "answered")]
    assert is_whole(memory.log.records)
    assert memory.metrics.audit_records.values()["confirmed"] == 2


async def test_an_act_that_is_to_be_confirmed_waits_for_the_broker() -> None:
    class Slow(MemoryAuditLog):
        def append(self, writer: str, values: Sequence[bytes]) -> None:
            released.wait()
            super().append(writer, values)

    released, log = Event(), Slow()
    trail = AuditTrail(ChainWriter(log), Metrics())
    running = asyncio.create_task(trail.run())
    noted = asyncio.create_task(trail.note("erase", WHO, "begun", confirmed=True))
    for _ in range(5):
        await asyncio.sleep(0)
    await trail.note("read_scores", WHO, "answered")
    assert not noted.done()
    assert log.records == []
    released.set()
    await noted

    assert read_audit_record(log.records[0][1]).action == "erase"
    running.cancel()
    await trail.close()


async def test_while_the_broker_is_away_reads_are_noted_for_a_while_and_then_refused_until_it_is_back() -> None:
    memory = MemoryTrail()
    memory.log.away = True
    await memory.trail.note("read_scores", WHO, "answered")
    memory.now_s += BEARABLE_S
    await memory.trail.note("read_history", WHO, "answered")
    memory.now_s += 1.0
    with pytest.raises(AuditUnavailable):
        await memory.trail.note("read_scores", WHO, "answered")
    memory.log.away = False
    running = asyncio.create_task(memory.trail.run())
    async with asyncio.timeout(60):
        while len(memory.log.records) < 2:  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0.01)
    running.cancel()
    acts = await memory.acts()

    assert [each.action for each in acts] == ["read_scores", "read_history"]
    assert memory.metrics.audit_records.values()["refused"] == 1


async def test_what_waits_is_bounded_by_whom_it_is_about() -> None:
    memory = MemoryTrail()
    for _ in range(-(-MOST_WAITING // (1 + MOST_ABOUT))):
        await memory.trail.note("read_rows", WHO, "answered", [NOBODY] * MOST_ABOUT)

    with pytest.raises(AuditUnavailable):
        await memory.trail.note("read_scores", WHO, "answered")


def act(action: AuditAction) -> AuditedAct:
    return AuditedAct(at=datetime(2026, 1, 5, 9, tzinfo=UTC), action=action, who=WHO, outcome="done")


def test_what_was_not_confirmed_is_written_again_as_it_was_before_all_else() -> None:
    log = MemoryAuditLog(away=True)
    writer = ChainWriter(log)
    with pytest.raises(BrokerUnavailable):
        writer.write([act("export")])
    log.away, log.unheard = False, True
    with pytest.raises(BrokerUnavailable):
        writer.write([act("rescore")])
    log.unheard = False
    writer.write([act("erase")])

    records = [read_audit_record(value) for _, value in log.records]
    assert [(each.sequence, each.action) for each in records] == [
        (0, "export"),
        (1, "rescore"),
        (0, "export"),
        (1, "rescore"),
        (2, "erase"),
    ]
    assert is_whole(log.records)


def test_each_process_is_a_writer_of_its_own_that_says_what_was_newest_before_it() -> None:
    log = MemoryAuditLog()
    for action in ("export", "erase"):
        ChainWriter(log).write([act(action)])

    first, second = (read_audit_record(value) for _, value in log.records)
    assert first.writer != second.writer
    assert (first.sequence, second.sequence) == (0, 0)
    assert first.newest is UNSET
    assert second.newest == NewestRecord(0, sha256(log.records[0][1]).hexdigest())
