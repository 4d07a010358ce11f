"""From parsed JSON to a statement that keeps all rules."""

from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET

from schemas.dialects.xapi import identity, particulars, things, values
from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.broken import Broken, each, within
from schemas.dialects.xapi.diagnosis import diagnose

P = TypeVar("P", s.Statement, s.Activity, s.Actor, s.StatementRef, s.SubStatement)
VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
_OBJECTS: Final[dict[str, Any]] = {
    "Activity": s.Activity,
    "Agent": s.Actor,
    "Group": s.Actor,
    "StatementRef": s.StatementRef,
    "SubStatement": s.SubStatement,
}


class Reading(NamedTuple):
    """A valid statement, its object by its type, and when it happened, as far as it says."""

    statement: s.Statement
    object: s.Object
    time: datetime | None


def read(document: Any) -> Reading:
    """What a parsed `document` says. Raises Broken with the first rule found broken."""
    statement = _typed(document, s.Statement)
    version = values.version(statement.version)
    if statement.id is not UNSET:
        values.identifier(statement.id, "XAPI-00027", ".id")
    object = _said(statement, version)
    time = None
    if statement.stored is not UNSET:
        time = values.timestamp(statement.stored, version, ".stored")
    if statement.timestamp is not UNSET:
        time = values.timestamp(statement.timestamp, version, ".timestamp")
    if statement.authority is not UNSET:
        within(".authority", identity.authority, statement.authority)
    if statement.verb.id == VOIDED and not isinstance(object, s.StatementRef):
        raise Broken("XAPI-00017", "a voiding statement has a StatementRef as object", ".object")
    return Reading(statement, object, time)


def _said(statement: s.Statement | s.SubStatement, version: str) -> s.Object:
    """Check what a statement and a SubStatement have in common; the object, by its type."""
    within(".actor", identity.actor, statement.actor)
    within(".verb", things.verb, statement.verb)
    try:
        object = _object(statement.object, version, holder=type(statement))
    except Broken as broken:
        raise broken.within(".object") from None
    if statement.result is not UNSET:
        within(".result", particulars.result, statement.result)
    if statement.context is not UNSET:
        try:
            particulars.context(statement.context, version, object)
        except Broken as broken:
            raise broken.within(".context") from None
    if statement.attachments is not UNSET:
        each(particulars.attachment, statement.attachments, ".attachments")
    return object


def _object(document: Any, version: str, holder: type[s.Statement | s.SubStatement]) -> s.Object:
    if type(document) is not dict:
        raise Broken("XAPI-00006", "expected an object")
    object_type = document.get("objectType", "Activity")
    part = _OBJECTS.get(object_type) if isinstance(object_type, str) else None
    if part is None:
        raise Broken("XAPI-00046", "not one of the standard's values", ".objectType")
    object: s.Object = _typed(document, part)
    if isinstance(object, s.Activity):
        things.activity(object)
    elif isinstance(object, s.Actor):
        identity.actor(object)
    elif isinstance(object, s.StatementRef):
        things.reference(object)
    elif holder is s.SubStatement:
        raise Broken("XAPI-00071", "a SubStatement has no SubStatement", ".objectType")
    else:
        _said(object, version)
        if object.timestamp is not UNSET:
            values.timestamp(object.timestamp, version, ".timestamp")
    return object


def _typed(document: Any, part: type[P]) -> P:
    try:
        return msgspec.convert(document, part)
    except msgspec.ValidationError as error:
        raise diagnose(error, part) from None
