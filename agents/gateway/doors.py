"""What is answered at each path: who asks, what the body holds, whether Kafka has it, and what is counted of it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from agents.config.tenants import Tenant, Tenants
from agents.gateway.batches import BYTES_A_COMMA, TakenBatch
from agents.gateway.body import BodyLimits, read_body
from agents.gateway.envelopes import Envelopes
from agents.gateway.multipart import JSON_TYPE, MULTIPART_TYPE, SentBody, sent_body
from agents.gateway.ndjson import CONTENT_TYPES, sent_items
from agents.gateway.placing import RecordPlacement
from agents.gateway.rates import EventRates
from agents.gateway.refusal import NotTaken
from agents.gateway.room import RequestRoom, RoomShare
from agents.gateway.sending import ConfirmedSender
from agents.gateway.statements import VERSION_HEADER, VERSIONS, Statements, require_version_header
from agents.metrics.declared.gateway import GatewayMetrics, GatewayOutcome
from agents.web.access import given_token
from schemas.dialects.record import Decode

_AT_ONCE_BYTES: Final = 128 * 1024
"""Larger bodies are decoded in a thread, so that others are answered meanwhile."""
_CLIENT_IS_GONE: Final = 499
_log = logging.getLogger("agents.gateway.requests")
ReadBody = Callable[[bytes, Tenant], TakenBatch]
"""What a body holds. Raises NotTaken."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Of a deployment: what each path reads bodies by."""

    statements: Statements
    envelopes: Envelopes
    decode: Decode


class Doors:
    """The paths that take something."""

    def __init__(
        self,
        tenants: Tenants,
        readers: Readers,
        placement: RecordPlacement,
        sender: ConfirmedSender,
        room: RequestRoom,
        limits: BodyLimits,
        metrics: GatewayMetrics,
    ) -> None:
        self._tenants, self._readers, self._placement = tenants, readers, placement
        self._sender, self._room, self._limits, self._metrics = sender, room, limits, metrics
        self._rates = EventRates()
        metrics.before_render(self._measure_room)

    async def statements(self, request: Request) -> Response:
        """`POST` and `PUT /xapi/statements`."""
        answered_as = VERSIONS["1.0"]
        try:
            version = require_version_header(request.headers)
            answered_as = VERSIONS[version]
            read = self._put(request, version) if request.method == "PUT" else self._post(request, version)
            response = await self._answer(request, read, (JSON_TYPE, MULTIPART_TYPE), 400)
        except NotTaken as refused:
            response = self._refuse(request, refused, "", monotonic())
        response.headers[VERSION_HEADER] = answered_as
        return response

    async def envelopes(self, request: Request) -> Response:
        """`POST /caliper`."""
        return await self._answer(
            request, lambda body, tenant: self._readers.envelopes.sent(body, tenant.students), (JSON_TYPE,)
        )

    async def events(self, request: Request) -> Response:
        """`POST /events`."""
        return await self._answer(
            request, lambda body, tenant: sent_items(body, self._readers.decode, tenant.students), CONTENT_TYPES
        )

    def _post(self, request: Request, version: str) -> ReadBody:
        if request.query_params:
            raise NotTaken(400, "unreadable", "POST has no parameters", rule="parameters")
        read, sent = self._readers.statements.posted, _unpacking(request)
        return lambda body, tenant: read(sent(body), version, tenant.students, tenant.name)

    def _put(self, request: Request, version: str) -> ReadBody:
        if [name for name, _ in request.query_params.multi_items()] != ["statementId"]:
            raise NotTaken(400, "unreadable", "PUT has one parameter, statementId", rule="parameters")
        read, sent, id_ = self._readers.statements.put, _unpacking(request), request.query_params["statementId"]
        return lambda body, tenant: read(sent(body), version, tenant.students, tenant.name, id_)

    async def _answer(
        self, request: Request, read: ReadBody, content_types: tuple[str, ...], other_type: int = 415
    ) -> Response:
        began_s, name = monotonic(), ""
        try:
            tenant = self._tenant_of(request)
            name = tenant.name
            _require_type(request, content_types, other_type)
            self._rates.take(tenant, 0)
            with self._room.share(name) as share:
                batch = await self._read(request, share, lambda body: read(body, tenant))
                self._rates.take(tenant, len(batch.records))
                await self._send(batch, tenant)
        except NotTaken as refused:
            return self._refuse(request, refused, name, began_s)
        except ClientDisconnect:
            self._note(request, "gone", _CLIENT_IS_GONE, name, began_s)
            return Response(status_code=_CLIENT_IS_GONE)
        self._metrics.events.add(name, batch.events)
        self._metrics.refused.add(name, batch.refused)
        outcome: GatewayOutcome = "taken" if not batch.refused else "partial" if batch.records else "unreadable"
        self._note(request, outcome, batch.status, name, began_s, batch.events)
        return Response(status_code=204) if batch.answer is None else JSONResponse(batch.answer, batch.status)

    def _tenant_of(self, request: Request) -> Tenant:
        key = given_token(request.headers.get("Authorization", ""))
        tenant = self._tenants.of_gateway_key(key) if key else None
        if tenant is None:
            raise NotTaken(401, "key", "a key of a tenant is needed: Authorization, as Bearer or as Basic's password")
        return tenant

    async def _read(self, request: Request, share: RoomShare, read: Callable[[bytes], TakenBatch]) -> TakenBatch:
        body = await read_body(request, share, self._limits)
        share.grow(len(body) + BYTES_A_COMMA * body.count(b","))
        self._metrics.received_bytes.add(len(body))
        return read(body) if len(body) <= _AT_ONCE_BYTES else await asyncio.to_thread(read, body)

    async def _send(self, batch: TakenBatch, tenant: Tenant) -> None:
        began_s = monotonic()
        await self._sender.send(list(self._placement.placed(batch.records, tenant)))
        self._metrics.ack_s.observe(monotonic() - began_s)

    def _measure_room(self) -> None:
        room = self._room.size_bytes
        self._metrics.held_bytes.set(room.used)
        self._metrics.tenant_held_bytes.replace({(tenant,): held for tenant, held in room.held.items()})

    def _refuse(self, request: Request, refused: NotTaken, tenant: str, began_s: float) -> Response:
        self._note(request, refused.outcome, refused.status, tenant, began_s)
        return JSONResponse(refused.answer, refused.status, refused.headers)

    def _note(
        self, request: Request, outcome: GatewayOutcome, status: int, tenant: str, began_s: float, events: int = 0
    ) -> None:
        """The access log has neither an address nor a parameter, nor anything that the body says."""
        self._metrics.requests.add(outcome)
        if tenant:
            self._metrics.tenant_requests.add(tenant, outcome)
        took_ms = (monotonic() - began_s) * 1_000
        _log.info(
            "%s %s %d, %s: tenant %s, %d events, %.0f ms",
            request.method,
            request.url.path,
            status,
            outcome,
            tenant or "unknown",
            events,
            took_ms,
            extra={"status": status, "outcome": outcome, "tenant": tenant, "events": events, "ms": round(took_ms, 1)},
        )


def _unpacking(request: Request) -> Callable[[bytes], SentBody]:
    content_type = request.headers.get("Content-Type", "")
    return lambda body: sent_body(content_type, body)


def _require_type(request: Request, wanted: tuple[str, ...], status: int) -> None:
    said = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if said not in wanted:
        raise NotTaken(status, "unreadable", f"Content-Type has to be {' or '.join(wanted)}", rule="content_type")
