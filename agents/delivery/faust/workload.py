"""What the agent was given and is not done with: whether the next fetch is wanted, and how long it may be collected."""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Final

from agents.delivery.faust.message import FetchMessage

_LOOK_AGAIN_S: Final = 0.1
_MOST_COLLECT_MS: Final = 100
_OF_A_STEP: Final = 0.75
"""What is collected for so much of the former step is there, and no older, when this one is done."""


class Workload:
    """Of one worker, in its main thread; `collect_ms` may be called from any."""

    def __init__(self, least_collect_ms: int) -> None:
        self._least_collect_ms = least_collect_ms
        self._given: set[FetchMessage] = set()
        self._done = asyncio.Event()
        self._began_s = self._took_s = 0.0

    def __bool__(self) -> bool:
        return bool(self._given)

    def give(self, message: FetchMessage) -> None:
        """It is handed on to the agent."""
        if not self._given:
            self._began_s = monotonic()
        self._given.add(message)

    def finish(self, message: FetchMessage) -> None:
        """All steps of it are done. Idempotent."""
        if message in self._given:
            self._given.discard(message)
            if not self._given:
                self._took_s = monotonic() - self._began_s
        self._done.set()

    def forget(self) -> None:
        """All that was given is void: what Faust had not handed on may never reach the agent."""
        self._given.clear()

    async def some_done(self) -> None:
        """Wait until the agent is done with something, or for a moment."""
        self._done.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), _LOOK_AGAIN_S)

    def collect_ms(self) -> int:
        """How long the broker is to collect records for the next fetch: as it is set to, or most of what the last work
        took.
        """
        return max(self._least_collect_ms, min(_MOST_COLLECT_MS, round(self._took_s * _OF_A_STEP * 1000)))
