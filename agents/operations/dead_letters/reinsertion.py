"""Sending dead letters back: what is sent, and the transaction that sends it and moves the position in one step.

A replay that is killed before its commit has sent nothing that a worker would read, and moved nothing; one that is
killed after it has done both. Of two replays at once, the one that began later wins: the other is refused.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from agents.kafka.connection import Compression
from agents.kafka.errors import message_of, text_of_error
from agents.kafka.producer import ConfirmedProducer
from agents.operations.dead_letters.position import ReplayPosition, encode_position
from schemas.dead_letter import Header
from schemas.errors import Fatal
from schemas.topics import MAX_SENT_BYTES

_TIMEOUT_S: Final = 30.0
_TRANSACTION_TIMEOUT_MS: Final = 60_000
_TRIES: Final = 3
_PURGED: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)


class NotReinserted(Fatal):
    """The transaction did not go through; the next replay begins where the last one that did ended."""


@dataclass(frozen=True, slots=True)
class Reinsertion:
    """A record for the activity topic; `is_dead_letter`: for the dead letters."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    timestamp_ms: int
    is_dead_letter: bool = False

    @property
    def size_bytes(self) -> int:
        """About what it takes in a batch."""
        headers = sum(len(name.encode()) + len(value or b"") + 10 for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + 128


class Sink(Protocol):
    """Where a replay's work goes."""

    def commit(self, reinsertions: Sequence[Reinsertion], partition: int, position: ReplayPosition) -> None:
        """Send all `reinsertions` and note `position` of a partition of the dead letters: both, or neither."""
        ...


class DrySink:
    """Sends nothing, notes nothing."""

    def commit(self, reinsertions: Sequence[Reinsertion], partition: int, position: ReplayPosition) -> None:
        """Nothing."""


class TransactionalSink:
    """Entering ends whatever an earlier replay left open, so read the positions after that. Blocks."""

    def __init__(
        self,
        broker: str,
        app_id: str,
        *,
        activity: str,
        dead_letters: str,
        replayed_topic: str,
        group: Any,
        compression: Compression = "none",
        check: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`check` says why what was sent must not be committed, if anything."""
        self._activity = activity
        self._dead_letters = dead_letters
        self._replayed_topic = replayed_topic
        self._group = group
        self._check = check
        self._records = ConfirmedProducer(
            broker,
            {
                "transactional.id": f"{app_id}-dead-letters",
                "transaction.timeout.ms": _TRANSACTION_TIMEOUT_MS,
                "message.max.bytes": MAX_SENT_BYTES,
                "compression.type": compression,
            },
        )
        self._producer = self._records.client

    def __enter__(self) -> Self:
        try:
            self._producer.init_transactions(_TIMEOUT_S)
        except KafkaException as error:
            raise NotReinserted(f"no transaction can be begun: {message_of(error)}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.purge()

    def commit(self, reinsertions: Sequence[Reinsertion], partition: int, position: ReplayPosition) -> None:
        """See Sink. Raises NotReinserted."""
        try:
            self._producer.begin_transaction()
            for one in reinsertions:
                topic = self._dead_letters if one.is_dead_letter else self._activity
                self._records.send(topic, one.partition, one.key, one.value, one.headers, one.timestamp_ms)
            self._records.send(self._replayed_topic, partition, b"%d" % partition, encode_position(position))
            done = [TopicPartition(self._dead_letters, partition, position.next)]
            self._producer.send_offsets_to_transaction(done, self._group, _TIMEOUT_S)
            self._producer.flush(_TIMEOUT_S)  # all has its offset: what is accepted from now on ends behind it
            if (why := self._check()) is not None:
                self._producer.abort_transaction(_TIMEOUT_S)
                raise NotReinserted(why)
            self._end()
        except KafkaException as error:
            raise NotReinserted(self._give_up(error.args[0])) from error

    def _end(self) -> None:
        for tries_left in reversed(range(_TRIES)):
            try:
                self._producer.commit_transaction(_TIMEOUT_S)
            except KafkaException as error:
                if not error.args[0].retriable() or not tries_left:
                    raise
            else:
                return

    def _give_up(self, error: KafkaError) -> str:
        """Abort where there is something to abort; say why: what the broker refused, not what was purged for that."""
        refused = self._records.refused
        why = error if refused is None or refused.code() in _PURGED else refused
        if error.fatal():
            if error.name() in ("_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"):
                return "another replay of the same dead letters has begun: this one ends"
        else:
            with suppress(KafkaException):  # the next replay's start aborts it
                self._producer.abort_transaction(_TIMEOUT_S)
        return f"the dead letters were not sent back: {text_of_error(why)}"
