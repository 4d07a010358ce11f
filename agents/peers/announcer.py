"""Announces a worker: when what it owns changes, and every so often; and that it leaves."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Final

from agents.kafka.errors import BrokerUnavailable
from agents.metrics import Metrics
from agents.peers.own import OwnWorker
from agents.peers.topic import AnnouncementLog
from schemas.announcement import encode_announcement

_LOOK_S: Final = 0.25
_AGAIN_S: Final = 5.0
_LEAVE_S: Final = 3.0
_log = logging.getLogger(__name__)


class Announcer:
    """Of one worker, in its event loop; what blocks is done in a thread. A broker that does not answer is tried again:
    meanwhile the others take this worker to be away.
    """

    def __init__(
        self, own: OwnWorker, log: AnnouncementLog, metrics: Metrics, clock_s: Callable[[], float] = monotonic
    ) -> None:
        self._own, self._log, self._metrics, self._clock_s = own, log, metrics, clock_s
        self._said: object = None
        self._due_s = clock_s()
        self._fails = False

    async def run(self) -> None:
        """Announce until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Announce what has changed, or is due."""
        state, now_s = self._own.state(), self._clock_s()
        is_new = state != self._said and not self._fails
        if not is_new and now_s < self._due_s:
            return
        await asyncio.to_thread(self._own.find_url)
        try:
            value = encode_announcement(self._own.announcement())
            await asyncio.to_thread(self._log.announce, self._own.instance, value)
        except BrokerUnavailable as error:
            self._metrics.announcements.add("failed")
            if not self._fails:
                _log.warning("Not announced to the other workers, tried again: %s", error)
            self._fails, self._due_s = True, now_s + min(_AGAIN_S, self._own.interval_s)
            return
        self._metrics.announcements.add("sent")
        self._said, self._fails, self._due_s = state, False, now_s + self._own.interval_s

    async def leave(self) -> None:
        """Say that this worker is gone, if that can be said soon. Raises nothing."""
        if self._said is None or self._fails:
            return
        with suppress(BrokerUnavailable, TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await asyncio.to_thread(self._log.announce, self._own.instance, None)
