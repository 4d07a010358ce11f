"""The consumer group, seen and changed from outside while it has no members. Blocks."""

from collections.abc import Mapping
from time import monotonic, sleep
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.kafka.connection import client_config
from agents.kafka.renewed import Renewed
from schemas.errors import Fatal, Retryable

_POLL_S: Final = 0.2
_TRY_S: Final = 5.0
_UNKNOWN_GROUP: Final = "GROUP_ID_NOT_FOUND"


class GroupAtWork(Fatal):
    """The group has members, or that cannot be told."""


class GroupUnknown(Retryable):
    """The group's coordinator does not answer."""


class Group:
    """A consumer group by name. Every method raises GroupUnknown after `timeout_s`."""

    def __init__(self, broker: str, name: str, timeout_s: float = 30.0) -> None:
        self._client = client_config(broker)
        self._name = name
        self._timeout_s = timeout_s

    def require_idle(self, wait_s: float = 0.0) -> None:
        """Return when the group has no member. Raises GroupAtWork when it still has after `wait_s`.

        One that was killed, or that has an instance id, stays a member until its session has run out.
        """
        deadline_s = monotonic() + wait_s
        while members := self._members():
            if monotonic() > deadline_s:
                raise GroupAtWork(f"group {self._name} has {members} members: stop all workers first")
            sleep(_POLL_S)

    def set_offsets(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Where the group reads on. The broker refuses when a member has joined meanwhile: raises GroupAtWork."""
        consumer = Consumer(self._client | {"group.id": self._name, "enable.auto.commit": False})
        places = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]
        try:
            answered = consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            raise GroupAtWork(f"the offsets of group {self._name} cannot be set: {error.args[0].str()}") from error
        finally:
            consumer.close()
        for place in answered or []:
            if place.error is not None:
                raise GroupAtWork(f"the offset of {topic}/{place.partition} cannot be set: {place.error.str()}")

    def _members(self) -> int:
        deadline_s = monotonic() + self._timeout_s
        clients = Renewed(lambda: AdminClient(self._client))
        problem = "no answer"
        while monotonic() < deadline_s:
            try:
                with clients.round() as admin:
                    asked = admin.describe_consumer_groups([self._name], request_timeout=_TRY_S)
                    return len(asked[self._name].result(2 * _TRY_S).members)
            except TimeoutError:
                continue
            except KafkaException as error:
                if error.args[0].name() == _UNKNOWN_GROUP:
                    return 0
                if error.args[0].name() == "_UNSUPPORTED_FEATURE":
                    raise GroupAtWork(
                        "this broker does not tell a group's members: it is no broker to keep data on"
                    ) from error
                problem = error.args[0].str()
            sleep(_POLL_S)  # a coordinator that has just started is still loading
        raise GroupUnknown(f"the broker does not tell the members of group {self._name}: {problem}")
