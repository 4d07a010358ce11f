"""Reads a part of the changelog beside the worker's own consumer, whose positions must not move."""

import asyncio

from agents.delivery.guard import Gap
from agents.kafka.reader import TopicReader


class GapReader:
    """Opens a client for each gap: there are none in good times. It joins no group, and commits nothing."""

    def __init__(self, broker: str, topic: str, timeout_s: float = 15.0) -> None:
        self._broker = broker
        self._topic = topic
        self._timeout_s = timeout_s

    async def __call__(self, partition: int, first: int, end: int) -> Gap:
        """The last value of each key in [first, end). Raises BrokerUnavailable where nothing comes for `timeout_s`."""
        return await asyncio.to_thread(self._read, partition, first, end)

    def _read(self, partition: int, first: int, end: int) -> Gap:
        with TopicReader(self._broker, self._topic, "changelog-guard", self._timeout_s) as reader:
            found = {message.key(): message.value() for message in reader.read(partition, first, end)}
        return {key: value for key, value in found.items() if key is not None}  # a compacted topic takes none without
