"""The gateway as an ASGI application.

POST, PUT /xapi/statements   statements            a tenant's key
GET /xapi/about              the versions          open to all
POST /caliper                an envelope           a tenant's key
POST /events                 records, one a line   a tenant's key
GET /openapi.json            what may be sent, as OpenAPI                 open to all
GET /live                    503 where only a restart helps               open to all
GET /ready                   503 while no broker with the topic answers   open to all
GET /metrics                 for Prometheus        SKILLSTREAM_WEB_TOKEN; without one, from this machine alone
"""

from functools import cache
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agents.config.addresses import is_loopback
from agents.gateway.doors import Doors
from agents.gateway.refusal import NotTaken
from agents.gateway.sending import ConfirmedSender
from agents.gateway.statements import VERSION_HEADER, VERSIONS
from agents.metrics.declared.gateway import GatewayMetrics
from agents.web.access import RoleTokens, given_token
from schemas.contract.gateway_openapi import gateway_openapi

_HEADERS: Final = (
    (b"server", b"skillstream"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
)

_described = cache(gateway_openapi)


class GatewayPages:
    """What operators and their probes ask."""

    def __init__(self, host: str, token: str, sender: ConfirmedSender, metrics: GatewayMetrics) -> None:
        self._is_local = is_loopback(host)
        self._tokens = RoleTokens(operator=token)
        self._sender, self._metrics = sender, metrics

    async def live(self, _request: Request) -> Response:
        """Whether only a restart helps."""
        live = self._sender.fatal is None
        return JSONResponse({"live": live}, 200 if live else 503)

    async def ready(self, _request: Request) -> Response:
        """Whether what is sent may be stored."""
        ready = await self._sender.is_answered()
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def exposition(self, request: Request) -> Response:
        """Metrics."""
        if not self._tokens.operator:
            if not self._is_local:
                return _refused(NotTaken(403, "key", "open to nobody: SKILLSTREAM_WEB_TOKEN is not set"))
        elif self._tokens.role_of(given_token(request.headers.get("Authorization", "")) or "") is None:
            return _refused(NotTaken(401, "key", "the operators' token is needed"))
        body, content_type = self._metrics.render(request.headers.get("Accept", ""))
        return Response(body, headers={"Content-Type": content_type})


def gateway_routes(doors: Doors, pages: GatewayPages) -> list[Route]:
    """All that is answered."""
    return [
        Route("/xapi/statements", doors.statements, methods=["POST", "PUT"]),
        Route("/xapi/about", _about),
        Route("/caliper", doors.envelopes, methods=["POST"]),
        Route("/events", doors.events, methods=["POST"]),
        Route("/openapi.json", _openapi),
        Route("/live", pages.live),
        Route("/ready", pages.ready),
        Route("/metrics", pages.exposition),
    ]


def gateway_app(doors: Doors, pages: GatewayPages, metrics: GatewayMetrics) -> ASGIApp:
    """The whole."""

    async def no_such(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        metrics.requests.add("other")
        return JSONResponse({"error": error.detail.lower()}, error.status_code, error.headers)

    async def failed(_request: Request, _error: Exception) -> Response:
        metrics.requests.add("failed")
        return JSONResponse({"error": "a fault of skillstream", "reason": "failed"}, 500)

    return _finished(
        Starlette(routes=gateway_routes(doors, pages), exception_handlers={HTTPException: no_such, 500: failed})
    )


async def _about(_request: Request) -> Response:
    latest = [*VERSIONS.values()]
    return JSONResponse({"version": latest}, headers={VERSION_HEADER: latest[-1]})


async def _openapi(_request: Request) -> Response:
    return JSONResponse(_described())


def _refused(refused: NotTaken) -> Response:
    return JSONResponse(refused.answer, refused.status, refused.headers)


def _finished(app: ASGIApp) -> ASGIApp:
    """`app`, with the headers of every answer."""

    async def finished(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await app(scope, receive, send_more)

    return finished
