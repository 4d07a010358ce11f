"""The worker's side of the inference process: started when it is first needed, ended when it was not for a while.

Nothing of it is needed by the stream: where it fails, requests fail, and the next one starts another.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from agents.inference.messages import (
    LENGTH_BYTES,
    REPLIES,
    DoneReply,
    EndEvents,
    ProcessReady,
    ProcessReply,
    PutNorms,
    QuestionFailed,
    RowsFound,
    RowsWanted,
    Setup,
    WorkerQuestion,
    frame,
    length_of,
)
from schemas.errors import Retryable
from streams.inference.overlay import FoundRow
from streams.norms.view import NormView

FindRows = Callable[[Sequence[bytes]], Awaitable[list[FoundRow]]]
"""The stored rows, or segments, of keys, in their order."""

_BUFFER_BYTES: Final = 1 << 20
_START_TIMEOUT_S: Final = 120.0
_EXCHANGE_TIMEOUT_S: Final = 300.0
_STOP_TIMEOUT_S: Final = 2.0
_IDLE_S: Final = 300.0


class InferenceFailed(Retryable):
    """A request cannot go on; the message says why."""


async def nothing_found(keys: Sequence[bytes]) -> list[FoundRow]:
    """For questions that ask for no row."""
    return [None] * len(keys)


class InferenceProcess:
    """One process. In the event loop's thread; `started` is called with each start."""

    def __init__(
        self,
        setup: Setup,
        base_version: str,
        started: Callable[[], None],
        idle_s: float = _IDLE_S,
        norms: Callable[[], NormView | None] = lambda: None,
    ) -> None:
        """`base_version` is what it has to score with, as the worker does, and `norms` tells what is in force there. It
        ends when nobody asked for `idle_s`.
        """
        self._setup = setup
        self._base_version = base_version
        self._started = started
        self._idle_s = idle_s
        self._norms = norms
        self._norms_there: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ending: list[asyncio.subprocess.Process] = []
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, question: WorkerQuestion, find_rows: FindRows = nothing_found) -> DoneReply:
        """The reply to a question, when it is its turn. Raises InferenceFailed.

        Who is cancelled leaves the exchange to its end, unheard: half of one would leave the process to nobody.
        """
        exchange = asyncio.create_task(self._take_turn(question, find_rows))
        exchange.add_done_callback(_hear)
        reply = await asyncio.shield(exchange)
        if isinstance(reply, QuestionFailed):
            raise InferenceFailed(reply.error)
        return reply

    async def _take_turn(self, question: WorkerQuestion, find_rows: FindRows) -> DoneReply | QuestionFailed:
        """An exchange that fails, or takes too long, ends the process, and with it what other requests had there."""
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            try:
                async with asyncio.timeout(_EXCHANGE_TIMEOUT_S):
                    process = await self._running()
                    await self._put_norms(process)
                    reply = await self._exchange(process, question, find_rows)
            except (TimeoutError, OSError, EOFError) as error:
                self._kill()
                raise InferenceFailed(f"the inference process ended or hangs: {error!r}") from error
            except BaseException:
                self._kill()
                raise
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._leave)
            return reply

    async def drop(self, request: int) -> None:
        """Have the process forget a request, if there is one. Raises nothing."""
        if self._process is not None:
            with suppress(InferenceFailed):
                await self.ask(EndEvents(request))

    @property
    def pid(self) -> int | None:
        """Its id; None while there is none."""
        return None if self._process is None else self._process.pid

    async def stop(self) -> None:
        """End it, and wait for those that are ending. Idempotent."""
        if self._idle is not None:
            self._idle.cancel()
        self._leave()
        while self._ending:
            process = self._ending.pop()
            try:
                await asyncio.wait_for(process.communicate(), _STOP_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.communicate()
        await asyncio.sleep(0)  # their pipes' callbacks

    async def _exchange(
        self, process: asyncio.subprocess.Process, question: WorkerQuestion, find_rows: FindRows
    ) -> DoneReply | QuestionFailed:
        await _send(process, frame(question))
        while True:
            reply = await _receive(process)
            if isinstance(reply, RowsWanted):
                await _send(process, frame(RowsFound(await find_rows(reply.keys))))
            else:
                assert not isinstance(reply, ProcessReady), "said once, at the start"
                return reply

    async def _put_norms(self, process: asyncio.subprocess.Process) -> None:
        """Have the process score under the norms that are in force here, where it has others."""
        view = self._norms()
        if view is None or view.version == self._norms_there:
            return
        snapshot = view.snapshot
        put = PutNorms(app_id=snapshot.app_id, snapshot=snapshot.encode())
        if isinstance(failed := await self._exchange(process, put, nothing_found), QuestionFailed):
            raise InferenceFailed(failed.error)
        self._norms_there = view.version

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await self._start()
        return self._process

    async def _start(self) -> asyncio.subprocess.Process:
        self._started()
        self._norms_there = None
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "agents.inference"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_BUFFER_BYTES,
            env={"OMP_NUM_THREADS": "1", **os.environ},
        )
        self._process = process
        await _send(process, frame(self._setup))
        async with asyncio.timeout(_START_TIMEOUT_S):
            ready = await _receive(process)
        if not isinstance(ready, ProcessReady) or ready.base_version != self._base_version:
            self._kill()
            raise InferenceFailed("skills file or model are not those that this worker began with: restart it")
        return process

    def _leave(self) -> None:
        """Let it end: its input does. It is not asked any more, but waited for in the end."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
        self._ending = [each for each in (*self._ending, process) if each is not None and each.returncode is None]

    def _kill(self) -> None:
        process = self._process
        self._leave()
        if process is not None and process.returncode is None:
            process.kill()


def _hear(exchange: "asyncio.Task[DoneReply | QuestionFailed]") -> None:
    """Of one that nobody waits for any more: what it raised is nobody's fault."""
    if not exchange.cancelled():
        exchange.exception()


async def _send(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)
    await process.stdin.drain()


async def _receive(process: asyncio.subprocess.Process) -> ProcessReply:
    assert process.stdout is not None
    length = length_of(await process.stdout.readexactly(LENGTH_BYTES))
    reply: ProcessReply = REPLIES.decode(await process.stdout.readexactly(length))
    return reply
