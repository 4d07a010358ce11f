"""Serves the gateway: uvicorn, each of its connections within the bounds that the worker's pages have.

Those are `agents.web.connections`. uvicorn bounds neither how long a header may take, nor a whole request, nor how many
connections wait in silence.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from agents.config.settings import SettingsError
from agents.gateway.last_answers import answer_to_the_end
from agents.web.connections import Bounds, Connection, Connections, Cut
from agents.web.tls import PagesCertificate
from schemas.errors import Retryable

_BACKLOG: Final = 512
_END_S: Final = 2
"""For connections to close, once nothing is under way."""


class AddressInUse(Retryable):
    """Somebody else listens there, and may stop."""


class GatewayServer:
    """Of one `app`. With a `certificate` it speaks TLS alone."""

    def __init__(
        self,
        app: ASGIApp,
        bounds: Bounds,
        on_cut: Callable[[Cut], None],
        *,
        drain_timeout_s: float,
        certificate: PagesCertificate | None = None,
    ) -> None:
        self._connections = Connections(bounds, on_cut)
        config = uvicorn.Config(
            app,
            http=self._connected,  # type: ignore[arg-type]  # any that makes a protocol will do
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=int(bounds.idle_timeout_s),
            timeout_graceful_shutdown=_END_S,
            ssl_context_factory=None if certificate is None else lambda *_: certificate.context,
        )
        self._server = _Draining(config, drain_timeout_s)

    async def serve(self, listening: socket.socket) -> None:
        """Answer until `stop`: then requests under way are finished."""
        await self._server.serve(sockets=[listening])

    def stop(self) -> None:
        """Take no more requests. Idempotent."""
        self._server.drain()

    def _connected(self, **given: Any) -> asyncio.Protocol:
        inner = H11Protocol(**given)
        answer = inner.app

        async def within_bounds(scope: Scope, receive: Receive, send: Send) -> None:
            cycle = inner.cycle
            cycle.keep_alive &= not self._server.should_exit
            self._connections.begin(inner.transport, lambda: not cycle.more_body)

            def end() -> None:
                self._connections.end(inner.transport, drains=cycle.more_body)

            try:
                await answer_to_the_end(answer, scope, receive, send, end)
            finally:
                end()

        inner.app = within_bounds
        return Connection(inner, self._connections)


class _Draining(uvicorn.Server):
    """Ends once requests under way are answered: uvicorn by itself would give up those whose bodies are still to come.

    Signals are left to whoever serves: it would end the process by the one that it was stopped by.
    """

    def __init__(self, config: uvicorn.Config, drain_timeout_s: float) -> None:
        super().__init__(config)
        self._drain_timeout_s = drain_timeout_s
        self._ends_at_s = 0.0

    def drain(self) -> None:
        """Listen no more, and let go of who asks nothing now."""
        if self.should_exit:
            return
        self.should_exit, self._ends_at_s = True, monotonic() + self._drain_timeout_s
        for listening in self.servers if self.started else ():
            listening.close()
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is None or cycle.response_complete:
                connection.shutdown()
            else:
                cycle.keep_alive = False

    async def on_tick(self, counter: int) -> bool:
        """Whether to end, asked ten times a second."""
        ends = await super().on_tick(counter)
        return ends and (not self.server_state.tasks or monotonic() >= self._ends_at_s)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listening_socket(host: str, port: int) -> socket.socket:
    """Bound to an address, `port` 0 being any that is free. Raises AddressInUse, or SettingsError for what is no
    address of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=_BACKLOG)
    except OSError as error:
        said = f"the gateway can't listen at {host}:{port}: {error.strerror or error}. "
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(f"{said}Stop what listens there, or set SKILLSTREAM_GATEWAY_PORT to another") from error
        raise SettingsError(
            f"{said}Set SKILLSTREAM_GATEWAY_HOST to an address of this machine, and SKILLSTREAM_GATEWAY_PORT to a port "
            "that this user may listen at"
        ) from error
