"""The consumer group, seen and changed from outside while it has no members. Blocks."""

from collections.abc import Mapping
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.kafka.clients import open_admin, open_reader
from agents.kafka.deadline import Deadline
from agents.kafka.errors import message_of
from agents.kafka.renewed import Renewed
from schemas.errors import Fatal

_POLL_S: Final = 0.2
_TRY_S: Final = 5.0
_UNKNOWN_GROUP: Final = "GROUP_ID_NOT_FOUND"


class GroupAtWork(Fatal):
    """The group has members, or whether it has is not known."""


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
            asked = admin.describe_consumer_groups([self._name], request_timeout=_TRY_S)
            return len(asked[self._name].result(2 * _TRY_S).members)
        except KafkaException as error:
            if error.args[0].name() == _UNKNOWN_GROUP:
                return 0
            if error.args[0].name() == "_UNSUPPORTED_FEATURE":
                raise GroupAtWork(
                    "this broker does not tell a group's members: it is no broker to keep data on"
                ) from error
            raise
