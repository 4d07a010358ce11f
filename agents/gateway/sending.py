"""Sends records to Kafka, and returns when all replicas in sync have acknowledged every one of them.

The client is librdkafka's: idempotent, so that its own repeats are stored once. A thread of its own takes the
acknowledgements; the event loop is woken once a request.
"""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final, NamedTuple, cast

from confluent_kafka import KafkaError, KafkaException

from agents.gateway.refusal import RESEND_AFTER_S, NotTaken, busy
from agents.kafka.clients import open_producer
from agents.kafka.connection import Compression
from schemas.dead_letter import Header
from schemas.topics import MAX_RECORD_BYTES

_POLL_S: Final = 0.1
_LINGER_MS: Final = 2
_MAX_QUEUED: Final = 1_000_000
_LATE_S: Final = 5.0
"""How long after its own time-out the client is waited for, before an answer is given without it."""
_KNOWN_S: Final = 2.0


class PlacedRecord(NamedTuple):
    """A record, and the partition that it is for."""

    partition: int
    key: bytes | None
    value: bytes
    headers: tuple[Header, ...] = ()


class ConfirmedSender:
    """To one topic. `ack_timeout_s` is how long the broker may take, in all; `queue_kbytes` what may wait for it."""

    def __init__(
        self, broker: str, topic: str, compression: Compression, ack_timeout_s: float, queue_kbytes: int
    ) -> None:
        self.topic = topic
        self.fatal: KafkaError | None = None
        """Why the client can send no more, and the process has to be started anew."""
        self.lost = asyncio.Event()
        """Set then."""
        self._loop = asyncio.get_running_loop()
        self._ack_timeout_s = ack_timeout_s
        config: dict[str, Any] = {
            "acks": "all",
            "compression.type": compression,
            "delivery.timeout.ms": max(1, int(ack_timeout_s * 1_000)),
            "linger.ms": _LINGER_MS,
            "message.max.bytes": MAX_RECORD_BYTES,
            "queue.buffering.max.kbytes": queue_kbytes,
            "queue.buffering.max.messages": _MAX_QUEUED,
            "reconnect.backoff.max.ms": 1_000,
            "error_cb": self._note,
        }
        self._client = open_producer(broker, cast(Any, config))
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="gateway-acks", daemon=True)
        self._thread.start()
        self._asked_at_s = -_KNOWN_S
        self._answered = False
        self._asking = asyncio.Lock()

    async def send(self, records: Sequence[PlacedRecord]) -> None:
        """Return when all are acknowledged. Raises NotTaken where one may not be: it may be stored all the same."""
        if not records:
            return
        receipt = _Receipt(len(records))
        for index, record in enumerate(records):
            try:
                self._client.produce(
                    self.topic,
                    record.value,
                    record.key,
                    record.partition,
                    on_delivery=receipt.note,
                    headers=cast(Any, list(record.headers)),
                )
            except BufferError:
                receipt.give_up(len(records) - index)
                raise busy("too many records wait for Kafka") from None
            except KafkaException as error:
                receipt.give_up(len(records) - index)
                self._note(error.args[0])
                raise _unavailable(error.args[0].name()) from None
        try:
            async with asyncio.timeout(self._ack_timeout_s + _LATE_S):
                refused = await receipt.complete
        except TimeoutError:
            raise _unavailable("it was late") from None
        if refused is not None:
            raise _unavailable(refused.name())

    async def is_answered(self, timeout_s: float = 1.0) -> bool:
        """Whether a broker that has the topic answers, as of two seconds ago at most."""
        async with self._asking:
            if monotonic() - self._asked_at_s > _KNOWN_S:
                self._answered = await asyncio.to_thread(self._ask, timeout_s)
                self._asked_at_s = monotonic()
        return self._answered and self.fatal is None

    def close(self, timeout_s: float) -> int:
        """Wait until nothing is to be sent any more; how many records are left. Blocks. Idempotent."""
        left = self._client.flush(timeout_s)
        self._ends.set()
        self._thread.join()
        return left

    def _ask(self, timeout_s: float) -> bool:
        try:
            found = self._client.list_topics(self.topic, timeout=timeout_s).topics.get(self.topic)
        except KafkaException:
            return False
        return found is not None and found.error is None and bool(found.partitions)

    def _poll(self) -> None:
        while not self._ends.is_set():
            self._client.poll(_POLL_S)

    def _note(self, error: KafkaError) -> None:
        """Called by the client's thread, too."""
        if error.fatal():
            self.fatal = error
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self.lost.set)


class _Receipt:
    """Of one request's records: `complete` once the last is acknowledged or refused, with why one is refused."""

    def __init__(self, records: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.complete: asyncio.Future[KafkaError | None] = self._loop.create_future()
        self._left = records
        self._refused: KafkaError | None = None
        self._lock = threading.Lock()

    def note(self, error: KafkaError | None, _message: object) -> None:
        """Called by the client's thread."""
        with self._lock:
            self._refused = self._refused or error
            self._left -= 1
            if self._left:
                return
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            self._loop.call_soon_threadsafe(self._end)

    def give_up(self, records: int) -> None:
        """So many are not sent: nobody waits any more."""
        with self._lock:
            self._left -= records

    def _end(self) -> None:
        if not self.complete.done():
            self.complete.set_result(self._refused)


def _unavailable(why: str) -> NotTaken:
    return NotTaken(503, "unavailable", f"Kafka did not acknowledge ({why}): send it again", RESEND_AFTER_S)
