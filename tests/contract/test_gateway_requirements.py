"""ADL's numbered requirements on an LRS (xAPI 1.0.3): each that needs no read is held by a test, or said not to be.

ADL's own suite reads back what it writes, so it cannot run against what has no reads. Its numbers can: docs/gateway.md
says how many of them are held, and which are not, and is held to this file.
"""

import ast
import re
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from agents.gateway.multipart import SentBody
from agents.gateway.refusal import NotTaken
from tests.contract.test_gateway_attachments import REFUSED
from tests.contract.test_gateway_statements import BROKEN, STATEMENTS, posted
from tests.contract.test_xapi_rules import REF, SUB, VOIDED, activity, context, score
from tests.contract.xapi_statements import ADA, BEN, ID, ITEM, statement

ROOT: Final = Path(__file__).parents[2]
_NUMBER: Final = re.compile(r"XAPI-00(\d{3})")
ALL: Final = frozenset(range(1, 336)) - {136}
"""There is no 136."""


def ranged(*given: int | range) -> frozenset[int]:
    return frozenset(number for each in given for number in (each if isinstance(each, range) else [each]))


OTHER_RESOURCES: Final = ranged(140, range(182, 315), 322)
"""State, agents, activities, profiles."""
READS: Final = ranged(16, 18, 96, range(108, 115), 122, 125, 126, 141, 142, range(148, 182), 332)
"""What is read back, or depends on what was stored before."""
NOT_HELD: Final[dict[int, str]] = {
    21: "of a property that is said twice the last counts, as workers read it",
    23: "`stored` is left as it was sent",
    95: "dropped from the suite: empty `contextActivities` are taken",
    97: "`stored` is left as it was sent",
    99: "`authority` is left as it was sent",
    137: "dropped from the suite: no `MIME-Version` is asked for",
    138: "dropped from the suite",
    316: "2.0.0 is named, too",
    320: "no extensions are told of",
    323: "408, 415 and 503 are answered, too",
    329: "503, so that a client sends again",
}
BY_NAME: Final = frozenset(
    int(found[1])
    for rule in (*(names for _, names in BROKEN.values()), *(rule for *_, rule in REFUSED.values()))
    if (found := _NUMBER.match(rule))
)
"""Those that a refusal names, in the tables of statements and of parts."""
UNDER_ANOTHER: Final[dict[int, dict[str, Any]]] = {
    7: {"verb": {"id": ""}},
    11: {"verb": {"id": "answered"}},
    13: activity(name={"en_US": "x"}),
    20: {"verb": VOIDED, "object": {"id": ITEM}},
    22: {"timestamp": "yesterday"},
    24: {"authority": {"objectType": "Activity", "id": "urn:x"}},
    29: {"id": ID.replace("-", "")},
    30: {"id": f"g{ID[1:]}"},
    41: {"actor": {"account": "ada"}},
    51: activity(interactionType="performance", steps={"id": "a"}),
    52: activity(interactionType="matching", target={"id": "a"}),
    53: activity(interactionType="matching", source={"id": "a"}),
    54: activity(interactionType="likert", scale={"id": "a"}),
    66: {"object": {**SUB, "verb": {}}},
    81: score(min="0"),
    89: context(revision=1),
    90: context(platform=1),
    92: context(statement={**REF, "objectType": "Activity"}),
    94: context(contextActivities={"parent": "urn:x"}),
    100: {"authority": {"objectType": "Group", "member": [ADA, BEN, ADA]}},
    124: {"result": {"duration": "P0001-01-01T00:00:00"}},
}
"""What a more exact rule refuses."""
TAKEN: Final[dict[int, dict[str, Any]]] = {
    19: {"verb": VOIDED, "object": REF},
    119: {"result": {"extensions": {"urn:a": None, "urn:b": {}, "urn:c": ""}}},
}
SPELT: Final[dict[int, bytes]] = {
    14: orjson.dumps(statement())[:-1],
    15: orjson.dumps(statement(result={"response": "?"})).replace(b"?", b"\xff"),
}
"""What no document can say."""
_GATEWAY: Final = "tests/agents/test_gateway.py"
_REFUSALS: Final = f"{_GATEWAY}#test_every_refusal_has_its_status_and_its_reason_and_stores_nothing"
_STORED: Final = f"{_GATEWAY}#test_what_is_taken_is_stored_as_records_keyed_by_their_students"
_PUT: Final = f"{_GATEWAY}#test_put_stores_the_statement_under_the_id_of_the_request"
_BYTES: Final = (
    "tests/contract/test_gateway_statements.py#"
    "test_what_a_statement_says_is_stored_to_the_byte_but_for_its_version_and_id"
)
_ABOUT: Final = f"{_GATEWAY}#test_it_says_which_versions_it_takes"
_PARTS: Final = "tests/contract/test_gateway_attachments.py#test_a_rule_of_parts_and_contents_that_is_broken_is_named"
BY_TEST: Final[dict[int, str]] = {
    2: _BYTES,
    12: _REFUSALS,
    26: f"{_GATEWAY}#test_a_statement_without_an_id_has_the_same_one_when_it_is_sent_again",
    127: _REFUSALS,
    133: _PARTS,
    139: _STORED,
    143: _PUT,
    144: _PUT,
    145: _REFUSALS,
    146: _STORED,
    147: _STORED,
    315: _ABOUT,
    317: _ABOUT,
    318: _ABOUT,
    319: _ABOUT,
    321: _REFUSALS,
    324: _REFUSALS,
    325: _REFUSALS,
    326: _REFUSALS,
    327: _REFUSALS,
    328: _REFUSALS,
    330: _BYTES,
    331: _REFUSALS,
    333: _PUT,
    334: _REFUSALS,
    335: f"{_GATEWAY}#test_a_key_may_come_as_a_password_and_a_body_packed",
}
HELD: Final = BY_NAME | UNDER_ANOTHER.keys() | TAKEN.keys() | SPELT.keys() | BY_TEST.keys()


@pytest.mark.parametrize("change", UNDER_ANOTHER.values(), ids=UNDER_ANOTHER)
def test_what_a_requirement_forbids_is_refused_by_a_more_exact_rule(change: dict[str, Any]) -> None:
    with pytest.raises(NotTaken) as refused:
        posted(statement(**change), "1.0")

    assert refused.value.status == 400


@pytest.mark.parametrize("change", TAKEN.values(), ids=TAKEN)
def test_what_a_requirement_allows_is_taken(change: dict[str, Any]) -> None:
    assert posted(statement(**change), "1.0").answer == [ID]


@pytest.mark.parametrize("sent", SPELT.values(), ids=SPELT)
def test_what_is_no_json_of_a_statement_is_refused(sent: bytes) -> None:
    with pytest.raises(NotTaken) as refused:
        STATEMENTS.posted(SentBody(sent), "1.0", "", "north")

    assert refused.value.status == 400


@pytest.mark.parametrize("named", sorted({*BY_TEST.values()}))
def test_a_test_that_is_named_is_there(named: str) -> None:
    path, _, name = named.partition("#")
    defined = ast.walk(ast.parse((ROOT / path).read_text("utf-8")))

    assert name in {each.name for each in defined if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_requirement_that_needs_no_read_is_held_or_said_not_to_be() -> None:
    assert not HELD & (NOT_HELD.keys() | READS | OTHER_RESOURCES)
    assert HELD | NOT_HELD.keys() == ALL - OTHER_RESOURCES - READS


def test_the_page_says_how_many_are_held_and_which_are_not() -> None:
    page = (ROOT / "docs/gateway.md").read_text("utf-8")
    claimed = len(HELD) + len(NOT_HELD)

    assert f"{len(ALL)} numbered requirements" in page
    assert f"{claimed} need no read and no other resource, {len(HELD)} of them are held" in page
    for number, why in NOT_HELD.items():
        assert f"| {number} | {why} |" in page
