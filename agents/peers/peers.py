"""The group, read from its topic when somebody asks: once for all who ask at the same time."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Final

from agents.display.plain import plain
from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from agents.metrics import Metrics
from agents.peers.group import Announced, WorkerGroup
from agents.peers.own import OwnWorker
from agents.peers.topic import AnnouncementLog

_MAX_AGE_S: Final = 1.0
_CLOSE_S: Final = 1.0
_log = logging.getLogger(__name__)


class Peers:
    """Of one worker, in its event loop; the topic is read in a thread.

    What was read counts for a second. A topic that cannot be read within `timeout_s` leaves what is known, with the
    reason.
    """

    def __init__(
        self,
        own: OwnWorker,
        log: AnnouncementLog,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        timeout_s: float = 2.0,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._own, self._log, self._metrics, self._now = own, log, metrics, now
        self._timeout_s, self._clock_s = timeout_s, clock_s
        self._announced = Announced()
        self._problem: str | None = "not read yet"
        self._read_at_s: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def group(self, *, anew: bool = False) -> WorkerGroup:
        """As it is now. `anew`: what was read before does not count, since it was wrong."""
        if anew or self._read_at_s is None or self._clock_s() - self._read_at_s >= _MAX_AGE_S:
            await self._read()
        return self._announced.group(self._own.announcement(), self._now(), self._problem)

    async def close(self) -> None:
        """Let go of the clients, unless a broker that does not answer is still waited for: the end waits for none."""
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=_CLOSE_S)
        if self._reading is None or self._reading.done():
            await asyncio.to_thread(self._log.close)

    async def _read(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_on())
        done, _ = await asyncio.wait([self._reading], timeout=self._timeout_s)
        if not done:
            self._problem = f"the topic of the workers does not answer within {self._timeout_s:g} s"

    async def _read_on(self) -> None:
        try:
            records = await asyncio.to_thread(self._log.read_on)
        except TopicStartedAnew:
            self._announced.clear()
            self._problem = "the topic of the workers was created again"
            self._read_at_s = None
        except (NoSuchTopic, BrokerUnavailable, TopicForbidden, DamagedBatch) as error:
            self._problem = plain(str(error))
        else:
            self._metrics.announcements.add("unreadable", self._announced.note(records))
            self._problem, self._read_at_s = None, self._clock_s()
