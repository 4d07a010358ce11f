"""Reads partitions from a place on, in order, outside of every group: nothing is committed."""

from collections.abc import Callable, Iterator
from time import monotonic
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.connection import client_config
from agents.reading import file_record
from schemas.errors import Retryable
from streams.replay import FileRecord

_BATCH: Final = 2_000
_POLL_S: Final = 0.02
_QUEUE_KIB: Final = 16 * 1024


class TopicUnreadable(Retryable):
    """The broker does not give out a partition's records."""


class TopicReader:
    """Lives while the context is open. Reads committed transactions only, as the workers do.

    Raises TopicUnreadable when nothing comes for `timeout_s`. Blocks. `tell` hears how many records were read.
    """

    def __init__(self, broker: str, timeout_s: float, tell: Callable[[int], None]) -> None:
        self._timeout_s = timeout_s
        self._tell = tell
        self._consumer = Consumer(
            {
                **client_config(broker),
                "group.id": "skillstream-verify",  # never joined: partitions are assigned by hand
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",  # where retention removes records while they are read
                "isolation.level": "read_committed",
                "queued.max.messages.kbytes": _QUEUE_KIB,
                "fetch.wait.max.ms": 20,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def start(self, topic: str, partition: int) -> int:
        """The offset at which the partition begins now."""
        try:
            low, _ = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=self._timeout_s)
        except KafkaException as error:
            raise TopicUnreadable(f"{topic}/{partition}: {error.args[0].str()}") from error
        return int(low)

    def read(self, topic: str, partition: int, start: int = 0, end: int | None = None) -> Iterator[list[FileRecord]]:
        """The records from `start` to before `end`, by default to where the partition ends when it is reached."""
        if end is not None and start >= end:
            return
        self._consumer.assign([TopicPartition(topic, partition, start)])
        try:
            while True:
                records, is_over = self._next(topic, partition, end)
                if records:
                    self._tell(len(records))
                    yield records
                if is_over:
                    return
        finally:
            self._consumer.unassign()

    def _next(self, topic: str, partition: int, end: int | None) -> tuple[list[FileRecord], bool]:
        records: list[FileRecord] = []
        for message in self._consume(topic, partition):
            if message.topic() != topic or message.partition() != partition:
                continue
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    return records, True
                if error.fatal() or not error.retriable():
                    raise TopicUnreadable(f"{topic}/{partition}: {error.str()}")
                continue
            record = file_record(message)
            if end is not None and record.offset >= end:
                return records, True
            records.append(record)
        return records, end is not None and bool(records) and records[-1].offset + 1 >= end

    def _consume(self, topic: str, partition: int) -> list[Message]:
        """The next messages. What is reported of no partition (a broker that is away for a while) is waited out."""
        deadline_s = monotonic() + self._timeout_s
        while monotonic() < deadline_s:
            try:
                messages = self._consumer.consume(_BATCH, _POLL_S)
            except KafkaException as error:
                raise TopicUnreadable(f"{topic}/{partition}: {error.args[0].str()}") from error
            if any(message.topic() == topic for message in messages):
                return messages
        raise TopicUnreadable(f"{topic}/{partition}: nothing was read for {self._timeout_s:.0f} s")
