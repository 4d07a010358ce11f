"""The consumer group, seen from outside, and changed while it has no members. Blocks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import ConsumerGroupState, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.kafka.clients import open_admin, open_reader
from agents.kafka.deadline import Deadline
from agents.kafka.errors import message_of
from agents.kafka.offsets import SourcePartition
from agents.kafka.renewed import Renewed
from schemas.errors import Fatal

_POLL_S: Final = 0.2
_TRY_S: Final = 5.0
_UNKNOWN_GROUP: Final = "GROUP_ID_NOT_FOUND"


_STATES: Final = {
    ConsumerGroupState.STABLE: "Stable",
    ConsumerGroupState.EMPTY: "Empty",
    ConsumerGroupState.DEAD: "Dead",
    ConsumerGroupState.PREPARING_REBALANCING: "PreparingRebalance",
    ConsumerGroupState.COMPLETING_REBALANCING: "CompletingRebalance",
}


class GroupAtWork(Fatal):
    """The group has members, or whether it has is not known."""


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A member as the coordinator lists it; `instance_id` is that of a static member."""

    client_id: str
    host: str
    member_id: str
    instance_id: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """For JSON."""
        return {"client_id": self.client_id, "host": self.host, "instance_id": self.instance_id}


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """`state` in Kafka's own words; "Dead" is also a group that there never was. Owners are of what is assigned."""

    state: str
    members: tuple[GroupMember, ...]
    owners: Mapping[SourcePartition, GroupMember]


def describe_group(admin: AdminClient, name: str, timeout_s: float) -> GroupDescription:
    """The group as its coordinator has it. Raises KafkaException or TimeoutError where that does not tell."""
    try:
        asked = admin.describe_consumer_groups([name], request_timeout=timeout_s)
        described = asked[name].result(2 * timeout_s)
    except KafkaException as error:
        if error.args[0].name() == _UNKNOWN_GROUP:
            return GroupDescription("Dead", (), {})
        raise
    members, owners = [], dict[SourcePartition, GroupMember]()
    for each in described.members:
        member = _member(each)
        members.append(member)
        owners.update(((part.topic, part.partition), member) for part in each.assignment.topic_partitions)
    return GroupDescription(_STATES.get(described.state, "Unknown"), tuple(members), owners)


def _member(described: Any) -> GroupMember:
    host = str(described.host).removeprefix("/")
    return GroupMember(described.client_id, host, described.member_id, described.group_instance_id)


class ConsumerGroup:
    """A consumer group by name. Raises BrokerUnavailable where its coordinator does not answer for `timeout_s`."""

    def __init__(self, broker: str, name: str, timeout_s: float = 30.0) -> None:
        self._broker = broker
        self._admins = Renewed(lambda: open_admin(broker))
        self._name = name
        self._timeout_s = timeout_s

    def require_idle(self, wait_s: float = 0.0) -> None:
        """Return when the group has no member. Raises GroupAtWork when it still has after `wait_s`.

        One that was killed, or that has an instance id, stays a member until its session has run out.
        """
        deadline = Deadline(wait_s)
        while members := self._members():
            if deadline.is_over:
                raise GroupAtWork(f"group {self._name} has {members} members: stop all workers first")
            deadline.pause(_POLL_S)

    def set_offsets(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Where the group reads on. The broker refuses when a member has joined meanwhile: raises GroupAtWork."""
        consumer = open_reader(self._broker, self._name)
        topic_partitions = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        try:
            answered = consumer.commit(offsets=topic_partitions, asynchronous=False)
        except KafkaException as error:
            raise GroupAtWork(f"the offsets of group {self._name} cannot be set: {message_of(error)}") from error
        finally:
            consumer.close()
        for topic_partition in answered or []:
            if topic_partition.error is not None:
                raise GroupAtWork(
                    f"the offset of {topic}/{topic_partition.partition} cannot be set: {topic_partition.error.str()}"
                )

    def _members(self) -> int:
        what = f"the broker does not tell the members of group {self._name}"
        return self._admins.ask(self._count, what, self._timeout_s)

    def _count(self, admin: AdminClient) -> int:
        try:
            return len(describe_group(admin, self._name, _TRY_S).members)
        except KafkaException as error:
            if error.args[0].name() == "_UNSUPPORTED_FEATURE":
                raise GroupAtWork(
                    "this broker does not tell a group's members: it is no broker to keep data on"
                ) from error
            raise
