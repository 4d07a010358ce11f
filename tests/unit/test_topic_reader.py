"""The one loop that reads partitions to their end: each record once, whatever the client does on the way."""

from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.kafka.errors import BrokerUnavailable, TopicForbidden
from agents.kafka.offsets import SourcePartition
from agents.kafka.reading import Reading, Span
from agents.kafka.renewed import Renewed

TOPIC = "activity"
END = KafkaError(KafkaError._PARTITION_EOF)
UNREADABLE = KafkaError(KafkaError._BAD_COMPRESSION)


class Log:
    """Partitions of a broker; `batch` records at most are given out at once, `failures` of them as errors first."""

    def __init__(self, ends: dict[int, int], batch: int = 3) -> None:
        self.ends = ends
        self.batch = batch
        self.failures: list[KafkaError] = []
        self.unreadable: list[tuple[int, int]] = []
        self.opened = 0
        self.now_s = 0.0
        self.clients: Renewed[Any] = Renewed(self._open, self._clock)

    def _open(self) -> "Client":
        self.opened += 1
        return Client(self)

    def _clock(self) -> float:
        self.now_s += 10.0  # never too early to replace a client
        return self.now_s

    def reading(self, spans: dict[int, Span], *, firsts: bool = False, timeout_s: float = 30.0) -> Reading:
        parts: dict[SourcePartition, Span] = {(TOPIC, partition): span for partition, span in spans.items()}
        return Reading(self.clients, parts, timeout_s, self.second, firsts=firsts)

    def second(self, offsets: Mapping[SourcePartition, int]) -> tuple[list[Message], dict[SourcePartition, int]]:
        """The other reader: one message, at its last offset, for a batch of `unreadable` (first to last offset)."""
        found = {part: last for part, at in offsets.items() for first, last in self.unreadable if first <= at <= last}
        messages = [
            Message(topic=TOPIC, partition=part[1], offset=last, value=b"batch") for part, last in found.items()
        ]
        return messages, {part: last + 1 for part, last in found.items()}

    def offsets(self, spans: dict[int, Span], *, firsts: bool = False) -> dict[int, list[int]]:
        """What is read of each partition."""
        found: dict[int, list[int]] = {}
        for messages in self.reading(spans, firsts=firsts):
            for message in messages:
                found.setdefault(message.partition() or 0, []).append(message.offset() or 0)
        return found


class Client:
    """The consumer's methods that are used."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._next: dict[int, int] = {}

    def assign(self, places: list[TopicPartition]) -> None:
        self._next = {place.partition: place.offset for place in places}

    def unassign(self) -> None:
        self._next = {}

    def incremental_unassign(self, places: list[TopicPartition]) -> None:
        for place in places:
            del self._next[place.partition]

    def consume(self, _most: int, _timeout_s: float) -> list[Message]:
        given: list[Message] = []
        for partition, offset in list(self._next.items()):
            while offset < self._log.ends[partition] and len(given) < self._log.batch:
                if any(first <= offset <= last for first, last in self._log.unreadable):
                    given.append(Message(topic=TOPIC, partition=partition, offset=offset, error=UNREADABLE))
                    break
                given.append(Message(topic=TOPIC, partition=partition, offset=offset, value=b"", error=None))
                offset += 1
            self._next[partition] = offset
            if offset == self._log.ends[partition] and len(given) < self._log.batch:
                given.append(Message(topic=TOPIC, partition=partition, offset=offset, error=END))
        if self._log.failures:  # behind what was given: all of it is read again
            given.append(Message(topic=TOPIC, partition=partition, offset=0, error=self._log.failures.pop()))
        return given


def test_partitions_are_read_to_their_ends_each_in_its_order() -> None:
    log = Log({0: 7, 1: 0, 2: 4})
    assert log.offsets({0: (0, None), 1: (0, None), 2: (1, None)}) == {0: [*range(7)], 2: [1, 2, 3]}


def test_a_span_ends_before_its_end_though_the_partition_goes_on() -> None:
    log = Log({0: 9, 1: 9})
    assert log.offsets({0: (2, 5), 1: (4, 4)}) == {0: [2, 3, 4]}


def test_a_client_that_fails_is_replaced_and_no_record_comes_twice() -> None:
    log = Log({0: 8})
    log.failures = [KafkaError(KafkaError._TRANSPORT), KafkaError(KafkaError._TRANSPORT)]
    assert log.offsets({0: (0, None)}) == {0: [*range(8)]}
    assert log.opened > 1


def test_what_the_client_cannot_unpack_is_one_message_of_the_second_reader_and_those_around_it_are_read_once() -> None:
    log = Log({0: 12, 1: 4}, batch=4)
    log.unreadable = [(2, 4), (7, 9), (11, 11)]
    assert log.offsets({0: (0, None), 1: (0, 2)}) == {0: [0, 1, 4, 5, 6, 9, 10, 11], 1: [0, 1]}
    assert log.offsets({0: (3, 8)}) == {0: [4, 5, 6]}, "the second batch has its message behind the end"
    assert log.opened == 1


def test_what_neither_reader_gets_past_is_waited_for_no_longer_than_the_bound() -> None:
    log = Log({0: 8})
    log.unreadable = [(2, 4)]
    reading = Reading(log.clients, {(TOPIC, 0): (0, None)}, 0.2, lambda _offsets: ([], {}))
    found = []
    with pytest.raises(BrokerUnavailable, match=r"activity/0 cannot be read: .*compress"):
        found += [message.offset() for messages in reading for message in messages]
    assert reading.left == {(TOPIC, 0): 2}


def test_only_the_first_record_of_each_partition_is_read_where_that_is_asked() -> None:
    log = Log({0: 9, 1: 3, 2: 2})
    reading = log.reading({0: (5, None), 1: (3, None), 2: (0, None)}, firsts=True)
    assert sorted((m.partition(), m.offset()) for messages in reading for m in messages) == [(0, 5), (2, 0)]
    assert reading.left == {}


@pytest.mark.parametrize("code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED])
def test_what_may_not_be_read_is_refused_at_once(code: int) -> None:
    log = Log({0: 8})
    log.failures = [KafkaError(code)]
    with pytest.raises(TopicForbidden, match=r"activity/0 .*locked down"):
        log.offsets({0: (0, None)})


def test_a_broker_that_gives_nothing_out_is_waited_for_no_longer_than_the_bound() -> None:
    def silent(_most: int, _timeout_s: float) -> list[Message]:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT, "nobody there"))

    log = Log({0: 8})
    client = Client(log)
    client.consume = silent  # type: ignore[method-assign]
    parts: dict[SourcePartition, Span] = {(TOPIC, 0): (0, None)}
    clients: Renewed[Consumer] = Renewed(lambda: client)  # type: ignore[arg-type, return-value]
    with pytest.raises(BrokerUnavailable, match="activity/0 cannot be read: nobody there"):
        list(Reading(clients, parts, 0.2, log.second))
