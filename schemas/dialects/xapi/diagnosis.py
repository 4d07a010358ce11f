"""Which rule of the standard a statement breaks whose types are wrong, from what the type check says of it.

Rules are named as ADL's conformance requirements for Learning Record Stores number them.
"""

import re
from typing import Any, Final

import msgspec

from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.broken import BrokenStatement

_AT: Final = re.compile(r" - at `(?:key` in `)?\$((?:\.\w+|\[(?:\d+|\.{3})\])*)`\Z")
_FIELD: Final = re.compile(r"field `([^`]*)`")
_PROPERTY: Final = re.compile(r"\.(\w+)")
_COMPONENTS: Final = ("steps", "target", "source", "scale", "choices")

_MISSING: Final = {
    "actor": "XAPI-00003",
    "verb": "XAPI-00004",
    "object": "XAPI-00005",
    "account.homePage": "XAPI-00042",
    "account.name": "XAPI-00043",
    "objectType": "XAPI-00073",
    "usageType": "XAPI-00107",
    "display": "XAPI-00106",
    "contentType": "XAPI-00105",
    "length": "XAPI-00102",
    "sha2": "XAPI-00103",
}
_WRONG: Final = {
    # By the property, or by what holds it and the property where that decides.
    "objectType": "XAPI-00032",
    "name": "XAPI-00033",
    "timestamp": "XAPI-00022",
    "stored": "XAPI-00023",
    "authority": "XAPI-00024",
    "attachments": "XAPI-00025",
    "member": "XAPI-00036",
    "mbox": "XAPI-00038",
    "mbox_sha1sum": "XAPI-00039",
    "openid": "XAPI-00040",
    "account": "XAPI-00041",
    "homePage": "XAPI-00042",
    "verb": "XAPI-00044",
    "definition": "XAPI-00048",
    "interactionType": "XAPI-00049",
    "correctResponsesPattern": "XAPI-00050",
    "steps": "XAPI-00051",
    "target": "XAPI-00052",
    "source": "XAPI-00053",
    "scale": "XAPI-00054",
    "choices": "XAPI-00055",
    "type": "XAPI-00060",
    "moreInfo": "XAPI-00061",
    "success": "XAPI-00074",
    "completion": "XAPI-00075",
    "response": "XAPI-00076",
    "duration": "XAPI-00077",
    "extensions": "XAPI-00120",
    "score": "XAPI-00079",
    "max": "XAPI-00080",
    "min": "XAPI-00081",
    "raw": "XAPI-00082",
    "scaled": "XAPI-00083",
    "contextActivities": "XAPI-00086",
    "registration": "XAPI-00087",
    "instructor": "XAPI-00087",
    "team": "XAPI-00088",
    "revision": "XAPI-00089",
    "platform": "XAPI-00090",
    "language": "XAPI-00091",
    "statement": "XAPI-00092",
    "parent": "XAPI-00094",
    "grouping": "XAPI-00094",
    "category": "XAPI-00094",
    "other": "XAPI-00094",
    "version": "XAPI-00101",
    "length": "XAPI-00102",
    "sha2": "XAPI-00103",
    "fileUrl": "XAPI-00104",
    "contentType": "XAPI-00105",
    "usageType": "XAPI-00107",
    "account.name": "XAPI-00043",
    "verb.display": "XAPI-00045",
    "definition.name": "XAPI-00056",
    "definition.description": "XAPI-00059",
    "definition.extensions": "XAPI-00057",
    **{f"{components}.description": "XAPI-00062" for components in _COMPONENTS},
    "result.extensions": "XAPI-00078",
    "statement.objectType": "XAPI-00073",
    "contextAgents.objectType": "IEEE 9274.1.1 contextAgents",
    "contextGroups.objectType": "IEEE 9274.1.1 contextGroups",
    "attachments.display": "XAPI-00106",
    "contextAgents": "IEEE 9274.1.1 contextAgents",
    "contextGroups": "IEEE 9274.1.1 contextGroups",
    "relevantTypes": "IEEE 9274.1.1 relevantTypes",
}
_IDENTIFIERS: Final = frozenset({"mbox", "mbox_sha1sum", "openid", "account", "member"})
_OF_STATEMENTS_ONLY: Final = {
    "authority": "XAPI-00067",
    "version": "XAPI-00068",
    "stored": "XAPI-00069",
    "id": "XAPI-00070",
}
_PARTS: Final[tuple[type[Any], ...]] = (
    s.Statement, s.SubStatement, s.Actor, s.Account, s.Verb, s.Activity, s.Definition, s.Component, s.Result, s.Score,
    s.Context, s.ContextActivities, s.ContextAgent, s.ContextGroup, s.Attachment,
)  # fmt: skip
_PROPERTIES: Final = {name.lower(): name for part in _PARTS for name in part.__struct_encode_fields__}


def diagnose(error: msgspec.ValidationError, part: type[Any]) -> BrokenStatement:
    """The rule that was broken where `part` was expected. Quotes no content."""
    message = str(error)
    at = _AT.search(message)
    path = at[1] if at else ""
    named = _FIELD.search(message)
    if "missing required" in message and named:
        return _missing(named[1], path, part)
    if "unknown field" in message and named:
        return _unknown(named[1], path, part)
    if "got `null`" in message:
        return BrokenStatement("XAPI-00001", "null is allowed in extensions alone", path)
    names = _PROPERTY.findall(path)
    name = names[-1] if names else ""
    if message.startswith("Invalid enum value"):
        return _not_enumerated(name, path)
    if " of length " in message:
        return _empty(name, path)
    expected = message.removesuffix(at[0] if at else "").replace("Expected", "expected")
    return BrokenStatement(_wrong_type(names, path, part), expected, path)


def _wrong_type(names: list[str], path: str, part: type[Any]) -> str:
    """The rule for a value of another type; `names` are those of the properties in its path."""
    name = names[-1] if names else ""
    if name == "id":
        return _wrong_id(path, part)
    if name in _COMPONENTS and path.endswith("]"):
        return "XAPI-00063"
    return _WRONG.get(".".join(names[-2:])) or _WRONG.get(name, "XAPI-00006")


def _wrong_id(path: str, part: type[Any]) -> str:
    if path.endswith(".verb.id"):
        return "XAPI-00044"
    if part is s.StatementRef or path.endswith(".statement.id"):
        return "XAPI-00072"
    if path.endswith("].id") and "definition." in path:
        return "XAPI-00058"
    return "XAPI-00028" if part is s.Statement and path == ".id" else "XAPI-00047"


def _missing(name: str, path: str, part: type[Any]) -> BrokenStatement:
    if name == "id":
        rule = _wrong_id(f"{path}.id", part)
    else:
        parent = _PROPERTY.findall(path)[-1:]
        rule = _MISSING.get(".".join([*parent, name])) or _MISSING.get(name, "XAPI-00010")
    return BrokenStatement(rule, f"`{name}` is missing", path)


def _unknown(name: str, path: str, part: type[Any]) -> BrokenStatement:
    known = _PROPERTIES.get(name.lower())
    if known and known != name:
        return BrokenStatement("XAPI-00008", f"a property's case differs from `{known}`", path)
    if part is s.Activity and not path and name in _IDENTIFIERS:
        return BrokenStatement("XAPI-00065", "an Agent or Group as object needs its objectType", path)
    if part is s.SubStatement and not path and name in _OF_STATEMENTS_ONLY:
        return BrokenStatement(_OF_STATEMENTS_ONLY[name], f"a SubStatement has no `{name}`", path)
    if path.endswith(".contextActivities"):
        return BrokenStatement("XAPI-00093", "only parent, grouping, category and other", path)
    return BrokenStatement("XAPI-00010", f"no property `{known}` here" if known else "an unknown property", path)


def _empty(name: str, path: str) -> BrokenStatement:
    if path.endswith(".account.name"):
        return BrokenStatement("XAPI-00043", "may not be empty: it would name nobody", path)
    return BrokenStatement(_WRONG[name], "may not be empty", path)


def _not_enumerated(name: str, path: str) -> BrokenStatement:
    if name == "interactionType":
        rule = "XAPI-00049"
    elif name == "objectType":
        rule = "XAPI-00009" if "context" in path else "XAPI-00031"
    else:
        rule = "XAPI-00009"
    return BrokenStatement(rule, "not one of the standard's values", path)
