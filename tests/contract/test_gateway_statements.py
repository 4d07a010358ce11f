"""The rules of xAPI that the gateway claims to hold, of a statement itself: each one, be it about what is read or not.

What is claimed of the Statement resource (headers, parameters, ids, sizes) is in tests/agents/test_gateway.py.
"""

from contextlib import suppress
from copy import deepcopy
from typing import Any, Final

import orjson
import pytest

from agents.gateway.batches import TakenBatch
from agents.gateway.multipart import SentBody
from agents.gateway.refusal import NotTaken
from agents.gateway.statements import Statements
from schemas.dialects.bounds import DEFAULT_BOUNDS
from schemas.dialects.mapping import NO_MAPPING
from tests.contract.test_xapi_rules import ACCEPTED, REJECTED, TOLERATED
from tests.contract.xapi_statements import statement

STATEMENTS: Final = Statements(NO_MAPPING, DEFAULT_BOUNDS)
BROKEN: Final = {**REJECTED, **TOLERATED}


def posted(document: Any, version: str) -> TakenBatch:
    return STATEMENTS.posted(SentBody(orjson.dumps(document)), version, "", "north")


def versions_of(document: dict[str, Any]) -> list[str]:
    """Those of requests that may bring it."""
    version = document.get("version")
    return ["1.0", "2.0"] if not isinstance(version, str) else ["2.0"] if version.startswith("2.") else ["1.0"]


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED)
def test_a_statement_that_keeps_the_rules_is_taken_in_a_request_of_its_version(change: dict[str, Any]) -> None:
    document = deepcopy(statement(**change))
    for attachment in document.get("attachments", ()):  # contents: tests/contract/test_gateway_attachments.py
        attachment.setdefault("fileUrl", "https://school.example/drawing.png")
    taken = []
    for version in versions_of(document):
        with suppress(NotTaken):  # what says no version may be of one alone
            taken += posted(document, version).answer

    assert taken


@pytest.mark.parametrize(("change", "names"), BROKEN.values(), ids=BROKEN)
def test_a_statement_that_breaks_a_rule_is_refused_by_it(change: dict[str, Any], names: str) -> None:
    document: Any = statement(**change) if change else 5
    with pytest.raises(NotTaken) as refused:
        posted([document], versions_of(document)[0] if change else "1.0")

    rule = names.partition(" at ")[0] if change else "not_json"
    assert (refused.value.status, refused.value.more) == (400, {"statement": 0, "rule": rule})


def test_what_a_statement_says_is_stored_to_the_byte_but_for_its_version_and_id() -> None:
    said = b'{ "id": "6d1f033b-3f70-458c-b53a-e6bb63cbaef9" ,"version":"1.0.0",' + orjson.dumps(statement(id=None))[1:]

    [record] = STATEMENTS.posted(SentBody(b" [" + said + b" ] "), "1.0", "", "north").records

    assert orjson.loads(record.value) == orjson.loads(said)
    assert record.value.endswith(said[-200:])
