"""What programs may ask a worker over HTTP, as one OpenAPI 3.1 document: paths, roles, answers, examples.

Pages for people and those by which workers ask each other are not in it.
"""

from collections.abc import Mapping
from importlib.metadata import version as version_of
from typing import Any, Final, Literal

import msgspec

from schemas import examples
from schemas.contract.json_schemas import cleaned
from schemas.contract.openapi_parts import JSON_MEDIA, NDJSON_MEDIA, RETRY, object_of, ref
from schemas.event import MAX_IDENTIFIER_CHARS
from schemas.explanation import Explanation
from schemas.history import SkillHistory
from schemas.inference import AnswerFailure, AnswerSummary, InferenceRequest, InferredUpdate, ItemError
from schemas.student_answer import QueryRefusal, StudentAnswer

AskingRole = Literal["operator", "reader", "inference"]
_TYPES: Final[tuple[Any, ...]] = (
    StudentAnswer,
    SkillHistory,
    Explanation,
    QueryRefusal,
    InferenceRequest,
    InferredUpdate,
    ItemError,
    AnswerSummary,
    AnswerFailure,
)
TOKEN_SETTINGS: Final[Mapping[AskingRole, str]] = {
    "operator": "SKILLSTREAM_WEB_TOKEN",
    "reader": "SKILLSTREAM_READER_TOKEN",
    "inference": "SKILLSTREAM_INFERENCE_TOKEN",
}
_SIGNED: Final = ("operator", "reader")
"""Roles that people have, who sign in; the third is for programs."""
_STUDENT: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The student's id, percent-encoded as a whole: slashes too.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDENTIFIER_CHARS},
    "example": "ada",
}
_ONTO: Final = {
    "name": "onto",
    "in": "query",
    "description": "What events are folded onto: an empty row, or a copy of the student's.",
    "schema": {"enum": ["empty", "stored"], "default": "empty"},
}
_ITEMS: Final = (
    '{"version":1,"type":"attempt","event_id":"e1","student_id":"eve","time":"2026-01-05T09:00:00Z",'
    '"item_id":"fractions-3","score":0.9}\n'
)
_LISTS: Final = ("students", "events")
"""A document has one of them."""
_STREAMED: Final = {
    "description": "One line a student or bad item, then a summary; without one the answer was cut off.",
    "type": "string",
}
_LOCATION: Final = {
    "Content-Location": {
        "description": "Only where it was asked for by another id (`identities`): the path by the student's own.",
        "schema": {"type": "string"},
    }
}


def openapi() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "skillstream",
            "version": version_of("skillstream"),
            "description": "What a worker answers over HTTP. Any worker may be asked about any student: it asks "
            "the one that owns the student's partition.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:6066", "description": "A worker (SKILLSTREAM_WEB_HOST, _WEB_PORT)."}],
        "paths": _paths(),
        "components": {"schemas": _schemas(), "securitySchemes": _security(), "responses": _refusals()},
    }


def _paths() -> dict[str, Any]:
    return {
        "/live": _get("Whether only a restart helps; 503 then.", None, object_of("live"), also=(503,)),
        "/ready": _get("Whether it does its job.", None, object_of("ready", "down"), also=(503,)),
        "/openapi.json": _get("This document.", None, object_of("openapi", "paths")),
        "/health": _get("The state, and what is wrong.", "operator", object_of("status", "problems"), also=(503,)),
        "/health/detailed": _get(
            "Every component with its reason, and the lag.", "operator", object_of("status", "components"), also=(503,)
        ),
        "/metrics": _get("Metrics (docs/metrics.md).", "operator", {"type": "string"}, media="text/plain"),
        "/dialects/seen": _get("Names that no table knows.", "operator", object_of("names")),
        "/worker/figures": _get("What this worker says of itself.", "operator", object_of("worker", "health", "lag")),
        "/group/figures": _get(
            "What all workers say; who does not answer is `away`, and in `partial`.",
            "operator",
            object_of("workers", "partial", "unowned", "problem"),
        ),
        "/students/{id}": _of_student(
            "The newest scores, and what they were made of.", "StudentAnswer", examples.STUDENT_ANSWER
        ),
        "/students/{id}/history": _of_student(
            "Scores by week, up to 52, the one under way last.", "SkillHistory", examples.STUDENT_HISTORY
        ),
        "/students/{id}/explanation": _of_student(
            "The last explanation, as it was published.", "Explanation", examples.EXPLANATION
        ),
        "/inference/batch": {"post": _inference()},
    }


def _get(
    summary: str,
    role: AskingRole | None,
    schema: dict[str, Any],
    *,
    media: str = JSON_MEDIA,
    also: tuple[int, ...] = (),
) -> dict[str, Any]:
    answer = {"description": summary, "content": {media: {"schema": schema}}}
    responses = {"200": answer, **{str(status): answer for status in also}}
    return {"get": {"summary": summary, **_allowed(role, responses)}}


def _of_student(summary: str, type_: str, example: Any) -> dict[str, Any]:
    content = {
        JSON_MEDIA: {"schema": ref("schemas", type_), "example": msgspec.json.decode(msgspec.json.encode(example))}
    }
    refused = {str(status): ref("responses", name) for status, name in _REFUSALS.items()}
    responses = {"200": {"description": summary, "headers": _LOCATION, "content": content}, **refused}
    return {"parameters": [_STUDENT], "get": {"summary": summary, **_allowed("reader", responses)}}


def _inference() -> dict[str, Any]:
    summary = "Score many students, or events that are not stored (docs/inference.md)."
    responses = {
        "200": {"description": summary, "content": {NDJSON_MEDIA: {"schema": _STREAMED}}},
        **{str(status): {"description": said} for status, said in _NOT_SCORED.items()},
    }
    body = {
        "required": True,
        "content": {
            NDJSON_MEDIA: {"schema": {"type": "string", "description": "An id or an event a line."}, "example": _ITEMS},
            JSON_MEDIA: {
                "schema": {**ref("schemas", "InferenceRequest"), "oneOf": [{"required": [name]} for name in _LISTS]},
                "example": {"students": ["ada"]},
            },
        },
    }
    return {"summary": summary, "parameters": [_ONTO], "requestBody": body, **_allowed("inference", responses)}


def _allowed(role: AskingRole | None, responses: dict[str, Any]) -> dict[str, Any]:
    """With who may ask, and what others are answered."""
    if role is None:
        return {"security": [], "responses": responses}
    security: list[dict[str, list[str]]] = [{f"{role}Token": []}]
    if role in _SIGNED:
        security.append({f"{role}Session": []})
    if role == "operator":
        security.append({})  # nothing: on the worker's own machine, while no token is set
    refused = {str(status): ref("responses", name) for status, name in _CLOSED.items()}
    return {"security": security, "responses": {**responses, **refused}}


_CLOSED: Final = {401: "NoToken", 403: "WrongRole", 429: "TooMany"}
_REFUSALS: Final = {400: "NoId", 404: "Unknown", 410: "Erased", 503: "Unavailable"}
_NOT_SCORED: Final = {
    400: "The request cannot be read.",
    408: "The body, or a reader of the answer, was too slow.",
    413: "More items or bytes than are allowed.",
    415: "Neither NDJSON nor JSON, or compressed.",
    503: "It was not scored in time, or the process that scores ended.",
}
_SAID: Final = {
    "NoToken": "No token, or a wrong one.",
    "WrongRole": "The token is another role's, or the role has none.",
    "TooMany": "Too many wrong tokens from this address; of inference, too many requests under way.",
    "NoId": "No id: not UTF-8, or too long.",
    "Unknown": "No such student, or nothing was explained of them yet.",
    "Erased": "The student was erased.",
    "Unavailable": "The student's worker is away (`partial` names it), restores, or is late.",
}


def _refusals() -> dict[str, Any]:
    content = {JSON_MEDIA: {"schema": ref("schemas", "QueryRefusal")}}
    return {
        name: {
            "description": said,
            "content": content,
            **({"headers": RETRY} if name in ("TooMany", "Unavailable") else {}),
        }
        for name, said in _SAID.items()
    }


def _security() -> dict[str, Any]:
    tokens = {
        f"{role}Token": {"type": "http", "scheme": "bearer", "description": setting}
        for role, setting in TOKEN_SETTINGS.items()
    }
    sessions = {
        f"{role}Session": {
            "type": "apiKey",
            "in": "cookie",
            "name": f"skillstream_{role}",
            "description": "Of people who signed in at /sign-in.",
        }
        for role in _SIGNED
    }
    return {**tokens, **sessions}


def _schemas() -> dict[str, Any]:
    _, components = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    return dict(cleaned(components))
