"""Nothing leaves a worker whose group has not lately confirmed it, whatever was queued before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaConnectionError, KafkaError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from agents.delivery.aiokafka.fencing import FenceLost, guard_producer, listen_to_group
from agents.delivery.errors import SessionLost
from agents.delivery.fence import Fence
from agents.delivery.outage import Outage
from agents.delivery.writer import OutRecord, RecordBatchWriter
from agents.kafka.embedded import EmbeddedBroker
from tests.agents.delivery_cluster import read_topic

HEARTBEAT = HeartbeatRequest("group", 3, "member")
SYNC = SyncGroupRequest("group", 3, "member", None, [])
COMMIT = OffsetCommitRequest("group", 3, "member", -1, [])
JOIN = JoinGroupRequest("group", 10_000, 60_000, "member", None, "consumer", [])
OK, ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCING, FENCED = 0, 22, 25, 27, 82


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Answer:
    error_code: int

    @property
    def topics(self) -> list[tuple[str, list[tuple[int, int]]]]:
        """A commit's answer: a code for each partition."""
        return [("events", [(0, OK), (1, self.error_code)])]


@dataclass
class Group:
    """A coordinator that a test lets answer; it takes `delay_s` of `clock`."""

    clock: Clock
    answer: Answer | Exception = field(default_factory=lambda: Answer(OK))
    delay_s: float = 0.0
    _group_instance_id: str | None = None
    asked: list[object] = field(default_factory=list)

    async def _send_req(self, request: object) -> Answer:
        self.asked.append(request)
        self.clock.now_s += self.delay_s
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Member:
    """A fence, and the group that it listens to."""

    clock: Clock = field(default_factory=Clock)
    lost: list[SessionLost] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.group = Group(self.clock)
        self.fence = Fence(10.0, self.clock)
        self.outage = Outage("broker:9092", 600.0, self.clock)
        listen_to_group(cast(GroupCoordinator, self.group), self.fence, self.outage, self.lost.append)

    async def receives(self, request: object, answer: int | Exception) -> None:
        self.group.answer = answer if isinstance(answer, Exception) else Answer(answer)
        await self.group._send_req(request)


@pytest.fixture(autouse=True)
def same_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("agents.delivery.aiokafka.fencing.monotonic", clock)
    return clock


@pytest.fixture
def member(same_clock: Clock) -> Member:
    return Member(same_clock)


@pytest.mark.parametrize("request_", [HEARTBEAT, COMMIT, JOIN])
@pytest.mark.parametrize("silence", [KafkaConnectionError("reset"), GroupCoordinatorNotAvailableError()])
async def test_a_coordinator_that_does_not_answer_is_unavailable_until_it_does(
    member: Member, request_: object, silence: Exception
) -> None:
    with pytest.raises(KafkaError):
        await member.receives(request_, silence)
    assert (member.outage.reason or "").startswith("group: ")

    for loading in (14, 15, 16):
        await member.receives(request_, loading)
        assert member.outage.reason is not None

    await member.receives(request_, OK)
    assert (member.outage.reason, member.lost) == (None, [])


def test_a_fence_is_stale_until_the_group_has_answered(same_clock: Clock) -> None:
    assert not Fence(10.0, same_clock).fresh


async def test_a_confirmation_counts_from_when_it_was_asked_and_ends_before_the_session_does(member: Member) -> None:
    member.group.delay_s = 3.0
    await member.receives(HEARTBEAT, OK)
    assert member.fence.age_s == pytest.approx(3.0)
    member.clock.now_s += 4.9
    assert member.fence.fresh
    member.clock.now_s += 0.2  # 8.1 s of a session of 10 s: what is sent now might arrive too late

    assert not member.fence.fresh


@pytest.mark.parametrize("request_", [HEARTBEAT, SYNC])
async def test_a_stale_fence_is_fresh_again_when_the_group_still_knows_this_member(
    member: Member, request_: object
) -> None:
    await member.receives(HEARTBEAT, OK)
    member.clock.now_s += 60.0
    await member.receives(JOIN, OK)
    await member.receives(COMMIT, OK)
    assert not member.fence.fresh
    await member.receives(request_, OK)

    assert member.fence.fresh
    assert member.lost == []


async def test_a_rebalance_that_waits_for_this_member_keeps_the_fence_fresh(member: Member) -> None:
    await member.receives(HEARTBEAT, REBALANCING)
    assert member.fence.fresh


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (HEARTBEAT, ILLEGAL_GENERATION),
        (HEARTBEAT, UNKNOWN_MEMBER),
        (HEARTBEAT, FENCED),
        (SYNC, FENCED),
        (COMMIT, UNKNOWN_MEMBER),
        (COMMIT, FENCED),
    ],
)
async def test_a_member_that_was_expelled_is_told_once_and_never_writes_or_joins_again(
    member: Member, request_: object, code: int
) -> None:
    await member.receives(HEARTBEAT, OK)
    await member.receives(request_, code)
    await member.receives(HEARTBEAT, code)
    await member.receives(HEARTBEAT, OK)

    assert not member.fence.fresh
    assert len(member.lost) == 1
    asked = len(member.group.asked)
    for joining in (JOIN, SYNC):
        with pytest.raises(FenceLost):
            await member.receives(joining, OK)
    assert len(member.group.asked) == asked


@pytest.mark.parametrize(
    ("request_", "answer"),
    [(COMMIT, ILLEGAL_GENERATION), (JOIN, UNKNOWN_MEMBER), (SYNC, REBALANCING), (HEARTBEAT, KafkaConnectionError())],
)
async def test_what_a_rebalance_or_a_lost_connection_brings_is_no_loss(
    member: Member, request_: object, answer: int | Exception
) -> None:
    await member.receives(HEARTBEAT, OK)
    with suppress(KafkaConnectionError):
        await member.receives(request_, answer)

    assert member.fence.fresh
    assert member.lost == []


async def test_a_duplicate_instance_id_is_named(member: Member) -> None:
    member.group._group_instance_id = "rack-7"
    await member.receives(HEARTBEAT, UNKNOWN_MEMBER)

    assert "another worker runs with the instance_id 'rack-7'" in str(member.lost[0])


# -- a real producer


@dataclass
class Writing:
    """A real idempotent producer on a broker, behind a fence."""

    broker: str
    producer: AIOKafkaProducer
    fence: Fence
    clock: Clock

    async def send(self, topic: str, value: bytes) -> "asyncio.Future[Any]":
        writer = RecordBatchWriter(lambda: self.producer, 1_000_000)
        (sent,) = await writer.send(topic, 0, [OutRecord(b"key", value)])
        return sent

    async def values(self, topic: str) -> list[bytes | None]:
        return [message.value() for message in await asyncio.to_thread(read_topic, self.broker, topic)]


@pytest.fixture
async def writing(same_clock: Clock) -> AsyncIterator[Writing]:
    fence = Fence(10.0, same_clock)
    with EmbeddedBroker() as broker:
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", enable_idempotence=True)
        guard_producer(producer, fence)
        await producer.start()
        try:
            yield Writing(broker.bootstrap, producer, fence, same_clock)
        finally:
            fence.lose(SessionLost("the test ends"))
            await producer.stop()


async def test_batches_queued_before_the_fence_went_stale_wait_for_the_next_confirmation(writing: Writing) -> None:
    writing.fence.confirm(writing.clock())
    await (await writing.send("log", b"first"))
    writing.clock.now_s += 8.1
    queued = [await writing.send("log", b"second"), await writing.send("other", b"too")]
    _, waiting = await asyncio.wait(queued, timeout=0.5)
    assert len(waiting) == 2
    assert await writing.values("log") == [b"first"]
    writing.fence.confirm(writing.clock())
    async with asyncio.timeout(60):
        await asyncio.gather(*queued)

    assert await writing.values("log") == [b"first", b"second"]


async def test_batches_that_wait_fail_at_once_when_the_worker_is_expelled_and_are_never_sent(writing: Writing) -> None:
    queued = await writing.send("log", b"of a zombie")
    _, waiting = await asyncio.wait([queued], timeout=0.3)
    assert waiting
    writing.fence.lose(SessionLost("put out"))
    writing.fence.confirm(writing.clock())
    async with asyncio.timeout(60):
        with pytest.raises(KafkaError, match="put out"):
            await queued
        await writing.producer.stop()

    assert await writing.values("log") == []
