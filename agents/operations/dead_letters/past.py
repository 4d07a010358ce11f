"""Which of a partition's last records became dead letters before this worker owned it."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Final

from agents.kafka.reader import TopicReader
from agents.operations.dead_letters.stored import stored_dead_letter
from schemas.errors import SkillstreamError
from streams.input.signature import Authentic

_log = logging.getLogger(__name__)
_TIMEOUT_S: Final = 10.0


class PastDeadLetters:
    """Reads the end of the dead letters of `activity`, each partition's on the partition of the same number."""

    def __init__(
        self, broker: str, topic: str, activity: str, epoch: Callable[[int], int], authentic: Authentic
    ) -> None:
        self._broker = broker
        self._topic = topic
        self._activity = activity
        self._epoch = epoch
        self._authentic = authentic

    async def before(self, partition: int, offset: int, records: int) -> list[tuple[int, str]]:
        """(offset, reason) of the dead letters of the last `records` before `offset`; none where they can't be read."""
        try:
            return await asyncio.to_thread(lambda: list(self._read(partition, offset, records)))
        except SkillstreamError as error:
            _log.warning(
                "The dead letters of partition %d can't be read, its past counts as good: %s", partition, error
            )
            return []

    def _read(self, partition: int, offset: int, records: int) -> Iterator[tuple[int, str]]:
        with TopicReader(self._broker, self._topic, f"{self._topic}-past", _TIMEOUT_S) as reader:
            epoch = self._epoch(partition)
            start, end = reader.span(partition)
            for message in reader.read(partition, max(start, end - records), end):
                stored = stored_dead_letter(message, self._authentic)
                dead_letter = stored.dead_letter
                if dead_letter is None or (dead_letter.topic, dead_letter.epoch) != (self._activity, epoch):
                    continue
                if offset - records <= dead_letter.offset < offset and stored.sent_back is None:
                    yield dead_letter.offset, dead_letter.reason
