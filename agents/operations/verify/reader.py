"""Reads partitions from a place on, in order, outside of every group: nothing is committed."""

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.kafka.connection import ClientConfig, client_config
from agents.kafka.reading import file_record
from agents.kafka.renewed import Renewed
from schemas.errors import Retryable
from streams.replay import FileRecord

_BATCH: Final = 2_000
_POLL_S: Final = 0.02
_TRY_S: Final = 5.0
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
        config: ClientConfig = {
            **client_config(broker),
            "group.id": "skillstream-verify",  # never joined: partitions are assigned by hand
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",  # where retention removes records while they are read
            "isolation.level": "read_committed",
            "queued.max.messages.kbytes": _QUEUE_KIB,
            "fetch.wait.max.ms": 20,
        }
        self._consumers = Renewed(lambda: Consumer(config))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._consumers.round() as consumer:
            consumer.close()

    def start(self, topic: str, partition: int) -> int:
        """The offset at which the partition begins now."""
        place, try_s = TopicPartition(topic, partition), min(self._timeout_s, _TRY_S)
        deadline_s = monotonic() + self._timeout_s
        while True:
            try:
                with self._consumers.round() as consumer:
                    low, _ = consumer.get_watermark_offsets(place, timeout=try_s)
                return int(low)
            except KafkaException as error:
                if monotonic() > deadline_s:
                    raise TopicUnreadable(f"{topic}/{partition}: {error.args[0].str()}") from error
            sleep(_POLL_S)

    def read(self, topic: str, partition: int, start: int = 0, end: int | None = None) -> Iterator[list[FileRecord]]:
        """The records from `start` to before `end`, by default to where the partition ends when it is reached.

        A client that fails on the way is replaced, and reads on where the other came to.
        """
        if end is not None and start >= end:
            return
        assigned: Consumer | None = None
        position, heard_s, is_over = start, monotonic(), False
        try:
            while not is_over:
                try:
                    with self._consumers.round() as consumer:
                        if consumer is not assigned:
                            consumer.assign([TopicPartition(topic, partition, position)])
                            assigned = consumer
                        records, is_over = self._next(consumer, topic, partition, end)
                except KafkaException as error:
                    if monotonic() - heard_s > self._timeout_s:
                        raise TopicUnreadable(f"{topic}/{partition}: {error.args[0].str()}") from error
                    assigned = None  # what it had fetched is read again
                    sleep(_POLL_S)
                    continue
                if records:
                    self._tell(len(records))
                    position = records[-1].offset + 1
                    yield records
                heard_s = monotonic()  # not before: whoever reads may take its time
        finally:
            if assigned is not None:
                assigned.unassign()

    def _next(self, consumer: Consumer, topic: str, partition: int, end: int | None) -> tuple[list[FileRecord], bool]:
        """The next records, and whether they are the last. Raises KafkaException where the client is of no more use."""
        records: list[FileRecord] = []
        for message in self._consume(consumer, topic, partition):
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    return records, True
                if error.fatal() or not error.retriable():
                    raise KafkaException(error)
                continue
            record = file_record(message)
            if end is not None and record.offset >= end:
                return records, True
            records.append(record)
        return records, end is not None and bool(records) and records[-1].offset + 1 >= end

    def _consume(self, consumer: Consumer, topic: str, partition: int) -> list[Message]:
        """The next messages. What is reported of no partition (a broker that is away for a while) is waited out."""
        deadline_s = monotonic() + min(self._timeout_s, _TRY_S)
        while monotonic() < deadline_s:
            messages = consumer.consume(_BATCH, _POLL_S)
            if found := [each for each in messages if (each.topic(), each.partition()) == (topic, partition)]:
                return found
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"nothing was read for {self._timeout_s:.0f} s"))
