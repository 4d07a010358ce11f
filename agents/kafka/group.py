"""The consumer group, seen and changed from outside while it has no members. Blocks."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiokafka.errors import GroupAuthorizationFailedError, IncompatibleBrokerVersion, KafkaError
from confluent_kafka import KafkaException, TopicPartition

from agents.kafka.clients import open_reader
from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable, message_of
from agents.kafka.group_members import ask_group
from schemas.errors import Fatal

_POLL_S: Final = 0.2
_ASK_AGAIN_S: Final = 1.0
_TRY_S: Final = 10.0


class GroupAtWork(Fatal):
    """The group has members, or whether it has is not known."""


class ConsumerGroup:
    """A consumer group by name. Raises BrokerUnavailable where its coordinator does not answer for `timeout_s`."""

    def __init__(self, broker: str, name: str, timeout_s: float = 30.0) -> None:
        self._broker = broker
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
        """Asks until it is told. No event loop may be running in this thread."""
        deadline = Deadline(self._timeout_s)
        while True:
            try:
                return len(asyncio.run(ask_group(self._broker, self._name, _TRY_S)).members)
            except IncompatibleBrokerVersion as error:
                raise GroupAtWork(
                    "this broker does not tell a group's members: it is no broker to keep data on"
                ) from error
            except (KafkaError, OSError, TimeoutError) as error:
                if deadline.is_over or isinstance(error, GroupAuthorizationFailedError):
                    said = f"the broker does not tell the members of group {self._name}: {str(error) or 'no answer'}"
                    raise BrokerUnavailable(said) from error
            deadline.pause(_ASK_AGAIN_S)
