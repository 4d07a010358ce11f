"""A statement comes to the same, be it read from its bytes, as usual ones are, or from what they were parsed to."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import orjson
import pytest
from hypothesis import given

from schemas.dialects import Decoded, Dialects, Invalid, native
from schemas.dialects.xapi import Xapi
from schemas.errors import InvalidInput
from tests.contract.mutations import mutated
from tests.contract.test_xapi_kinds import OUTCOMES
from tests.contract.test_xapi_statements import JSON, VALID
from tests.contract.xapi_statements import BEN, CLASS, ITEM, statement
from tests.events import record
from tests.fuzz.mutation import places

DIALECTS: Final = Dialects()
PROGRESS: Final = "https://w3id.org/xapi/video/extensions/progress"
RICH: Final = statement(
    version="1.0.3",
    result={"score": {"raw": 1, "max": 2}, "extensions": {PROGRESS: 0.5}},
    context={"contextActivities": {"parent": {"id": ITEM}}, "extensions": {"urn:a": [{"b": 1}]}},
    attachments=[
        {"usageType": "urn:a", "display": {"en": "a"}, "contentType": "text/plain", "length": 1, "sha2": "00" * 32}
    ],
)
TOKENS: Final = (
    *(b"null", b"NaN", b"Infinity", b"1e309", b"1e-400", b"-0", b"01", b"1.", b"1.0", b"1e2"),
    *(b"%d" % number for number in (2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**307, 10**308, 10**309, -(10**309))),
    b"9" * 5_000,
    b'[{"a":' + b"9" * 309 + b"}]",
    *(rb'"\ud800"', rb'"\udc00"', rb'"\ud83d\ude00"', rb'"\u0000"', rb'"\x"', b'"\x00"', b'"\xff"', b'"\xed\xa0\x80"'),
    *(b'{"id":"urn:a","id":1}', b'{"id":1,"id":"urn:a"}', b'{"en":"a","en":"b"}', b'{"urn:a":1,"urn:a":2,}'),
    *(b"[" * depth + b"]" * depth for depth in (200, 300)),
)


def from_bytes(value: bytes) -> list[list[Any]]:
    return said(DIALECTS.decode(record(value)))


def from_parsed(value: bytes) -> list[list[Any]]:
    one = record(value)
    try:
        readable = native.require_readable(value)
    except InvalidInput as error:
        return said(Decoded(invalid=(Invalid(error.reason, str(error), "native"),)))
    return said(DIALECTS.decode_parsed(readable, one))


def said(decoded: Decoded) -> list[list[Any]]:
    return [list(part) for part in (decoded.events, decoded.invalid, decoded.ignored, decoded.parts, decoded.tolerated)]


def with_each_part_replaced(document: Any) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """For each property and element: what is before its value, the value, what is after it; and its name, if any."""
    whole = [deepcopy(document)]
    for holder, key in places(whole):
        part, holder[key] = holder[key], "here"
        before, _, after = orjson.dumps(whole[0]).partition(b'"here"')
        holder[key] = part
        yield before, orjson.dumps(part), after, orjson.dumps(key) + b":" if isinstance(holder, dict) else b""


def test_every_kind_of_valid_statement() -> None:
    for value in map(orjson.dumps, VALID):
        assert from_bytes(value) == from_parsed(value)


@given(mutated(VALID, JSON))
def test_a_mutated_statement(document: Any) -> None:
    value = orjson.dumps(document)
    assert from_bytes(value) == from_parsed(value)


@pytest.mark.parametrize("without", [(), ("attachments",), ("attachments", "id")])
def test_what_parsers_disagree_about_wherever_it_is(without: tuple[str, ...]) -> None:
    document = {name: part for name, part in RICH.items() if name not in without}
    for before, part, after, name in with_each_part_replaced(document):
        for token in TOKENS:
            assert from_bytes(before + token + after) == from_parsed(before + token + after)
            if name:  # said twice
                for first, second in ((token, part), (part, token)):
                    value = before + first + b"," + name + second + after
                    assert from_bytes(value) == from_parsed(value)


def test_what_another_dialect_claims() -> None:
    said_besides = (
        {"specversion": "1.0"},
        {"@context": "http://purl.imsglobal.org/ctx/caliper/v1p1"},
        {"eventTime": "2026-03-02T11:00:00.000Z", "action": "Used"},
        {"sensor": "urn:a", "data": []},
        {"type": "attempt", "version": 1},
    )
    for besides in said_besides:
        value = orjson.dumps({**statement(), **besides})
        assert from_bytes(value) == from_parsed(value)


def test_a_usual_statement_is_read_from_its_bytes_and_no_other_one() -> None:
    usual = [one for one, *_ in OUTCOMES.values() if one["object"].get("objectType", "Activity") == "Activity"]
    assert len(usual) > len(OUTCOMES) // 2
    for one in usual:
        value = orjson.dumps(one)
        found = Xapi().try_decode(value, record(value))
        assert found is not None
        assert said(found) == from_parsed(value)
    for other in (
        RICH,
        statement(object=BEN),
        statement(object=CLASS),
        statement(verb={"id": "no IRI"}),
        [statement()],
    ):
        value = orjson.dumps(other)
        assert Xapi().try_decode(value, record(value)) is None
