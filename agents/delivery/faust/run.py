"""Runs a worker in this process, and always ends: in order where it can, by force where it must.

Exit codes: 0 after SIGTERM or SIGINT and a complete drain; 3 when the broker can't be reached at the start for
`start_timeout_s`, and when it was away for `broker_wait_s`, or while a drain needed it;
4 after anything fatal, when stopping takes longer than `stop_timeout_s`, and when the event loop stands still for
`blocked_after_s` (1 where not even the watching thread could run).
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext, suppress
from types import FrameType
from typing import Any, cast

import mode
from aiokafka.errors import KafkaError

from agents.delivery.errors import BrokerWaitExceeded
from agents.delivery.faust.app import DeliveryApp
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.loop_watch import LoopWatch
from agents.delivery.outage import may_pass
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.topics import require_broker
from agents.logs import lifecycle

EXIT_OK = 0
EXIT_UNREACHABLE = 3
EXIT_FATAL = 4

logger = logging.getLogger(__name__)

Beside = Callable[[], AbstractAsyncContextManager[None]]


class DeliveryWorker(mode.Worker):
    """mode's worker, leaving signals and logging to whoever runs it."""

    def install_signal_handlers(self) -> None:
        """Nothing: `run_worker` has its own, which bound the stop."""


def run_worker(app: DeliveryApp, beside: Beside = nullcontext) -> int:
    """Run `app` until SIGTERM, SIGINT or a fatal error; returns the exit code. Main thread only. Blocks.

    `beside` is entered before the start and left after the stop; what it raises is raised here.
    """
    try:
        require_broker(app.delivery.settings.broker, app.delivery.settings.start_timeout_s)
    except BrokerUnavailable as error:
        app.switch.failure = error
        return EXIT_UNREACHABLE
    watch = _StopWatch(app.delivery.settings.stop_timeout_s, lambda: failure_code(app.failure))
    try:
        return asyncio.run(_serve(app, watch, beside))
    finally:
        watch.cancel()


async def _serve(app: DeliveryApp, watch: "_StopWatch", beside: Beside) -> int:
    app.in_worker = True
    worker = DeliveryWorker(app, override_logging=False, redirect_stdouts=False, quiet=True)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    watch.loops = [loop, cast(BatchConsumer, app.consumer).thread_loop]

    def stop() -> None:
        watch.start()
        loop.call_soon_threadsafe(asked.set)

    with _signals(stop):
        watch_loop = LoopWatch(app.delivery.settings.blocked_after_s, EXIT_FATAL, blocked=app.loop_blocked)
        async with watch_loop.watching(), beside():
            running = asyncio.create_task(worker.start())
            waits = [running, asyncio.create_task(app.watch_outage())]
            waits += [asyncio.create_task(cast(Any, event.wait())) for event in (asked, app.switch.halted)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            watch.start()
            await worker.stop()
            for wait in waits:
                wait.cancel()
            results = await asyncio.gather(*waits, return_exceptions=True)
    app.switch.failure = app.failure or worker.crash_reason or _error(results[0])
    return EXIT_OK if app.failure is None else failure_code(app.failure)


def failure_code(failure: BaseException | None) -> int:
    """The exit code of a worker that failed: 3 if a supervisor may start it again, 4 if a person should look first."""
    is_unavailable = isinstance(failure, BrokerWaitExceeded | BrokerUnavailable)
    at_the_start = isinstance(failure, KafkaError) and may_pass(failure)  # a client that found nobody
    return EXIT_UNREACHABLE if is_unavailable or at_the_start else EXIT_FATAL


def _error(result: object) -> BaseException | None:
    if isinstance(result, asyncio.CancelledError):
        return None
    return result if isinstance(result, BaseException) else None


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    # Not the loop's own handlers: they never run while a step keeps the loop busy.
    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop()

    former = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, action in former.items():
            signal.signal(number, action)


class _StopWatch:
    """Ends the process when stopping takes too long: Faust's threads would keep it alive for ever."""

    def __init__(self, timeout_s: float, code: Callable[[], int]) -> None:
        self._code = code
        self._timer = threading.Timer(timeout_s, self._expire)
        self._timer.daemon = True
        self._timeout_s = timeout_s
        self.loops: list[asyncio.AbstractEventLoop] = []

    def start(self) -> None:
        """Begin to count; later calls change nothing."""
        if not self._timer.is_alive() and not self._timer.finished.is_set():
            self._timer.start()

    def cancel(self) -> None:
        """The process stopped by itself."""
        self._timer.cancel()

    def _expire(self) -> None:
        logger.critical("Not stopped after %s s: ending the process, un-acked work is replayed", self._timeout_s)
        for loop in self.loops:
            with suppress(Exception):  # it may be at work while its tasks are listed
                for task in _waiting(loop):
                    logger.critical("It waited for %s", task)
        code = self._code()
        lifecycle.ended(code, f"not stopped after {self._timeout_s:g} s, un-acked work is replayed")
        os._exit(code)


def _waiting(loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    """For each task of the loop: its name, and where it waits, from the outside in."""
    for task in asyncio.all_tasks(loop):
        yield f"{task.get_name()}: {' > '.join(_stack(task.get_coro()))}"


def _stack(waiting: Any) -> Iterator[str]:
    while (frame := getattr(waiting, "cr_frame", None)) is not None:
        yield f"{frame.f_code.co_qualname}:{frame.f_lineno}"
        waiting = waiting.cr_await
