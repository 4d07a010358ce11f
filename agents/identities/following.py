"""Follows `identities` in a worker: read whole after the start, beside its work, and then on and on.

What cannot be read leaves all as it is known. No row depends on it: events count by what is stated (see `starting`).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from agents.health import IdentityState
from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from agents.metrics.declared.pages import PageMetrics
from schemas.dialects import Record
from streams.input.identities import IdentityMap

_POLL_S: Final = 2.0
_log = logging.getLogger(__name__)


class IdentityLog(Protocol):
    """Where entries are: FollowedTopic. Blocks."""

    name: str

    def batches_on(self) -> Iterator[Sequence[Record]]:
        """What was written since the last reading."""
        ...

    def close(self) -> None:
        """Let go of the clients."""
        ...


class IdentityFollower:
    """Of one worker. `new_map` makes an empty map: nothing counts before all of the topic was read once, at the start
    and where it was made anew.
    """

    def __init__(self, topic: IdentityLog, new_map: Callable[[], IdentityMap], metrics: PageMetrics) -> None:
        self.is_read = False
        self._topic, self._new_map, self._metrics = topic, new_map, metrics
        self._map, self._reading = new_map(), new_map()
        self._unread: str | None = None
        self._is_full = False

    def student_of(self, key: bytes) -> bytes:
        """The student whose id it is, as far as that is known; see IdentityMap."""
        return self._map.student_of(key)

    def known_student(self, other: str) -> str | None:
        """A KnownStudent: None before all was read, and where the entry may be one that found no room."""
        if not self.is_read:
            return None
        key = other.encode()
        student = self._map.student_of(key)
        return None if self._is_full and student == key else student.decode()

    @property
    def state(self) -> IdentityState:
        """For the health page."""
        problem = self._unread
        if problem is None and self._is_full:
            problem = "not all entries are known: SKILLSTREAM_IDENTITIES_MB is too small"
        return IdentityState(len(self._map), self.is_read, problem)

    async def follow(self) -> None:
        """Look every few seconds, for ever."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(_POLL_S)

    def look(self) -> None:
        """Note what is new. Blocks. Raises nothing of the topic's."""
        try:
            for records in self._topic.batches_on():
                self._note(records)
        except TopicStartedAnew:
            _log.warning("%s was deleted and created again: what it said counts until all is read", self._topic.name)
            self._reading, self._is_full = self._new_map(), False
            return  # what it holds is read the next time
        except (NoSuchTopic, BrokerUnavailable, TopicForbidden, DamagedBatch) as error:
            self._note_unread(f"{self._topic.name} cannot be read: {error}")
            return
        self._note_unread(None)
        self._map, self.is_read = self._reading, True
        self._metrics.identities.set(len(self._map))

    def close(self) -> None:
        """Let go of the clients."""
        self._topic.close()

    def _note(self, records: Sequence[Record]) -> None:
        refused = Counter(self._reading.note(record.key, record.value) for record in records)
        for reason, count in refused.items():
            if reason is not None:
                self._metrics.identities_refused.add(reason, count)
        self._is_full |= refused["full"] > 0

    def _note_unread(self, why: str | None) -> None:
        if why is not None and self._unread is None:
            _log.warning("%s; what is known of other ids stays", why)
        self._unread = why
