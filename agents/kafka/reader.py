"""Reads topics from outside of every group. Blocks."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import OFFSET_BEGINNING, Message, TopicPartition

from agents.kafka.clients import open_reader
from agents.kafka.connection import ClientConfig
from agents.kafka.errors import NoSuchTopic, TopicForbidden, is_forbidden, text_of_error
from agents.kafka.mock import is_mock
from agents.kafka.offsets import committed_offsets
from agents.kafka.reading import Reading, Span, second_reader
from agents.kafka.renewed import Renewed

_TRY_S: Final = 5.0


class TopicReader:
    """Of one topic, while the context is open. `group` names whose committed offsets may be asked for.

    All methods block, and raise BrokerUnavailable after `timeout_s`.
    """

    def __init__(
        self, broker: str, topic: str, group: str, timeout_s: float = 30.0, config: ClientConfig | None = None
    ) -> None:
        self.topic = topic
        self._timeout_s = timeout_s
        self._try_s = min(timeout_s, _TRY_S)
        self._second = second_reader(broker)
        self._clients = Renewed(lambda: open_reader(broker, group, config))
        self._unsettled = Renewed(lambda: open_reader(broker, group, {"isolation.level": "read_uncommitted"}))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the clients; what is asked after it opens others."""
        for clients in (self._clients, self._unsettled):
            clients.end(lambda client: client.close())

    @property
    def group_metadata(self) -> Any:
        """What a transaction needs in order to commit offsets of the group."""
        with self._clients.round() as client:
            return client.consumer_group_metadata()

    def partitions(self) -> list[int]:
        """The topic's; none where there is no such topic. Raises TopicForbidden where this client may not see it."""
        cluster = self._clients.ask(lambda client: client.list_topics(timeout=self._try_s), self.topic, self._timeout_s)
        known = cluster.topics.get(self.topic)
        if known is None and not is_mock(cluster):
            self._require_shown()
        return sorted(known.partitions) if known is not None else []

    def _require_shown(self) -> None:
        """A broker leaves what is forbidden out of a list, and says so where it is asked for it by name."""
        named = self._clients.ask(
            lambda client: client.list_topics(self.topic, timeout=self._try_s), self.topic, self._timeout_s
        )
        metadata = named.topics.get(self.topic)
        error = metadata.error if metadata is not None else None
        if error is not None and is_forbidden(error):
            raise TopicForbidden(f"{self.topic} may not be seen: {text_of_error(error)}")

    def spans(self) -> dict[int, tuple[int, int]]:
        """(first offset, offset after the last) of each partition. Raises NoSuchTopic."""
        partitions = self.partitions()
        if not partitions:
            raise NoSuchTopic(f"there is no topic {self.topic}")
        return {partition: self.span(partition) for partition in partitions}

    def span(self, partition: int) -> tuple[int, int]:
        """(first offset, offset after the last) of a partition."""
        topic_partition = TopicPartition(self.topic, partition)
        start, end = self._clients.ask(
            lambda client: client.get_watermark_offsets(topic_partition, timeout=self._try_s),
            f"{self.topic}/{partition}",
            self._timeout_s,
        )
        return int(start), int(end)

    def committed(self, partitions: Collection[int], *, settled: bool) -> dict[int, int | None]:
        """The group's committed offsets; None where there is none.

        `settled`: wait until every transaction that moves them has ended. Else they are as before those.
        """
        parts = [(self.topic, partition) for partition in partitions]
        clients = self._clients if settled else self._unsettled
        found = clients.ask(
            lambda client: committed_offsets(client, parts, self._try_s, all_of_them=True), self.topic, self._timeout_s
        )
        return {partition: offset for (_, partition), offset in found.items()}

    def read(self, partition: int, start: int, end: int | None = None) -> Iterator[Message]:
        """The records at `start` and after, up to, without, `end`. Raises TopicForbidden."""
        for records in self.batches({partition: (start, end)}):
            yield from records

    def batches(
        self, spans: Mapping[int, Span], doubted: Mapping[int, Sequence[int]] | None = None
    ) -> Iterator[list[Message]]:
        """The records of several partitions at once; see Reading for `doubted`. Raises TopicForbidden."""
        parts = {(self.topic, partition): span for partition, span in spans.items()}
        of_topic = {(self.topic, partition): offsets for partition, offsets in (doubted or {}).items()}
        yield from Reading(self._clients, parts, self._timeout_s, self._second, doubted=of_topic)

    def at(self, offsets: Mapping[int, int]) -> dict[int, Message]:
        """The records at `offsets`, by partition; what is not retained is missing. Raises TopicForbidden."""
        spans = {(self.topic, partition): (offset, offset + 1) for partition, offset in offsets.items()}
        reading = Reading(self._clients, spans, self._timeout_s, self._second, firsts=True)
        return {message.partition() or 0: message for records in reading for message in records}


def read_to_end(broker: str, topic: str, *, last: int | None = None) -> Iterator[Message]:
    """Every record of `topic`, or about the `last` of each partition, a partition's in their order; none for a topic
    that is not there. Raises BrokerUnavailable when the broker falls silent, and TopicForbidden.
    """
    with TopicReader(broker, topic, f"skillstream-reader-{topic}") as reader:
        starts = dict.fromkeys(reader.partitions(), OFFSET_BEGINNING)
        if last is not None:
            spans = {partition: reader.span(partition) for partition in starts}
            starts = {partition: max(start, end - last) for partition, (start, end) in spans.items()}
        for records in reader.batches({partition: (start, None) for partition, start in starts.items()}):
            yield from records
