"""Serves the pages from the worker's own event loop: a loop that hangs doesn't answer, and so fails its probes.

    /live               503 where only a restart helps: stopped, or stalled          open to all
    /openapi.json       what programs may ask, as OpenAPI                            open to all
    /ready              503 until the table is restored, and while it can't work     open to all
    /health             the state and what is wrong, 503 when it cannot do its job, or is far behind
    /health/detailed    every component with its reason, and the lag
    /metrics            for Prometheus
    /dialects/seen      names that no table knows, as producers wrote them; only where a token is set
    (more)              `pages`: figures (`agents.web.figures`), the dashboard (`agents.web.dashboard`)

Nothing here shows a table, a student's id or a secret. Connections are bounded (`connections`), and only known names
are answered to (`hosts`).
"""

import asyncio
import errno
import logging
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web

from agents.config.addresses import pages_url
from agents.config.proxy import ProxyRules
from agents.config.settings import SettingsError
from agents.health import Health
from agents.health.lag import LagMonitor
from agents.metrics import Metrics
from agents.metrics.seen_names import SeenNames
from agents.peers.request import ASKED_HEADER, MISDIRECTED
from agents.web.access import NO_TOKENS_SET, PageAccess, Role, RoleTokens
from agents.web.attempts import FailedAttempts
from agents.web.connections import (
    DEFAULT_CONNECTION_BOUNDS,
    MAX_HEADER_BYTES,
    MAX_LINE_BYTES,
    Bounds,
    Connection,
    Connections,
)
from agents.web.guard import Guard
from agents.web.headers import GuardedHandler, put_headers
from agents.web.hosts import Hosts
from agents.web.malformed import MalformedRequests
from agents.web.pages import Page, Respond, json_answer
from agents.web.proxied import TrustedProxy
from agents.web.sign_in import SignIn
from agents.web.streaming import GOES_ON, STOPPING
from agents.web.tls import PagesCertificate
from schemas.contract.openapi import openapi
from schemas.errors import Retryable

_MAX_FORM_BYTES: Final = 16 * 1024
_IS_LAST: Final = web.RequestKey("is_last", bool)
_requests_log = logging.getLogger("agents.web.requests")
_STOP_TIMEOUT_S: Final = 2.0
_KEEPALIVE_S: Final = 15.0
_LINGER_S: Final = 1.0
_described = cache(openapi)  # some 10 ms of the event loop, and open to all: made once


class CannotServe(Retryable):
    """Somebody else listens at the address, and may stop."""


class WrongAddress(SettingsError):
    """The address can never be listened at: it is not this machine's, or not for this user."""


class WebServer:
    """The pages of one worker. Raises OpenToNetwork where others can reach `host` and operators have no token.

    `hosts` are further names that it answers to, `pages` further pages. A request that is meant for another worker than
    `instance` is refused; without a name none is. With a `certificate` they are served over TLS alone.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        health: Health,
        lag: LagMonitor,
        metrics: Metrics,
        tokens: RoleTokens = NO_TOKENS_SET,
        proxy: ProxyRules | None = None,
        session_s: int = 28_800,
        wrong_tokens_per_minute: int = 10,
        hosts: Sequence[str] = (),
        bounds: Bounds = DEFAULT_CONNECTION_BOUNDS,
        seen: SeenNames | None = None,
        pages: Iterable[Page] = (),
        instance: str = "",
        certificate: PagesCertificate | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._access = PageAccess(host, tokens)
        attempts = FailedAttempts(wrong_tokens_per_minute)
        self._guard = Guard(
            self._access, attempts, metrics.web_refused.add, TrustedProxy(proxy), metrics.tenant_reads.add
        )
        self._hosts = Hosts(host, hosts)
        self._connections = Connections(bounds, metrics.web_refused.add)
        self._health = health
        self._lag = lag
        self._metrics = metrics
        self._seen = seen
        signing_in = SignIn(self._access, attempts, self._guard, session_s)
        self._pages = (*self._own_pages(), *signing_in.pages(), *pages)
        self._roles: dict[str, Role] = {page.path: page.role for page in self._pages}
        self._instance = instance
        self._certificate = certificate
        self._malformed = MalformedRequests(lambda: metrics.web_refused.add("malformed"))
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; `port` 0 becomes the port that was free. Raises CannotServe or WrongAddress."""
        runner = web.AppRunner(self._app(), handle_signals=False, shutdown_timeout=_STOP_TIMEOUT_S)
        _requests_log.addFilter(self._malformed)
        await runner.setup()
        loop, server = asyncio.get_running_loop(), runner.server
        assert server is not None, "made by setup"

        def connected() -> Connection:
            handler = GuardedHandler(
                server,
                loop=loop,
                access_log=None,  # type: ignore[arg-type]  # as aiohttp has it for none
                logger=_requests_log,
                keepalive_timeout=_KEEPALIVE_S,
                lingering_time=_LINGER_S,
                max_line_size=MAX_LINE_BYTES,
                max_field_size=MAX_HEADER_BYTES,
            )
            return Connection(handler, self._connections)

        try:
            self._listening = await loop.create_server(connected, self.host or None, self.port, **self._tls_options())
        except OSError as error:
            await runner.cleanup()
            raise _refusal(self.host, self.port, error) from error
        self._runner = runner
        self.port = int(self._listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening, and let requests under way end. Idempotent."""
        _requests_log.removeFilter(self._malformed)
        runner, self._runner = self._runner, None
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        if runner is not None:
            await runner.cleanup()

    @property
    def pages(self) -> tuple[Page, ...]:
        """All that are served."""
        return self._pages

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"{pages_url(self.host, self.port, encrypted=self._certificate is not None)}/"

    def _tls_options(self) -> dict[str, Any]:
        if self._certificate is None:
            return {}
        bounds = self._connections.bounds
        return {"ssl": self._certificate.context, "ssl_handshake_timeout": bounds.header_timeout_s}

    def _app(self) -> web.Application:
        app = web.Application(
            middlewares=[self._bound, _errors_as_json, self._check_access], client_max_size=_MAX_FORM_BYTES
        )
        app.on_response_prepare.append(_add_headers)
        app[STOPPING], app[GOES_ON] = asyncio.Event(), self._connections.go_on
        app.on_shutdown.append(_end_streams)
        for page in self._pages:
            app.router.add_route(page.method, page.path, page.respond)
            if page.method == "GET":
                app.router.add_route("HEAD", page.path, page.respond)
        return app

    def _own_pages(self) -> list[Page]:
        return [
            Page("/live", self._live, role="open"),
            Page("/ready", self._ready, role="open"),
            Page("/openapi.json", _openapi, role="open"),
            Page("/health", self._short),
            Page("/health/detailed", self._detailed),
            Page("/metrics", self._exposition),
            Page("/dialects/seen", self._names),
        ]

    @web.middleware
    async def _bound(self, request: web.Request, handler: Respond) -> web.StreamResponse:
        may_go_on = self._connections.begin(request.transport, request.content.is_eof)
        request[_IS_LAST] = not may_go_on
        try:
            response = await handler(request)
        finally:
            is_whole = request.content.is_eof()
            self._connections.end(request.transport, drains=not is_whole)
        if not (may_go_on and is_whole):
            response.force_close()
        return response

    @web.middleware
    async def _check_access(self, request: web.Request, handler: Respond) -> web.StreamResponse:
        if len(request.headers.getall("Host", ())) > 1 or not self._hosts.admits(request.headers.get("Host")):
            self._metrics.web_refused.add("host")
            return json_answer({"error": "not known by this name: see SKILLSTREAM_WEB_HOSTS"}, MISDIRECTED)
        if self._instance and unquote(request.headers.get(ASKED_HEADER, self._instance)) != self._instance:
            return json_answer({"error": "this is another worker than the one that is asked"}, MISDIRECTED)
        if (refusal := self._guard.refusal(request, await self._role_of(request))) is not None:
            return refusal
        return await handler(request)

    async def _role_of(self, request: web.Request) -> Role:
        """The role that the path asks for, whatever the method; operators' where there is no such page."""
        matched = request.match_info
        if isinstance(refused := matched.http_exception, web.HTTPMethodNotAllowed):
            matched = await request.app.router.resolve(request.clone(method=min(refused.allowed_methods)))
        resource = matched.route.resource
        return self._roles.get(resource.canonical, "operator") if resource is not None else "operator"

    async def _live(self, _request: web.Request) -> web.Response:
        live = self._health.live()
        return json_answer({"live": live}, 200 if live else 503)

    async def _ready(self, _request: web.Request) -> web.Response:
        report = await self._health.check()
        down = [component.name for component in report.problems if component.status == "down"]
        return json_answer({"ready": report.ready, "down": down}, 200 if report.ready else 503)

    async def _short(self, _request: web.Request) -> web.Response:
        report = await self._health.check()
        return json_answer(report.summary(), 503 if report.is_failing else 200)

    async def _detailed(self, _request: web.Request) -> web.Response:
        report = await self._health.check()
        return json_answer(report.detailed(lag=self._lag.current().as_json()), 503 if report.is_failing else 200)

    async def _exposition(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.render(request.headers.get("Accept", ""))
        response = web.Response(body=body, headers={"Content-Type": content_type})
        response.enable_compression()
        return response

    async def _names(self, _request: web.Request) -> web.Response:
        if not self._access.tokens.operator:
            said = "producers may have written anything there, names of people too: set SKILLSTREAM_WEB_TOKEN"
            return json_answer({"error": said}, 403)
        return json_answer({"names": self._seen.listed() if self._seen is not None else []}, 200)


def _refusal(host: str, port: int, error: OSError) -> CannotServe | WrongAddress:
    said = f"the web pages can't be served at {host}:{port}: {error.strerror or error}. "
    if error.errno == errno.EADDRINUSE:
        return CannotServe(
            f"{said}Stop what listens there, or set SKILLSTREAM_WEB_PORT to another (0: any that is free)"
        )
    return WrongAddress(
        f"{said}Set SKILLSTREAM_WEB_HOST to an address of this machine, and SKILLSTREAM_WEB_PORT to a port that this "
        "user may listen at (0: any that is free)"
    )


@web.middleware
async def _errors_as_json(request: web.Request, handler: Respond) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return json_answer({"error": error.reason.lower()}, error.status, allowed)


async def _end_streams(app: web.Application) -> None:
    app[STOPPING].set()


async def _openapi(_request: web.Request) -> web.Response:
    return json_answer(_described())


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if request.get(_IS_LAST):  # an answer that is streamed has to say it first, or its client asks here again
        response.force_close()
        response.headers["Connection"] = "close"
    put_headers(request, response)
