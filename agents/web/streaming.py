"""Server-sent events: an answer that does not end, bounded in number and in what a slow reader may hold up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web

from agents.web.pages import json_answer

STOPPING: Final = web.AppKey("STOPPING", asyncio.Event)
"""Set when the server stops: streams end at once."""
GOES_ON: Final[web.AppKey[Callable[[asyncio.BaseTransport | None], None]]] = web.AppKey("GOES_ON")
"""To be called when a stream's reader took what was sent: its connection has the time of an answer again."""
_RETRY_MS: Final = 3_000

NextEvent = Callable[[], Awaitable[bytes]]
"""The data of the next event, on one line. It is also what tells that all lives."""


class EventStreams:
    """At most `limit` at a time; `on_refused` is called for each above.

    A reader that does not take an event within `Bounds.answer_timeout_s` is cut, as every slow connection is.
    """

    def __init__(self, limit: int, on_refused: Callable[[], None], now_s: Callable[[], float] = time.time) -> None:
        self._limit, self._on_refused, self._now_s = limit, on_refused, now_s
        self.open = 0

    async def answer(
        self, request: web.Request, kind: str, next_event: NextEvent, every_s: float
    ) -> web.StreamResponse:
        """Send events until the reader is gone or the server stops; at the same times in all streams, `every_s`."""
        if self.open >= self._limit:
            self._on_refused()
            return json_answer({"error": "too many streams are open"}, 503, {"Retry-After": "10"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        self.open += 1
        try:
            await response.prepare(request)
            if request.method != "HEAD":
                await self._send(request, response, kind, next_event, every_s)
        finally:
            self.open -= 1
        return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, kind: str, next_event: NextEvent, every_s: float
    ) -> None:
        stopping, goes_on = request.app[STOPPING], request.app[GOES_ON]
        await response.write(f"retry: {_RETRY_MS}\n\n".encode())
        with suppress(ConnectionError):
            while not stopping.is_set():
                await response.write(b"event: %b\ndata: %b\n\n" % (kind.encode(), await next_event()))
                goes_on(request.transport)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), every_s - self._now_s() % every_s)
