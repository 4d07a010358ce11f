"""From JSON, parsed or not, to a statement that keeps all rules."""

from datetime import datetime
from hashlib import sha256
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Struct

from schemas.dialects.json_text import parse
from schemas.dialects.xapi import identity, particulars, things, values
from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.broken import BrokenStatement, each, within
from schemas.dialects.xapi.diagnosis import diagnose
from schemas.dialects.xapi.tolerance import lacks_its_text, without_unread

P = TypeVar("P", s.Statement, s.Activity, s.Actor, s.StatementRef, s.SubStatement)
VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
_OBJECTS: Final[dict[str, Any]] = {
    "Activity": s.Activity,
    "Agent": s.Actor,
    "Group": s.Actor,
    "StatementRef": s.StatementRef,
    "SubStatement": s.SubStatement,
}
_SET_BY_STORES: Final = frozenset({"stored", "authority", "version"})

_DECODER: Final = msgspec.json.Decoder(s.StatementOfActivity)
_DIGITS_AS_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_HUGE: Final = b"0" * 309  # a float can hold all integers of fewer digits


class ReadStatement(Struct, frozen=True, gc=False):
    """A valid statement, its object by its type, its id, and when it happened, as far as it says.

    `tolerated` is the rule that it breaks where nobody reads it, if it does. A statement that `lacks_its_text` has a
    response that is no text.
    """

    statement: s.Statement
    object: s.Object
    id: str
    time: datetime | None
    tolerated: str = ""
    lacks_its_text: bool = False


def read_statement(document: Any) -> ReadStatement:
    """What a parsed `document` says. Raises Broken with the first rule found broken of those about what is read."""
    try:
        return _read(document, document)
    except BrokenStatement as broken:
        if not isinstance(document, dict):
            raise
        tolerated = broken.rule
    reading = _read(without_unread(document), document)
    return msgspec.structs.replace(reading, tolerated=tolerated, lacks_its_text=lacks_its_text(document))


def _read(parts: Any, document: Any) -> ReadStatement:
    """What `parts` of a parsed `document` say: all of them, or all that are read."""
    statement = _typed(parts, s.Statement)
    object, time = _checked(statement)
    return ReadStatement(statement, object, _hash(document) if statement.id is UNSET else statement.id.lower(), time)


def require_all_rules(document: Any) -> None:
    """Raise BrokenStatement with the first rule that a parsed `document` breaks, be it about what is read or not."""
    _read(document, document)


def try_read(value: bytes) -> ReadStatement | None:
    """What `value` says if it is valid and as most are: about an Activity, without attachments; else None.

    None says nothing against a statement: it is to be parsed and `read_statement`. Raises InvalidInput for what is not
    JSON.
    """
    if _has_huge_integer(value):
        return None
    try:
        statement = _DECODER.decode(value)
        if statement.attachments is not UNSET:  # msgspec reads a `length` of more than 64 bits, orjson does not
            return None
        object, time = _checked(statement)
    except (BrokenStatement, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    id = _hash(parse(value)) if statement.id is UNSET else statement.id.lower()
    return ReadStatement(statement, object, id, time)


def _checked(statement: s.Statement) -> tuple[s.Object, datetime | None]:
    """The object of a statement that keeps all rules, and when it happened. Raises Broken."""
    version = values.statement_version(statement.version)
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
        raise BrokenStatement("XAPI-00017", "a voiding statement has a StatementRef as object", ".object")
    return object, time


def _said(statement: s.Statement | s.SubStatement, version: str) -> s.Object:
    """Check what a statement and a SubStatement have in common; the object, by its type."""
    within(".actor", identity.actor, statement.actor)
    within(".verb", things.verb, statement.verb)
    try:
        object = _object(statement.object, version, holder=type(statement))
    except BrokenStatement as broken:
        raise broken.within(".object") from None
    if statement.result is not UNSET:
        within(".result", particulars.result, statement.result)
    if statement.context is not UNSET:
        try:
            particulars.context(statement.context, version, object)
        except BrokenStatement as broken:
            raise broken.within(".context") from None
    if statement.attachments is not UNSET:
        each(particulars.attachment, statement.attachments, ".attachments")
    return object


def _object(document: Any, version: str, holder: type[s.Statement | s.SubStatement]) -> s.Object:
    if isinstance(document, s.Activity):
        things.activity(document)
        return document
    if type(document) is not dict:
        raise BrokenStatement("XAPI-00006", "expected an object")
    object_type = document.get("objectType", "Activity")
    part = _OBJECTS.get(object_type) if isinstance(object_type, str) else None
    if part is None:
        raise BrokenStatement("XAPI-00046", "not one of the standard's values", ".objectType")
    object: s.Object = _typed(document, part)
    if isinstance(object, s.Activity):
        things.activity(object)
    elif isinstance(object, s.Actor):
        identity.actor(object)
    elif isinstance(object, s.StatementRef):
        things.reference(object)
    elif holder is s.SubStatement:
        raise BrokenStatement("XAPI-00071", "a SubStatement has no SubStatement", ".objectType")
    else:
        _said(object, version)
        if object.timestamp is not UNSET:
            values.timestamp(object.timestamp, version, ".timestamp")
    return object


def _hash(document: Any) -> str:
    """Of what a statement without an id says, so that a resend is a repeat."""
    said = {name: value for name, value in document.items() if name not in _SET_BY_STORES}
    return f"sha256:{sha256(msgspec.json.encode(said, order='sorted')).hexdigest()}"


def _has_huge_integer(value: bytes) -> bool:
    """Whether there may be an integer beyond what a float can hold, which msgspec reads and orjson refuses.

    So many digits leave five in a row of every 60th byte; few statements have as much, so few are looked at whole.
    """
    few = value[::60].translate(_DIGITS_AS_ZEROS)
    return few.find(b"00000") >= 0 and value.translate(_DIGITS_AS_ZEROS).find(_HUGE) >= 0


def _typed(document: Any, part: type[P]) -> P:
    try:
        return msgspec.convert(document, part)
    except msgspec.ValidationError as error:
        raise diagnose(error, part) from None
