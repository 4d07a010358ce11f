"""The last explanation of a student, from `skill-reasoning`: found by an index of offsets, read by its offset.

    first question about a partition ──► its records are read once, keys and offsets noted
    each later one                   ──► what is new is read, then the one record

A worker that is never asked for an explanation reads and keeps nothing.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

from confluent_kafka import OFFSET_BEGINNING, Message

from agents.kafka.reader import TopicReader
from agents.metrics import Metrics
from agents.queries.offsets import NewestOffsets
from agents.queries.together import Together
from schemas.errors import Retryable

_TIMEOUT_S: Final = 5.0
_MOST_AT_ONCE: Final = 16

AskedFor = tuple[int, bytes]
"""A partition and a key."""


class StillReading(Retryable):
    """The answer is not known in time; it may be later."""


class ExplanationLog(Protocol):
    """Where explanations are: ExplanationTopic. Blocks."""

    def read_on(self, partitions: Collection[int]) -> None:
        """Note what is new in these partitions, and drop what is known of all others that are not owned."""
        ...

    def find(self, partition: int, key: bytes) -> bytes | None:
        """The newest value of a key, as of the last `read_on`."""
        ...


class ExplanationTopic:
    """Implements ExplanationLog, of one thread at a time. `owned` tells, from any thread, what may be kept.

    Raises BrokerUnavailable, TopicForbidden.
    """

    def __init__(
        self,
        broker: str,
        topic: str,
        owned: Callable[[], Collection[int]],
        metrics: Metrics,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._reader = TopicReader(broker, topic, f"skillstream-reader-{topic}", timeout_s)
        self._owned, self._metrics = owned, metrics
        self._indexes: dict[int, NewestOffsets] = {}

    def read_on(self, partitions: Collection[int]) -> None:
        """See ExplanationLog. Ends early where a partition moves on."""
        for partition in self._indexes.keys() - set(self._owned()):
            del self._indexes[partition]
        for partition in partitions:
            self._read_on(partition)
        self._metrics.explanations_indexed.set(sum(map(len, self._indexes.values())))

    def find(self, partition: int, key: bytes) -> bytes | None:
        """See ExplanationLog."""
        index = self._indexes.get(partition)
        offset = None if index is None else index.find(key)
        if offset is None:
            return None
        message = self._reader.at({partition: offset}).get(partition)
        if message is None or message.key() != key:  # another topic of that name, or retention took it
            self._indexes.pop(partition, None)
            return None
        return message.value()

    def close(self) -> None:
        """Let go of the clients."""
        self._reader.close()

    def _read_on(self, partition: int) -> None:
        start, end = self._reader.span(partition)
        index = self._indexes.get(partition)
        if index is None or end < index.next:
            index = self._indexes[partition] = NewestOffsets()
        first = OFFSET_BEGINNING if index.next <= start else index.next
        if index.next >= end:
            return
        for messages in self._reader.batches({partition: (first, end)}):
            for message in messages:
                _note(index, message)
            if partition not in self._owned():
                return
        index.next = max(index.next, end)


def _note(index: NewestOffsets, message: Message) -> None:
    index.note(message.key() or b"", message.offset() or 0, is_null=message.value() is None)


class LastExplanations:
    """Of one worker, in its event loop; the topic is read in a thread, one at a time, for several who ask together."""

    def __init__(self, log: ExplanationLog, timeout_s: float) -> None:
        self._log, self._timeout_s = log, timeout_s
        self._asked = Together(self._find, _MOST_AT_ONCE)

    async def last(self, partition: int, key: bytes) -> bytes | None:
        """The explanation as it was published; None where there is none.

        Raises StillReading when that is not known within `timeout_s`, BrokerUnavailable, TopicForbidden.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._asked.ask((partition, key))
        except TimeoutError:
            raise StillReading("the explanations are being read") from None

    async def _find(self, asked: Sequence[AskedFor]) -> list[bytes | None]:
        return await asyncio.to_thread(self._find_now, asked)

    def _find_now(self, asked: Sequence[AskedFor]) -> list[bytes | None]:
        self._log.read_on({partition for partition, _ in asked})
        return [self._log.find(partition, key) for partition, key in asked]
