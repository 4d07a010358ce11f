"""The OpenAPI document is valid, its examples are, and it has just the pages that programs may ask."""

from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from schemas.contract.openapi import openapi
from tests.agents.student_pages import Students, start
from tests.agents.worker_group import members

DOCUMENT: Final = openapi()
_FOR_PEOPLE: Final = {"/", "/student", "/sign-in", "/sign-out"}
_ELSEWHERE: Final = {"/inference/batch"}
"""Asked of a worker that runs: tests/agents/test_openapi_answered.py."""


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Of a schema of the document, whose references are within it."""
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_it_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if path.startswith("/students")])
def test_an_example_of_an_answer_is_one(path: str) -> None:
    content = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]

    assert list(validator(content["schema"]).iter_errors(content["example"])) == []
    assert list(validator(content["schema"]).iter_errors({"student_id": "ada"})) != []


def role_of(operation: dict[str, Any]) -> str:
    schemes = [name for allowed in operation["security"] for name in allowed]
    return schemes[0].removesuffix("Token") if schemes else "open"


async def test_it_has_all_pages_that_programs_may_ask_with_their_roles_and_no_others() -> None:
    async with members() as group:
        a = await start(group, "a", Students(), 0)
        served = {page.path: page.role for page in a.server.pages if page.path not in _FOR_PEOPLE}
    described = {
        path: role_of(operation)
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post") and path not in _ELSEWHERE
    }

    assert described == served
