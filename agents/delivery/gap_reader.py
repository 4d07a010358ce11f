"""Reads a part of the changelog beside the worker's own consumer, whose positions must not move."""

import asyncio
from time import monotonic
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from agents.delivery.errors import LogAway
from agents.delivery.guard import Gap
from agents.kafka.connection import ClientConfig, client_config

_POLL_S: Final = 0.1


class GapReader:
    """Opens a client for each gap: there are none in good times. It joins no group, and commits nothing."""

    def __init__(self, broker: str, topic: str, timeout_s: float = 15.0) -> None:
        self._config: ClientConfig = {
            **client_config(broker),
            "group.id": "changelog-guard",  # never joined: the partition is assigned by hand
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",  # as recovery reads
        }
        self._topic = topic
        self._timeout_s = timeout_s

    async def __call__(self, partition: int, first: int, end: int) -> Gap:
        """The last value of each key in [first, end). Raises LogAway after `timeout_s`."""
        return await asyncio.to_thread(self._read, partition, first, end)

    def _read(self, partition: int, first: int, end: int) -> Gap:
        found: dict[bytes, bytes | None] = {}
        consumer = Consumer(self._config)
        deadline_s = monotonic() + self._timeout_s
        try:
            consumer.assign([TopicPartition(self._topic, partition, first)])
            while monotonic() < deadline_s:
                for message in consumer.consume(1_000, _POLL_S):
                    error, offset = message.error(), message.offset() or 0
                    if error is not None and error.code() != KafkaError._PARTITION_EOF:
                        raise LogAway(f"{self._topic}/{partition}: {error.str()}")
                    if error is not None or offset >= end:
                        return found
                    if (key := message.key()) is not None:  # a compacted topic takes none without
                        found[key] = message.value()
                    if offset + 1 == end:
                        return found
        except KafkaException as error:
            raise LogAway(f"{self._topic}/{partition}: {error.args[0].str()}") from error
        finally:
            consumer.close()
        raise LogAway(f"{self._topic}/{partition}: offsets {first}..{end - 1} not read within {self._timeout_s:g} s")
