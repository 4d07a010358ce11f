"""A bound on every connection to the pages: on how many there are, how long each may take, and how much it may ask.

aiohttp bounds a line and a header, and how long an idle connection is kept; it waits for ever for a request's header
to end, and for an answer to be taken. Here a connection has one deadline at a time, and is cut when it passes:

    connected ──header_timeout──► request begins ──answer_timeout──► answered ──idle_timeout──► (next request's header)

Where there are too many, the oldest that is not being answered gives way to the newest: so probes are answered though
somebody opens connections and says nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, cast

from agents.web.headers import SECURITY_HEADERS

Cut = Literal["connections", "slow", "large"]
MAX_LINE_BYTES: Final = 4_096
"""A student's longest id, percent-encoded, is three quarters of it."""
MAX_HEADER_BYTES: Final = 8_190
MAX_REQUEST_BYTES: Final = 32 * 1024
"""Of everything sent until a request begins, but for its body: line and headers."""
_END_OF_HEADER: Final = b"\r\n\r\n"
_FULL: Final = (
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS.items())
    + "\r\n"
).encode()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Times in seconds."""

    connections: int = 100
    header_timeout_s: float = 10.0
    answer_timeout_s: float = 30.0
    idle_timeout_s: float = 30.0
    requests: int = 1_000


DEFAULT_CONNECTION_BOUNDS: Final = Bounds()


class Connections:
    """The open connections of one server. `on_cut` is called with the reason when one is cut."""

    def __init__(self, bounds: Bounds, on_cut: Callable[[Cut], None]) -> None:
        self.bounds = bounds
        self.on_cut = on_cut
        self._open: dict[asyncio.BaseTransport, Connection] = {}

    def begin(self, transport: asyncio.BaseTransport | None, body_ended: Callable[[], bool]) -> bool:
        """A request of this connection is being answered, and its body has come when `body_ended`. Returns whether it
        may be followed by another.
        """
        connection = self._open.get(transport) if transport is not None else None
        return connection is None or connection.begin(body_ended)

    def go_on(self, transport: asyncio.BaseTransport | None) -> None:
        """A part of a long answer was taken, or made: the next one has as much time."""
        connection = self._open.get(transport) if transport is not None else None
        if connection is not None:
            connection.go_on()

    def end(self, transport: asyncio.BaseTransport | None, *, drains: bool = False) -> None:
        """The answer is made, and on its way. `drains`: it is the last, and the rest of its request's body is read."""
        connection = self._open.get(transport) if transport is not None else None
        if connection is not None:
            connection.end(drains=drains)

    def add(self, transport: asyncio.Transport, connection: "Connection") -> bool:
        """Whether there is room, made if need be."""
        if len(self._open) >= self.bounds.connections:
            self.on_cut("connections")
            waiting = next((each for each, state in self._open.items() if not state.is_answered), None)
            if waiting is None:
                return False
            self._open.pop(waiting).cut()
        self._open[transport] = connection
        return True

    def remove(self, transport: asyncio.BaseTransport) -> None:
        """It is closed."""
        self._open.pop(transport, None)


class Connection(asyncio.Protocol):
    """Stands before aiohttp's own protocol and hands everything on to it."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._all = connections
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._admitted = False
        self._received_bytes = 0
        self._requests = 0
        self._header_end = b""
        self._header_ended = False
        self._body_ended: Callable[[], bool] = bool
        self.is_answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._admitted = self._all.add(self._transport, self)
        if not self._admitted:
            self._transport.write(_FULL)
            self._transport.close()
            return
        self._arm(self._all.bounds.header_timeout_s)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self._admitted:
            return
        if not self.is_answered and self._requests and not self._received_bytes:
            self._arm(self._all.bounds.header_timeout_s)
        if not self.is_answered or self._body_ended():
            self._received_bytes += self._bytes_of_header(data)
            if self._received_bytes > MAX_REQUEST_BYTES:
                self._cut_for("large")
                return
        self._inner.data_received(data)

    def _bytes_of_header(self, data: bytes) -> int:
        """How many of them are of a request's line and headers; aiohttp itself bounds what it holds of a body."""
        if self._header_ended:
            return 0
        end = (self._header_end + data).find(_END_OF_HEADER)
        self._header_ended = end >= 0
        if self._header_ended:
            return max(0, end - len(self._header_end) + len(_END_OF_HEADER))
        self._header_end = (self._header_end + data)[-len(_END_OF_HEADER) + 1 :]
        return len(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._admitted else None

    def pause_writing(self) -> None:
        if self._admitted:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._admitted:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        if self._admitted and self._transport is not None:
            self._all.remove(self._transport)
            self._inner.connection_lost(exc)

    def begin(self, body_ended: Callable[[], bool]) -> bool:
        """See Connections."""
        self.is_answered, self._body_ended = True, body_ended
        self._received_bytes, self._header_end, self._header_ended = 0, b"", False
        self._requests += 1
        self.go_on()
        return self._requests < self._all.bounds.requests

    def go_on(self) -> None:
        """See Connections."""
        if self.is_answered:
            self._arm(self._all.bounds.answer_timeout_s)

    def end(self, *, drains: bool) -> None:
        """See Connections. Of the next request something may have come by now."""
        self.is_answered = False
        self._header_ended |= drains
        self._arm(self._all.bounds.header_timeout_s if self._received_bytes else self._all.bounds.idle_timeout_s)

    def cut(self) -> None:
        """Close at once, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()

    def _cut_for(self, why: Cut) -> None:
        self._all.on_cut(why)
        self.cut()

    def _arm(self, timeout_s: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(timeout_s, self._expire)

    def _expire(self) -> None:
        # An idle connection was kept for the next request: that it is let go of is nobody's fault.
        if self._requests and not self._received_bytes and not self.is_answered:
            self.cut()
        else:
            self._cut_for("slow")
