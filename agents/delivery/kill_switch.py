"""Stops a worker un-acked: the one place that catches everything, and the one way to say that it must end."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from agents.delivery.fence import Fence

logger = logging.getLogger(__name__)


class KillSwitch:
    """Of one worker. `pulled` is called once, in the thread of the first reason to stop.

    It has to set `halted`, which belongs to the event loop's thread.
    """

    def __init__(self, fence: Fence, pulled: Callable[[], None]) -> None:
        self.failure: BaseException | None = None
        self.halted = asyncio.Event()
        self._fence = fence
        self._pulled = pulled

    @contextmanager
    def guard(self, what: object) -> Iterator[None]:
        """The one place that catches everything: an exception inside stops the worker, un-acked; `what` is told."""
        try:
            yield
        except Exception as error:
            self.halt(error, what)

    async def run_beside(self, job: Coroutine[Any, Any, None], is_stopping: Callable[[], bool]) -> None:
        """Run `job` beside delivery. What it raises stops the worker, un-acked, unless the worker stops already."""
        with self.guard("a task beside delivery"):
            try:
                await job
            except Exception:
                if not is_stopping():
                    raise
                logger.info("A task beside delivery was ended by the stop", exc_info=True)

    def halt(self, reason: BaseException, what: object = "delivery") -> None:
        """Stop the worker with a non-zero exit code.

        Nothing more is delivered, written or committed. From any thread.
        """
        self._fence.lose(reason)
        if self.failure is not None:
            return
        self.failure = reason
        logger.critical("Stopping un-acked: %s failed", what, exc_info=reason)
        self._pulled()
