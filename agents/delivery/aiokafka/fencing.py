"""Where the fence meets aiokafka: who renews it, and what it holds back. All of it is private to aiokafka 0.14.0.

* `GroupCoordinator._send_req`: every request of a member passes here, and no callback tells of a heartbeat.
* `AIOKafkaProducer.client.send`: the last step before bytes go to the socket that all batches pass, whether they were
  queued in the accumulator, drained by the sender, or put back for a retry.

aiokafka's heartbeat does not name its static instance, so a member whose instance id was taken by another is told
'unknown member', as one whose session ran out; aiokafka would then join again, and throw the other one out.
"""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final, Protocol, cast

from aiokafka import AIOKafkaProducer
from aiokafka.client import ConnectionGroup
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError, NodeNotReadyError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest
from aiokafka.protocol.produce import ProduceRequest

from agents.delivery.errors import SessionLost
from agents.delivery.fence import Fence
from agents.delivery.outage import Outage, may_pass

_OK: Final = 0
_ABSENT: Final = {14, 15, 16}  # the coordinator loads the group, is not there, is another one
_ILLEGAL_GENERATION: Final = 22
_UNKNOWN_MEMBER: Final = 25
_REBALANCING: Final = 27
_FENCED_INSTANCE: Final = 82

# A rebalance waits for us, or for its own timeout: our partitions are ours until we join again.
_CONFIRMS: Final = {HeartbeatRequest: {_OK, _REBALANCING}, SyncGroupRequest: {_OK}}
# A commit that crosses our own join may bear an old generation; a heartbeat can't: it isn't sent while we join.
_EXPELS: Final = {
    HeartbeatRequest: {_ILLEGAL_GENERATION, _UNKNOWN_MEMBER, _FENCED_INSTANCE},
    SyncGroupRequest: {_FENCED_INSTANCE},
    OffsetCommitRequest: {_UNKNOWN_MEMBER, _FENCED_INSTANCE},
}

OnLost = Callable[[SessionLost], None]
Send = Callable[..., Awaitable[Any]]


class FenceStale(KafkaError):  # type: ignore[misc]
    """The fence is stale: the batch is put back, and tried again after a moment."""

    retriable = True


class FenceLost(KafkaError):  # type: ignore[misc]
    """The fence is lost: the request will never be sent."""

    retriable = False


class _Answer(Protocol):
    error_code: int


def listen_to_group(coordinator: GroupCoordinator, fence: Fence, outage: Outage, on_lost: OnLost) -> None:
    """Renew `fence` by the group's answers, and report missing answers to `outage`.

    `on_lost` is called once, in the coordinator's thread, when expelled.
    """
    send: Send = coordinator._send_req

    async def listening(request: object) -> Any:
        if fence.lost is not None and isinstance(request, JoinGroupRequest | SyncGroupRequest):
            raise FenceLost("this worker stops: it must not throw another out of the group")
        sent_s = monotonic()
        try:
            answer = await send(request)
        except KafkaError as error:
            if may_pass(error) and not isinstance(request, LeaveGroupRequest):
                is_held = isinstance(request, JoinGroupRequest | SyncGroupRequest)  # until the other members are there
                outage.begin("group", error, 0.0 if is_held else monotonic() - sent_s)
            raise
        codes = _codes(request, answer)
        if absent := codes & _ABSENT:
            outage.begin("group", for_code(min(absent))())
        else:
            outage.back("group")
        if codes & _CONFIRMS.get(type(request), set()):
            fence.confirm(sent_s)
        if expelled := codes & _EXPELS.get(type(request), set()):
            lost = SessionLost(_reason(min(expelled), fence.age_s, coordinator._group_instance_id))
            if fence.lose(lost):
                on_lost(lost)
        return answer

    coordinator._send_req = listening


def guard_producer(producer: AIOKafkaProducer, fence: Fence) -> None:
    """Let record batches out only while `fence` is fresh. Nothing is awaited between the look and the socket."""
    client = producer.client
    send: Send = client.send

    async def guarded(node_id: int, request: object, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> Any:
        if isinstance(request, ProduceRequest):
            _require_member(fence)  # at once: an unreachable broker must not hold up a stop
            if not await client.ready(node_id, group=group):  # connecting takes time: before the look
                raise NodeNotReadyError(f"node {node_id} is not ready")
            _require_member(fence)
            if not fence.fresh:
                raise FenceStale(f"the group has not confirmed this worker for {fence.age_s:.1f} s")
        return await send(node_id, request, group=group)

    client.send = guarded


def _require_member(fence: Fence) -> None:
    if fence.lost is not None:
        raise FenceLost(str(fence.lost)) from fence.lost


def _codes(request: object, answer: object) -> set[int]:
    if isinstance(request, OffsetCommitRequest):
        topics: list[tuple[str, list[tuple[int, int]]]] = cast(Any, answer).topics
        return {code for _topic, partitions in topics for _partition, code in partitions}
    if isinstance(request, HeartbeatRequest | JoinGroupRequest | SyncGroupRequest):
        return {cast(_Answer, answer).error_code}
    return set()


def _reason(code: int, age_s: float, instance_id: str | None) -> str:
    said = {
        _ILLEGAL_GENERATION: "the group has moved on to another generation",
        _UNKNOWN_MEMBER: "the group does not know this member any more",
        _FENCED_INSTANCE: "another member has taken this instance id",
    }[code]
    paused = f"{said}; confirmed last {age_s:.1f} s ago"
    if instance_id is None:
        return f"{paused}: this worker was paused, or cut off, for longer than its session"
    return (
        f"{paused}: this worker was paused, or cut off, for longer than its session, or another worker runs with "
        f"the instance_id {instance_id!r}: give each its own"
    )
