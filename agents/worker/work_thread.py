"""A thread for work that takes long: one piece after the other, while the event loop goes on.

It is a daemon: a piece of work that never ends does not keep the process from ending.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class WorkThread:
    """Implements Executor. Starts its thread with the first piece of work."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], _T]) -> _T:
        """What `work` returns, or raise what it raises. Cancelled, it leaves the work running, its result unheard."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()

        def settle(answer: Callable[[], None]) -> None:
            if not done.done():
                answer()

        def do() -> None:
            try:
                result = work()
            except BaseException as error:  # whoever waits raises it
                _tell(loop, settle, lambda error=error: done.set_exception(error))  # type: ignore[misc]
            else:
                _tell(loop, settle, lambda: done.set_result(result))

        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        self._work.put(do)
        return await done

    async def run_async(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """As `run`, of the coroutine that `work` makes, in an event loop of its own."""
        return await self.run(lambda: asyncio.run(work()))

    def _serve(self) -> None:
        while True:
            self._work.get()()


def _tell(
    loop: asyncio.AbstractEventLoop, settle: Callable[[Callable[[], None]], None], answer: Callable[[], None]
) -> None:
    try:
        loop.call_soon_threadsafe(settle, answer)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return
