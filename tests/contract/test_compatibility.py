"""The rules by which a change breaks somebody: pairs of a released schema and the present one."""

from typing import Any, Final

import pytest

from schemas.contract.json_schemas import json_schema
from tests.contract.compatibility import breaks

Schema = dict[str, Any]
READ, SAID = frozenset({"read"}), frozenset({"said"})
BOTH, NOBODY = READ | SAID, frozenset[str]()


def whole(required: str = "a", **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required.split()}


def of(field: Schema) -> Schema:
    return whole(a=field)


TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "number"}
WHOLE: Final = {"type": "integer"}
NULL: Final = {"type": "null"}


def pair(*places: Schema) -> Schema:
    return {"type": "array", "prefixItems": list(places), "items": False}


def union(**kinds: Schema) -> Schema:
    definitions = {name: {"title": name, **schema} for name, schema in kinds.items()}
    return {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in kinds], "$defs": definitions}


def kind(name: str, required: str = "type", **fields: Schema) -> Schema:
    return whole(required, type={"enum": [name]}, **fields)


# Each line: what changed, the released schema, the present one, and who is broken by it.
_CHANGES: Final[list[tuple[str, Schema, Schema, frozenset[str]]]] = [
    ("nothing", of(TEXT), of(TEXT), NOBODY),
    ("words", of(TEXT), {**of({**TEXT, "description": "new"}), "title": "new", "examples": [{"a": ""}]}, NOBODY),
    ("a new optional field", of(TEXT), whole(a=TEXT, b=TEXT), NOBODY),
    ("a new required field", of(TEXT), whole("a b", a=TEXT, b=TEXT), READ),
    ("a field is required now", whole(a=TEXT, b=TEXT), whole("a b", a=TEXT, b=TEXT), READ),
    ("a field is optional now", whole("a b", a=TEXT, b=TEXT), whole(a=TEXT, b=TEXT), SAID),
    ("an optional field vanished", whole(a=TEXT, b=TEXT), of(TEXT), BOTH),
    ("a required field vanished", whole("a b", a=TEXT, b=TEXT), of(TEXT), BOTH),
    ("another name", whole("a", a=TEXT), whole("b", b=TEXT), BOTH),
    ("another type", of(TEXT), of(NUMBER), BOTH),
    ("integers became numbers", of(WHOLE), of(NUMBER), SAID),
    ("numbers became integers", of(NUMBER), of(WHOLE), READ),
    ("may be null now", of(TEXT), of({"anyOf": [TEXT, NULL]}), SAID),
    ("may not be null any more", of({"anyOf": [TEXT, NULL]}), of(TEXT), READ),
    ("may be of any type now", of(TEXT), of({}), SAID),
    ("a list of types is longer", of(TEXT), of({"type": ["string", "null"]}), SAID),
    ("a new enum value", of({"enum": ["x"]}), of({"enum": ["x", "y"]}), SAID),
    ("an enum value less", of({"enum": ["x", "y"]}), of({"enum": ["x"]}), READ),
    ("an enum became any text", of({"enum": ["x"]}), of(TEXT), SAID),
    ("any text became an enum", of(TEXT), of({"enum": ["x"]}), READ),
    ("the version was raised in place", of({"enum": [1]}), of({"enum": [2]}), BOTH),
    ("an enum within bounds became them", of({"enum": [1, 2]}), of({**WHOLE, "minimum": 1}), SAID),
    ("an enum beyond bounds became them", of({"enum": [0, 1]}), of({**WHOLE, "minimum": 1}), BOTH),
    ("a lower minimum", of({**NUMBER, "minimum": 1}), of({**NUMBER, "minimum": 0}), SAID),
    ("a higher minimum", of({**NUMBER, "minimum": 0}), of({**NUMBER, "minimum": 1}), READ),
    ("a new maximum", of(NUMBER), of({**NUMBER, "maximum": 1}), READ),
    ("no maximum any more", of({**NUMBER, "maximum": 1}), of(NUMBER), SAID),
    ("longer texts", of({**TEXT, "maxLength": 9}), of({**TEXT, "maxLength": 10}), SAID),
    ("shorter texts", of({**TEXT, "minLength": 2}), of({**TEXT, "minLength": 1}), SAID),
    ("a new pattern", of(TEXT), of({**TEXT, "pattern": "^x"}), READ),
    ("another pattern", of({**TEXT, "pattern": "^y"}), of({**TEXT, "pattern": "^x"}), BOTH),
    ("no format any more", of({**TEXT, "format": "date-time"}), of(TEXT), SAID),
    ("another default", of({**WHOLE, "default": 0}), of({**WHOLE, "default": 1}), BOTH),
    ("a keyword of which nothing is known", of(TEXT), of({**TEXT, "contentEncoding": "base64"}), BOTH),
    ("another type of parts", of({"type": "array", "items": TEXT}), of({"type": "array", "items": NUMBER}), BOTH),
    ("parts of a type, of any before", of({"type": "array"}), of({"type": "array", "items": TEXT}), READ),
    ("values of a map are wider", of({"additionalProperties": WHOLE}), of({"additionalProperties": NUMBER}), SAID),
    ("unknown fields are refused now", of(TEXT), {**of(TEXT), "additionalProperties": False}, READ),
    ("a tuple is longer", of(pair(TEXT)), of(pair(TEXT, TEXT)), BOTH),
    ("a place of a tuple is wider", of(pair(WHOLE, TEXT)), of(pair(NUMBER, TEXT)), SAID),
    ("a tuple may go on", of(pair(TEXT)), of({**pair(TEXT), "items": True}), SAID),
    ("a new kind of event", union(X=kind("x")), union(X=kind("x"), Y=kind("y")), SAID),
    ("a kind of event less", union(X=kind("x"), Y=kind("y")), union(X=kind("x")), READ),
    (
        "a new required field of one kind",
        union(X=kind("x"), Y=kind("y", b=TEXT)),
        union(X=kind("x"), Y=kind("y", "type b", b=TEXT)),
        READ,
    ),
    ("a type has another name", union(X=kind("x", b=TEXT)), union(Z=kind("x", b=TEXT)), NOBODY),
]


@pytest.mark.parametrize(
    ("released", "present", "broken"), [change[1:] for change in _CHANGES], ids=[c[0] for c in _CHANGES]
)
def test_a_change_breaks_whom_it_should(released: Schema, present: Schema, broken: frozenset[str]) -> None:
    found = {"read": breaks(released, present, "read"), "said": breaks(released, present, "said")}

    assert {direction for direction, said in found.items() if said} == broken, found
    assert bool(breaks(released, present, "both")) == bool(broken)


def test_what_breaks_is_said_with_its_place() -> None:
    released = union(X=kind("x"), Y=kind("y", n=of(NUMBER)))
    present = union(X=kind("x"), Y=kind("y", n=of({**NUMBER, "minimum": 0})))

    assert breaks(released, present, "read") == ["/n/a: minimum 0 is accepted, any may come"]


def test_a_break_deep_in_a_real_schema_is_found() -> None:
    present = json_schema("skill-updates")
    released = json_schema("skill-updates")
    assert breaks(released, present, "both") == []

    present["$defs"]["EvidenceItem"]["prefixItems"][4]["enum"].append(0)

    assert breaks(released, present, "said") == ["/skills/*/evidence/*/4: may be 0, which is not accepted"]
    assert breaks(released, present, "read") == []
