"""What programs may send to a gateway over HTTP, as one OpenAPI 3.1 document: paths, keys, answers, examples.

What a statement, an envelope or an event says is their own standards'; here is around it what is asked and answered.
"""

from importlib.metadata import version as version_of
from typing import Any, Final

from schemas.contract.openapi_parts import JSON_MEDIA, NDJSON_MEDIA, RETRY, object_of, ref

_VERSION: Final = "X-Experience-API-Version"
_STATEMENT: Final = {
    "id": "6d1f033b-3f70-458c-b53a-e6bb63cbaef9",
    "actor": {"account": {"homePage": "https://north.example/", "name": "ada"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
    "object": {"id": "https://north.example/items/3"},
}
_ENVELOPE: Final = {
    "sensor": "https://north.example/sensor",
    "sendTime": "2026-03-02T12:00:01.000Z",
    "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p1",
    "data": [
        {
            "@context": "http://purl.imsglobal.org/ctx/caliper/v1p1",
            "id": "urn:uuid:e05aa883-acaf-40ad-bf54-02c8ce485fb0",
            "type": "AssessmentEvent",
            "actor": {"id": "https://north.example/ada", "type": "Person"},
            "action": "Started",
            "object": {"id": "https://north.example/quizzes/1", "type": "Assessment"},
            "eventTime": "2026-03-02T12:00:00.000Z",
        }
    ],
}
_EVENTS: Final = (
    '{"version":1,"type":"attempt","event_id":"e1","student_id":"https://north.example/ada",'
    '"time":"2026-01-05T09:00:00Z","item_id":"fractions-3","score":0.9}\n'
)
_COUNT: Final = {"type": "integer", "minimum": 0}
_SAID: Final = {
    400: ("Unreadable", "A rule is broken: `rule` names it, and `statement` or `datum` which one, from 0."),
    401: ("NoKey", "No key of any tenant."),
    403: ("ForeignStudent", "A student of another tenant."),
    408: ("Slow", "The body was not there in time."),
    413: ("TooLarge", "Too many bytes, events or attachments."),
    415: ("OtherType", "Another Content-Type, or packed by another coding than gzip."),
    429: ("Busy", "No room, or more events a second than the tenant's: send it again, as it was."),
    503: ("Unavailable", "Kafka did not acknowledge. It may be stored all the same: send it again, as it was."),
}
_REASONS: Final = (
    "key", "foreign_student", "unreadable", "too_large", "busy", "rate", "slow", "unavailable", "failed",
)  # fmt: skip


def gateway_openapi() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "skillstream gateway",
            "version": version_of("skillstream"),
            "description": "Events over HTTP. What is answered with 2xx is on Kafka, acknowledged by all replicas in "
            "sync. Bodies may be packed (Content-Encoding: gzip).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:6080", "description": "SKILLSTREAM_GATEWAY_HOST, _GATEWAY_PORT."}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": _security(),
            "responses": {name: _refusal(status, said) for status, (name, said) in _SAID.items()},
        },
    }


def _paths() -> dict[str, Any]:
    caliper = {JSON_MEDIA: {"schema": ref("schemas", "Envelope"), "example": _ENVELOPE}}
    items = {NDJSON_MEDIA: {"schema": {"type": "string", "description": "A record a line."}, "example": _EVENTS}}
    return {
        "/xapi/statements": {
            "parameters": [_VERSION_PARAMETER],
            "post": _statements("Store statements, all or none.", "Statements", {"200": _answer("Their ids.", "Ids")}),
            "put": {
                "parameters": [_STATEMENT_ID],
                **_statements("Store one statement.", "Statement", {"204": {"description": "It is stored."}}),
            },
        },
        "/xapi/about": _get("The versions of xAPI.", object_of("version"), versioned=True),
        "/caliper": {"post": _taking("Store an envelope's data, all or none.", caliper, {"200": _answer("", "Taken")})},
        "/events": {
            "post": _taking(
                "Store records, each by itself.",
                items,
                {
                    "200": _answer("All are stored.", "TakenLines"),
                    "207": _answer("Some are stored; `errors` names the others by line, from 1.", "TakenLines"),
                    "400": _answer("None is stored.", "TakenLines", "Refusal"),
                },
            )
        },
        "/openapi.json": _get("This document.", object_of("openapi", "paths")),
        "/live": _get("Whether only a restart helps; 503 then.", object_of("live"), also=("503",)),
        "/ready": _get("Whether a broker that has the topic answers.", object_of("ready"), also=("503",)),
        "/metrics": {
            "get": {
                "summary": "Metrics (docs/metrics.md).",
                "security": [{"operatorToken": []}, {}],
                "responses": {
                    "200": {"description": "", "content": {"text/plain": {"schema": {"type": "string"}}}},
                    **{str(status): ref("responses", _SAID[status][0]) for status in (401, 403)},
                },
            }
        },
    }


_VERSION_PARAMETER: Final = {
    "name": _VERSION,
    "in": "header",
    "required": True,
    "description": "Of the request, and of statements that say none.",
    "schema": {"type": "string", "pattern": "^(1\\.0|2\\.0)(\\.[0-9]{1,4})?$"},
    "example": "1.0.3",
}
_STATEMENT_ID: Final = {
    "name": "statementId",
    "in": "query",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "example": _STATEMENT["id"],
}


def _statements(summary: str, schema: str, answers: dict[str, Any]) -> dict[str, Any]:
    mixed = "The same, and behind it contents of attachments: checked, and not stored."
    content = {
        JSON_MEDIA: {"schema": ref("schemas", schema), "example": _STATEMENT},
        "multipart/mixed": {"schema": {"type": "string", "description": mixed}},
    }
    operation = _taking(summary, content, answers)
    for answer in operation["responses"].values():
        if "$ref" not in answer:
            answer["headers"] = _VERSIONED
    return operation


_VERSIONED: Final = {_VERSION: {"required": True, "schema": {"enum": ["1.0.3", "2.0.0"]}}}


def _taking(summary: str, content: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    refusals = {str(status): ref("responses", name) for status, (name, _) in _SAID.items()}
    return {
        "summary": summary,
        "security": [{"gatewayKey": []}, {"gatewayPassword": []}],
        "requestBody": {"required": True, "content": content},
        "responses": {**refusals, **answers},
    }


def _get(
    summary: str, schema: dict[str, Any], *, also: tuple[str, ...] = (), versioned: bool = False
) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": summary, "content": {JSON_MEDIA: {"schema": schema}}}
    if versioned:
        answer["headers"] = _VERSIONED
    return {"get": {"summary": summary, "security": [], "responses": dict.fromkeys(("200", *also), answer)}}


def _answer(said: str, *schemas: str) -> dict[str, Any]:
    refs = [ref("schemas", name) for name in schemas]
    return {"description": said, "content": {JSON_MEDIA: {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}}}


def _refusal(status: int, said: str) -> dict[str, Any]:
    return {**_answer(said, "Refusal"), **({"headers": RETRY} if status in (429, 503) else {})}


def _security() -> dict[str, Any]:
    return {
        "gatewayKey": {"type": "http", "scheme": "bearer", "description": "A key of a tenant (docs/gateway.md)."},
        "gatewayPassword": {"type": "http", "scheme": "basic", "description": "The same as password, under any name."},
        "operatorToken": {"type": "http", "scheme": "bearer", "description": "SKILLSTREAM_WEB_TOKEN"},
    }


def _schemas() -> dict[str, Any]:
    statement = ref("schemas", "Statement")
    refused = {"type": "object", "required": ["line", "reason", "error"], "properties": {"line": {"type": "integer"}}}
    return {
        "Statement": {**object_of("actor", "verb", "object"), "description": "Of xAPI 1.0.3 or 2.0 (IEEE 9274.1.1)."},
        "Statements": {"oneOf": [statement, {"type": "array", "items": statement, "maxItems": 10_000}]},
        "Envelope": {
            **object_of("data"),
            "description": "Of IMS Caliper 1.1 or 1.2.",
            "properties": {"data": {"type": "array", "minItems": 1, "maxItems": 10_000}},
        },
        "Ids": {"type": "array", "items": {"type": "string", "format": "uuid"}},
        "Taken": {**object_of("events"), "properties": {"events": _COUNT}},
        "TakenLines": {
            **object_of("taken", "refused", "errors"),
            "properties": {"taken": _COUNT, "refused": _COUNT, "errors": {"type": "array", "items": refused}},
        },
        "Refusal": {
            **object_of("error", "reason"),
            "properties": {"error": {"type": "string"}, "reason": {"enum": [*_REASONS]}, "rule": {"type": "string"}},
        },
    }
