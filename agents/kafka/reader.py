"""Reads topics from outside of every group: the one loop that ends where a partition ends.

Only what transactions committed is read, in bounded memory. A client that fails on the way is replaced, and the next
one reads on from the next offset. Blocks.
"""

from collections.abc import Collection, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.kafka.clients import open_reader
from agents.kafka.connection import ClientConfig
from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable, NoSuchTopic, TopicForbidden, is_forbidden, message_of
from agents.kafka.offsets import SourcePartition, committed_offsets
from agents.kafka.renewed import Renewed

Span = tuple[int, int | None]
"""An offset to begin at, and one to end before; None: where the partition ends when its end is reached."""

_BATCH: Final = 2_000
_POLL_S: Final = 0.02
_TRY_S: Final = 5.0


class Reading:
    """Iterates over the records of `spans` in batches, a partition's in their order.

    `left` holds the partitions that are not read to their end, with the next offset of each. With `firsts` a partition
    ends after its first record, and all of it takes `timeout_s` at most; else that is how long nothing may come.
    Raises BrokerUnavailable, and TopicForbidden at once.
    """

    def __init__(
        self,
        clients: Renewed[Consumer],
        spans: Mapping[SourcePartition, Span],
        timeout_s: float,
        *,
        firsts: bool = False,
    ) -> None:
        self.left = {part: start for part, (start, end) in spans.items() if end is None or start < end}
        self._ends = {part: end for part, (_, end) in spans.items() if end is not None}
        self._clients = clients
        self._timeout_s = timeout_s
        self._firsts = firsts

    def __iter__(self) -> Iterator[list[Message]]:
        assigned: Consumer | None = None
        silence = Deadline(self._timeout_s)
        try:
            while self.left:
                try:
                    with self._clients.round() as client:
                        if client is not assigned:
                            client.assign([TopicPartition(*part, offset) for part, offset in self.left.items()])
                            assigned = client
                        records = self._next(client)
                except KafkaException as error:
                    self._refuse(error, silence)
                    assigned = None  # what it had fetched is read again
                    silence.pause(_POLL_S)
                    continue
                if records:
                    yield records
                if not self._firsts:
                    silence.renew()  # not before: whoever reads may take its time
        finally:
            if assigned is not None:
                assigned.unassign()

    def _next(self, client: Consumer) -> list[Message]:
        """The next records; none where a partition has ended. Raises KafkaException where the client failed."""
        deadline = Deadline(min(self._timeout_s, _TRY_S))
        while not deadline.is_over:
            left = dict(self.left)
            records = [message for message in client.consume(_BATCH, _POLL_S) if self._take(message, left)]
            ended = self.left.keys() - left.keys()
            if ended and left:
                client.incremental_unassign([TopicPartition(*part) for part in ended])
            self.left = left
            if records or ended:
                return records
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"nothing was read for {self._timeout_s:g} s"))

    def _take(self, message: Message, left: dict[SourcePartition, int]) -> bool:
        """Whether it is a record that is due; `left` moves on by it."""
        part, error = (message.topic() or "", message.partition() or 0), message.error()
        if error is not None and is_forbidden(error):
            raise KafkaException(error)
        if part not in left:  # ended, or an error of no partition: an unavailable broker is waited for
            return False
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                del left[part]
            elif error.fatal() or not error.retriable():
                raise KafkaException(error)
            return False
        left[part] = (message.offset() or 0) + 1
        end = self._ends.get(part)
        is_due = end is None or left[part] <= end
        if self._firsts or (end is not None and left[part] >= end):
            del left[part]
        return is_due

    def _refuse(self, error: KafkaException, silence: Deadline) -> None:
        topic, partition = next(iter(self.left))
        said = f"{topic}/{partition} cannot be read: {message_of(error)}"
        if is_forbidden(error.args[0]):
            raise TopicForbidden(f"{said}: see 'A cluster that is locked down' in docs/operating.md") from error
        if silence.is_over:
            raise BrokerUnavailable(said) from error


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
        self._clients = Renewed(lambda: open_reader(broker, group, config))
        self._unsettled = Renewed(lambda: open_reader(broker, group, {"isolation.level": "read_uncommitted"}))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for clients in (self._clients, self._unsettled):
            clients.end(lambda client: client.close())

    @property
    def group_metadata(self) -> Any:
        """What a transaction needs in order to commit offsets of the group."""
        with self._clients.round() as client:
            return client.consumer_group_metadata()

    def partitions(self) -> list[int]:
        """The topic's; none where there is no such topic."""
        cluster = self._clients.ask(lambda client: client.list_topics(timeout=self._try_s), self.topic, self._timeout_s)
        known = cluster.topics.get(self.topic)
        return sorted(known.partitions) if known is not None else []

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

    def batches(self, spans: Mapping[int, Span]) -> Iterator[list[Message]]:
        """The records of several partitions at once. Raises TopicForbidden."""
        parts = {(self.topic, partition): span for partition, span in spans.items()}
        yield from Reading(self._clients, parts, self._timeout_s)

    def at(self, offsets: Mapping[int, int]) -> dict[int, Message]:
        """The records at `offsets`, by partition; what is not retained is missing. Raises TopicForbidden."""
        spans = {(self.topic, partition): (offset, offset + 1) for partition, offset in offsets.items()}
        reading = Reading(self._clients, spans, self._timeout_s, firsts=True)
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
