"""The gateway's OpenAPI document: every route against every key and method, each example, and whatever it allows."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, cast

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from agents.gateway.app import GatewayPages, gateway_routes
from agents.gateway.doors import Doors
from schemas.contract.gateway_openapi import gateway_openapi
from tests.gateways import NDJSON, NORTH_KEY, Answered, Opened, bearer, opened

DOCUMENT: Final = gateway_openapi()
TOKEN: Final = "a-token-of-the-operators-23"
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
CALLERS: Final[Mapping[str, Mapping[str, str]]] = {
    "nobody": {},
    "a wrong key": bearer("skg_unknown"),
    "an empty key": bearer(""),
    "a tenant": bearer(NORTH_KEY),
    "an operator": bearer(TOKEN),
}
ADMITTED: Final[Mapping[str, frozenset[str]]] = {
    "/xapi/statements": frozenset({"a tenant"}),
    "/caliper": frozenset({"a tenant"}),
    "/events": frozenset({"a tenant"}),
    "/metrics": frozenset({"an operator"}),
    **dict.fromkeys(("/xapi/about", "/openapi.json", "/live", "/ready"), frozenset(CALLERS)),
}
OPERATIONS: Final = [
    (path, method)
    for path, operations in DOCUMENT["paths"].items()
    for method in ("get", "post", "put")
    if method in operations
]
WITHOUT_LINES: Final = deepcopy(DOCUMENT)
"""Schemathesis writes no NDJSON: its lines are made here."""
del WITHOUT_LINES["paths"]["/events"]["post"]["requestBody"]
EXAMPLE: Final[str] = DOCUMENT["paths"]["/events"]["post"]["requestBody"]["content"]["application/x-ndjson"]["example"]
LINES: Final = st.one_of(st.just(EXAMPLE.encode()), st.binary(max_size=64), st.just(b"{}"), st.just(b""))
_MANY: Final = 25


@pytest.fixture
async def running(broker: str, tmp_path: Path) -> AsyncIterator[Opened]:
    async with opened(broker, tmp_path, web_token=TOKEN) as gateway:
        yield gateway


def methods_of(path: str) -> set[str]:
    """Those of the document; what can be read can be asked for by HEAD."""
    found = {method.upper() for method in DOCUMENT["paths"][path] if method != "parameters"}
    return found | ({"HEAD"} if "GET" in found else set())


async def asked(running: Opened, path: str, method: str, headers: Mapping[str, str]) -> Answered:
    """What is answered to the document's own example."""
    item = DOCUMENT["paths"][path]
    operation = item.get(method.lower(), {})
    parameters = (*item.get("parameters", ()), *operation.get("parameters", ()))
    given_ = {where: {each["name"]: each["example"] for each in parameters if each["in"] == where} for where in
              ("query", "header")}  # fmt: skip
    query = "&".join(f"{name}={value}" for name, value in given_["query"].items())
    content = operation.get("requestBody", {}).get("content", {})
    media = next(iter(content), None)
    example = content[media]["example"] if media else None
    body = example.encode() if isinstance(example, str) else None if example is None else orjson.dumps(example)
    sent = {**headers, **given_["header"], **({"Content-Type": media} if media else {})}
    return await running.request(method, f"{path}?{query}" if query else path, body, sent)


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_it_has_every_route_and_no_other() -> None:
    class Anything:
        def __getattr__(self, name: str) -> object:
            return lambda request: None

    routes = gateway_routes(cast(Doors, Anything()), cast(GatewayPages, Anything()))

    assert {route.path: route.methods for route in routes} == {path: methods_of(path) for path in DOCUMENT["paths"]}
    assert set(ADMITTED) == set(DOCUMENT["paths"])


async def test_each_route_admits_its_keys_by_its_methods_and_nobody_else(running: Opened) -> None:
    found, expected = {}, {}
    for path, admitted in ADMITTED.items():
        for method in METHODS:
            for caller, headers in CALLERS.items():
                answer = await asked(running, path, method, headers)
                found[path, method, caller] = answer.status
                good = 204 if method == "PUT" else 200
                allowed = good if caller in admitted else 401
                expected[path, method, caller] = allowed if method in methods_of(path) else 405

    assert found == expected


async def test_each_example_is_answered_as_the_document_says(running: Opened) -> None:
    for path, method in OPERATIONS:
        caller = "an operator" if path == "/metrics" else "a tenant"
        answer = await asked(running, path, method.upper(), CALLERS[caller])
        described = DOCUMENT["paths"][path][method]["responses"][str(answer.status)]
        schema = described.get("content", {}).get("application/json", {}).get("schema", {})
        errors = list(
            Draft202012Validator({**schema, "components": DOCUMENT["components"]}).iter_errors(answer.document)
        )

        assert (answer.status < 300, errors) == (True, []), (path, method)
        if path == "/openapi.json":
            assert answer.document == DOCUMENT


@pytest.mark.long
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
async def test_whatever_is_asked_is_answered_as_the_document_says(running: Opened, path: str, method: str) -> None:
    operation: Any = schemathesis.openapi.from_dict(WITHOUT_LINES)[path][method.upper()]
    headers = CALLERS["an operator" if path == "/metrics" else "a tenant"]
    # What is valid here may break a standard's rule: which documents do is told by those, and by no schema of ours.
    excluded: list[Any] = [schemathesis.checks.positive_data_acceptance] if method != "get" else []

    lines = st.none() if path != "/events" else st.lists(LINES, max_size=3).map(b"\n".join)

    @given(case=st.one_of(*(operation.as_strategy(mode) for mode in schemathesis.GenerationMode)), sent=lines)
    @settings(max_examples=_MANY, suppress_health_check=list(HealthCheck), deadline=None)
    def ask(case: Any, sent: bytes | None) -> None:
        kept = {} if sent is None else {"data": sent}
        said = {**headers, **(NDJSON if sent is not None else {})}
        case.call_and_validate(base_url=running.gateway.url, headers=said, excluded_checks=excluded, **kept)

    await asyncio.to_thread(ask)
