"""Sends records, each to a partition that is named, and says whether all of them were confirmed."""

from collections.abc import Sequence
from typing import Any, Final, cast

from confluent_kafka import KafkaError

from agents.kafka.clients import open_producer
from agents.kafka.connection import ClientConfig
from agents.kafka.errors import text_of_error
from schemas.dead_letter import Header

_QUEUE_FULL_S: Final = 0.1


class ConfirmedProducer:
    """Of one thread. `client` is for what only its owner needs, such as transactions."""

    def __init__(self, broker: str, config: ClientConfig | None = None) -> None:
        self.client = open_producer(broker, config)
        self.refused: KafkaError | None = None

    def send(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
        timestamp_ms: int = 0,
    ) -> None:
        """Hand over one record; blocks while the local queue is full. Raises KafkaException where it is not taken."""
        while True:
            try:
                self.client.produce(
                    topic,
                    value,
                    key,
                    partition,
                    on_delivery=self._note,
                    timestamp=timestamp_ms,
                    headers=cast(Any, list(headers)),
                )
            except BufferError:
                self.client.poll(_QUEUE_FULL_S)
            else:
                self.client.poll(0)
                return

    def confirm(self, timeout_s: float) -> str | None:
        """Wait until all are confirmed; why one is not, or None. Blocks."""
        left = self.client.flush(timeout_s)
        if self.refused is not None:
            return text_of_error(self.refused)
        return f"{left} records were not confirmed within {timeout_s:g} s" if left else None

    def _note(self, error: KafkaError | None, _message: object) -> None:
        self.refused = self.refused or error
