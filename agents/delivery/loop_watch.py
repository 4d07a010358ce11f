"""Measures for how long the event loop is blocked, and ends the process when it does not go on.

Then no other watchdog in the process runs, and nobody would notice. A process that stands still as a whole, paused or
without a processor, is not ended for it by the watching thread, which counts its own turns; the interpreter's timer
counts time, and may end it where it stood for longer than both allow.

The consumer's thread goes on to send heartbeats meanwhile, so the group would leave the partitions here for ever.

    loop beats … silence ── after_s ──► a thread: stack of every thread, exit code 4
                            + 10 s ───► the interpreter's own timer, where not even threads run (a C call that never
                                        lets go of the interpreter, such as a regular expression): stacks, exit code 1
"""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Final

from agents.logs import lifecycle

logger = logging.getLogger(__name__)

_STDERR: Final = 2
_GRACE_S: Final = 10.0
_BEATS: Final = 20
"""Beats within the time that is allowed."""
_MEASURE_S: Final = 0.05
"""How exactly a block is measured: one that begins behind a measurement is found to be shorter by up to this."""


class LoopWatch:
    """Calls `die(exit code)`, from a thread, when the loop has not run for `after_s`; by default that is the end.

    `blocked(seconds)` is called in the loop, behind each block that was longer than all before it.
    """

    def __init__(
        self,
        after_s: float,
        exit_code: int,
        die: Callable[[int], object] = os._exit,
        blocked: Callable[[float], object] = lambda _seconds: None,
    ) -> None:
        self._after_s = after_s
        self._every_s = min(1.0, after_s / _BEATS)
        self._exit_code = exit_code
        self._die = die
        self._blocked = blocked
        self._beats = 0
        self._ended = threading.Event()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch the running loop until left."""
        thread = threading.Thread(target=self._watch, name="loop-watch", daemon=True)
        thread.start()
        tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._measure())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            self._ended.set()
            faulthandler.cancel_dump_traceback_later()

    async def _beat(self) -> None:
        while True:
            self._beats += 1
            faulthandler.dump_traceback_later(self._after_s + _GRACE_S, exit=True, file=_STDERR)
            await asyncio.sleep(self._every_s)

    async def _measure(self) -> None:
        longest_s, due_s = 0.0, monotonic() + _MEASURE_S
        while True:
            await asyncio.sleep(_MEASURE_S)
            late_s, due_s = monotonic() - due_s, monotonic() + _MEASURE_S
            if late_s > longest_s:
                longest_s = late_s
                self._blocked(late_s)

    def _watch(self) -> None:
        beats, silent_s = self._beats, 0.0
        while not self._ended.wait(self._every_s):
            former, beats = beats, self._beats
            silent_s = silent_s + self._every_s if beats == former else 0.0
            if silent_s > self._after_s:
                logger.critical("The event loop has stood still for %.0f s: ending the process", silent_s)
                for stack in _stacks():
                    logger.critical("%s", stack)
                lifecycle.ended(self._exit_code, f"the event loop has stood still for {silent_s:.0f} s")
                self._die(self._exit_code)
                return


def _stacks() -> Iterator[str]:
    """A line for each thread: where it is, from the outside in."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        stack = (f"{Path(at.filename).name}:{at.lineno} in {at.name}" for at in traceback.extract_stack(frame))
        yield f"Thread {names.get(ident, ident)}: {' > '.join(stack)}"
