"""The one loop that reads partitions to their end.

Only what transactions committed is read, in bounded memory. A client that fails on the way is replaced, and the next
one reads on from the next offset. Where it stands still at a batch that it cannot unpack, a second reader passes that:
one message then stands for the batch, whose value is an UnreadableBatch. Blocks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable, TopicForbidden, is_forbidden, message_of
from agents.kafka.offsets import SourcePartition
from agents.kafka.renewed import Renewed

Span = tuple[int, int | None]
"""An offset to begin at, and one to end before; None: where the partition ends when its end is reached."""

_BATCH: Final = 2_000
_POLL_S: Final = 0.02
_TRY_S: Final = 5.0
_CANNOT_UNPACK: Final = (KafkaError._BAD_COMPRESSION, KafkaError._NOT_IMPLEMENTED, KafkaError._BAD_MSG)

SecondReader = Callable[[Mapping[SourcePartition, int]], tuple[list[Message], dict[SourcePartition, int]]]
"""See `agents.kafka.second_reader`."""


def second_reader(broker: str) -> SecondReader:
    """Of that broker; what it needs is loaded when it is."""

    def read(offsets: Mapping[SourcePartition, int]) -> tuple[list[Message], dict[SourcePartition, int]]:
        from agents.kafka.second_reader import read_as_workers_do

        return read_as_workers_do(broker, offsets)

    return read


class Reading:
    """Iterates over the records of `spans` in batches, a partition's in their order.

    `left` holds the partitions that are not read to their end, with the next offset of each. With `firsts` a partition
    ends after its first record, and all of it takes `timeout_s` at most; else that is how long nothing may come.
    The `second` reader reads on where the client stands still, and from each of the `doubted` offsets (ascending, by
    partition): a batch there may be one that workers do not unpack, though the client does. Raises BrokerUnavailable,
    DamagedBatch, and TopicForbidden at once.
    """

    def __init__(
        self,
        clients: Renewed[Consumer],
        spans: Mapping[SourcePartition, Span],
        timeout_s: float,
        second: SecondReader,
        *,
        firsts: bool = False,
        doubted: Mapping[SourcePartition, Sequence[int]] | None = None,
    ) -> None:
        self.left = {part: start for part, (start, end) in spans.items() if end is None or start < end}
        self._ends = {part: end for part, (_, end) in spans.items() if end is not None}
        self._clients = clients
        self._timeout_s = timeout_s
        self._firsts = firsts
        self._second = second
        self._doubted = {part: list(offsets) for part, offsets in (doubted or {}).items()}
        self._stuck: dict[SourcePartition, KafkaException] = {}
        self._client: Consumer | None = None
        self._assigned = False

    def __iter__(self) -> Iterator[list[Message]]:
        silence = Deadline(self._timeout_s)
        try:
            while self.left:
                try:
                    records = self._round()
                except KafkaException as error:
                    self._refuse(error, silence)
                    silence.pause(_POLL_S)
                    continue
                if records:
                    yield records
                if not self._firsts:
                    silence.renew()  # not before: whoever reads may take its time
        finally:
            if self._client is not None:
                self._client.unassign()

    def _round(self) -> list[Message]:
        """The next records, from either reader. Raises KafkaException where neither gets on."""
        try:
            with self._clients.round() as client:
                if client is not self._client or not self._assigned:
                    client.assign([TopicPartition(*part, offset) for part, offset in self.left.items()])
                    self._client, self._assigned = client, True
                records = self._next(client)
        except KafkaException:
            self._client = None  # what it had fetched is read again
            if not self._stuck:
                raise
            records = []
        return records or (self._read_on() if self._stuck else [])

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
            if records or ended or self._stuck:
                return records
        silent = KafkaException(KafkaError(KafkaError._TIMED_OUT, f"nothing was read for {self._timeout_s:g} s"))
        self._stuck = dict.fromkeys(self.left, silent)
        raise silent

    def _read_on(self) -> list[Message]:
        """What the second reader finds where the client is stuck. Raises KafkaException where that is nothing."""
        stuck, former = self._stuck, dict(self.left)
        self._stuck, self._assigned = {}, False
        found, ends = self._second({part: former[part] for part in stuck})
        records = [message for message in found if self._advance(message, self.left)]
        for part, end in ends.items():
            if part in self.left:  # what is behind the last record holds none
                self.left[part] = max(self.left[part], end)
            self._doubted[part] = [offset for offset in self._doubted.get(part, ()) if offset >= end]
        if self.left == former:
            raise next(iter(stuck.values()))
        return records

    def _take(self, message: Message, left: dict[SourcePartition, int]) -> bool:
        """Whether it is a record that is due; `left` moves on by it."""
        part, error = (message.topic() or "", message.partition() or 0), message.error()
        if error is not None and is_forbidden(error):
            raise KafkaException(error)
        if part not in left or part in self._stuck:  # ended, or an error of no partition: a broker is waited for
            return False
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                del left[part]
            elif error.code() in _CANNOT_UNPACK:
                self._stuck[part] = KafkaException(error)
            elif error.fatal() or not error.retriable():
                raise KafkaException(error)
            return False
        doubted = self._doubted.get(part)
        if doubted and (message.offset() or 0) >= doubted[0]:
            self._stuck[part] = KafkaException(KafkaError(KafkaError._BAD_MSG, "workers may not unpack it"))
            return False
        return self._advance(message, left)

    def _advance(self, message: Message, left: dict[SourcePartition, int]) -> bool:
        """Whether a record is due; `left` moves on by it."""
        part = message.topic() or "", message.partition() or 0
        if part not in left:
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
            raise TopicForbidden(said) from error
        if silence.is_over:
            raise BrokerUnavailable(said) from error
