"""Starts calls, as many at once as allowed, and has all of them wait together where none may be made.

    room? ──► paused? ──► next student ──► serve ──► its request is sent, or it has ended: the next one
                 ▲                           │
                 └──── how long to wait ◄────┘

Until one student's request is sent no other is taken: who asks a spent limit is one student, not all at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from streams.reasoning.policy.concurrency import Concurrency
from streams.reasoning.policy.ticket import Ticket

IDLE_S: Final = 0.2
Next = Callable[[], Awaitable[Ticket | None]]
Serve = Callable[[Ticket, Callable[[], None]], Awaitable[float]]


class Dispatcher:
    """`next_` takes the student who is to be served now, if any. `serve` serves one, calls what it is given when a
    request is about to be sent, and returns for how many seconds nobody is to be served.
    """

    def __init__(self, next_: Next, serve: Serve, concurrency: Concurrency) -> None:
        self._next = next_
        self._serve = serve
        self._concurrency = concurrency
        self._under_way = 0
        self._ended = asyncio.Event()
        self._paused_until_s = 0.0

    async def run(self) -> None:
        """Serve until cancelled. Raises what `serve` does, in a group, once the others are cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._room()
                pause_s = max(0.0, self._paused_until_s - asyncio.get_running_loop().time())
                ticket = await self._next() if pause_s == 0 else None
                if ticket is None:
                    await asyncio.sleep(pause_s or IDLE_S)  # nothing announces a student whose time has come
                    continue
                self._under_way += 1
                sent = asyncio.Event()
                group.create_task(self._served(ticket, sent))
                await sent.wait()

    async def _room(self) -> None:
        while self._under_way >= self._concurrency.allowed:
            self._ended.clear()
            await self._ended.wait()

    async def _served(self, ticket: Ticket, sent: asyncio.Event) -> None:
        try:
            pause_s = await self._serve(ticket, sent.set)
            self._paused_until_s = max(self._paused_until_s, asyncio.get_running_loop().time() + pause_s)
        finally:
            self._under_way -= 1
            self._ended.set()
            sent.set()
