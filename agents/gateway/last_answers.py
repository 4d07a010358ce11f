"""What is answered before its body is read is the connection's last.

Of the body some more is read, and kept nowhere, so that a client that still writes comes to see the answer. Meanwhile
the connection gives way to others.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LINGER_S: Final = 1.0
_CLOSE: Final = (b"connection", b"close")


async def answer_to_the_end(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, on_last: Callable[[], None]
) -> None:
    """Have `app` answer; `on_last` is called once an answer is made behind which none follows."""
    body = _BodyWatch(receive)

    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start" and not body.ended and scope["method"] not in ("GET", "HEAD"):
            body.is_given_up = True
            message["headers"] = [*message.get("headers", ()), _CLOSE]
        if message["type"] == "http.response.body" and body.is_given_up and not message.get("more_body"):
            await send({**message, "more_body": True})
            on_last()
            await body.linger()
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    await app(scope, body.receive, send_more)


class _BodyWatch:
    """Whether a request's body was read to its end."""

    def __init__(self, receive: Callable[[], Awaitable[Any]]) -> None:
        self._receive = receive
        self.ended = self.is_given_up = False

    async def receive(self) -> Any:
        message = await self._receive()
        self.ended = self.ended or not message.get("more_body", False)
        return message

    async def linger(self) -> None:
        """Read on for a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while not self.ended:
                    await self.receive()
