"""Reads a topic partition by partition, outside of any group, in bounded memory; only what transactions committed."""

from collections.abc import Callable, Iterator, Mapping
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.kafka.connection import ClientConfig, client_config
from agents.kafka.renewed import Renewed
from schemas.errors import Retryable, SkillstreamError

_RETRY_S: Final = 0.1
_BUFFER_KIB: Final = 32 * 1024
_Answer = TypeVar("_Answer")


class TopicUnread(Retryable):
    """The broker does not answer in time."""


class NoSuchTopic(SkillstreamError):
    """There is no topic of that name."""


class TopicReader:
    """See the module. `group` names whose committed offsets are asked for; it is never joined. All methods block."""

    def __init__(self, broker: str, topic: str, group: str, timeout_s: float = 30.0) -> None:
        self.topic = topic
        self._timeout_s = timeout_s
        self._client: ClientConfig = {
            **client_config(broker),
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": _BUFFER_KIB,
        }
        self._consumer = Consumer(self._client)
        self._asked = Renewed(lambda: Consumer(self._client))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    @property
    def group_metadata(self) -> Any:
        """What a transaction needs in order to commit offsets of the group."""
        return self._consumer.consumer_group_metadata()

    def spans(self) -> dict[int, tuple[int, int]]:
        """(first offset, offset after the last) of each partition. Raises NoSuchTopic, TopicUnread."""
        topics = self._ask(lambda client: client.list_topics(timeout=self._timeout_s)).topics
        if self.topic not in topics:
            raise NoSuchTopic(f"there is no topic {self.topic}")
        return {partition: self._span(partition) for partition in sorted(topics[self.topic].partitions)}

    def committed(self, partitions: Mapping[int, object], *, settled: bool) -> dict[int, int | None]:
        """The group's committed offsets; None where there is none.

        `settled`: wait until every transaction that moves them has ended. Else they are as before those.
        """
        places = [TopicPartition(self.topic, partition) for partition in partitions]
        isolation = "read_committed" if settled else "read_uncommitted"
        consumer = Consumer(self._client | {"isolation.level": isolation})
        try:
            found = self._ask(lambda _: _without_errors(consumer.committed(places, timeout=self._timeout_s)))
        finally:
            consumer.close()
        return {place.partition: place.offset if place.offset >= 0 else None for place in found}

    def read(self, partition: int, start: int, end: int) -> Iterator[Message]:
        """The records at `start` and after, up to, without, `end`. One at a time; raises TopicUnread."""
        if start >= end:
            return
        self._consumer.assign([TopicPartition(self.topic, partition, start)])
        try:
            yield from self._until(end)
        finally:
            self._consumer.unassign()

    def _until(self, end: int) -> Iterator[Message]:
        deadline_s = monotonic() + self._timeout_s
        while True:
            message = self._consumer.poll(_RETRY_S)
            if message is None:
                if monotonic() > deadline_s:
                    raise TopicUnread(f"{self.topic}: nothing was read for {self._timeout_s:g} s")
                continue
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                return
            if error is not None:
                raise TopicUnread(f"{self.topic}: {error.str()}")
            offset = int(message.offset() or 0)
            if offset < end:
                yield message
            if offset >= end - 1:
                return
            deadline_s = monotonic() + self._timeout_s  # not before: whoever reads may take its time

    def _span(self, partition: int) -> tuple[int, int]:
        place = TopicPartition(self.topic, partition)
        start, end = self._ask(lambda client: client.get_watermark_offsets(place, timeout=self._timeout_s))
        return int(start), int(end)

    def _ask(self, question: Callable[[Consumer], _Answer]) -> _Answer:
        """A broker that has just started has no coordinator yet, and says so at once."""
        deadline_s = monotonic() + self._timeout_s
        while True:
            try:
                with self._asked.round() as client:
                    return question(client)
            except KafkaException as error:
                if monotonic() > deadline_s or not _passes(error.args[0]):
                    raise TopicUnread(f"{self.topic}: {error.args[0].str()}") from error
            sleep(_RETRY_S)


def _without_errors(places: list[TopicPartition]) -> list[TopicPartition]:
    for place in places:
        if place.error is not None:
            raise KafkaException(place.error)
    return places


def _passes(error: KafkaError) -> bool:
    return error.retriable() or error.name() in (
        "NOT_COORDINATOR",
        "COORDINATOR_NOT_AVAILABLE",
        "COORDINATOR_LOAD_IN_PROGRESS",
        "UNSTABLE_OFFSET_COMMIT",
        "FENCED_LEADER_EPOCH",  # of a leader that the client knew before
    )
