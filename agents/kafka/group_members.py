"""Who is in a consumer group, and who owns what: asked of its coordinator, from outside.

By aiokafka: librdkafka's own request ends the process (2.16.1: `eonce->refcnt > 0` in rdkafka_queue.h does not hold)
where the coordinator is still loading, as after each restart of a broker.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, for_code

from agents.kafka.connection import aiokafka_config
from agents.kafka.offsets import SourcePartition

_NO_ERROR: Final = 0
_NO_SUCH_GROUP: Final = 69


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A member as the coordinator lists it."""

    client_id: str
    host: str
    member_id: str

    def as_json(self) -> dict[str, str]:
        """For JSON."""
        return {"client_id": self.client_id, "host": self.host}


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """`state` in Kafka's own words; "Dead" is also a group that there never was. Owners are of what is assigned."""

    state: str
    members: tuple[GroupMember, ...]
    owners: Mapping[SourcePartition, GroupMember]


async def describe_group(broker: str, name: str, timeout_s: float) -> GroupDescription | None:
    """The group as its coordinator has it; None where that does not tell. Raises nothing of the broker's making."""
    try:
        return await ask_group(broker, name, timeout_s)
    except (KafkaError, OSError, TimeoutError):
        return None


async def ask_group(broker: str, name: str, timeout_s: float) -> GroupDescription:
    """As `describe_group`, but raises why it does not tell: aiokafka's KafkaError, OSError, TimeoutError."""
    async with asyncio.timeout(timeout_s), _admin(broker, timeout_s) as admin:
        [answer] = await admin.describe_consumer_groups([name])
    error_code, _, state, _, _, described, *_ = answer.groups[0]
    if error_code == _NO_SUCH_GROUP:
        return GroupDescription("Dead", (), {})
    if error_code != _NO_ERROR:
        raise for_code(error_code)
    members, owners = [], dict[SourcePartition, GroupMember]()
    for member_id, client_id, host, _, assignment in described:
        member = GroupMember(client_id, host.removeprefix("/"), member_id)
        members.append(member)
        owners.update((part, member) for part in _assigned(assignment))
    return GroupDescription(state, tuple(members), owners)


def _assigned(assignment: bytes) -> list[SourcePartition]:
    """None while the group is being rebalanced."""
    if not assignment:
        return []
    parts: list[Any] = ConsumerProtocolMemberAssignment.decode(assignment).partitions()
    return [(part.topic, part.partition) for part in parts]


@asynccontextmanager
async def _admin(broker: str, timeout_s: float) -> AsyncIterator[AIOKafkaAdminClient]:
    config = await asyncio.to_thread(aiokafka_config, broker)  # with TLS it reads all CAs, which takes milliseconds
    admin = AIOKafkaAdminClient(**config, request_timeout_ms=round(timeout_s * 1_000))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
