"""`/xapi/statements`: statements as an LRS's Statement resource takes them (xAPI 1.0.3; 2.0, IEEE 9274.1.1).

All rules of a statement hold here, of parts that nobody reads too, as a store has to: a worker tolerates those. One
broken statement refuses the whole request. A statement without an id gets one, made of what it says, so that a request
that is sent again is known again; one without a version gets that of the request.

No statement is kept: so there are no reads, and no 409 for another statement of the same id.
"""

import re
from collections.abc import Mapping as Parameters
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
import orjson
from msgspec import UNSET, Raw, Struct

from agents.gateway.attachments import Attachments
from agents.gateway.batches import (
    KeyedValue,
    TakenBatch,
    keyed,
    not_taken,
    require_few_items,
)
from agents.gateway.multipart import SentBody
from agents.gateway.refusal import NotTaken
from schemas.dialects import native
from schemas.dialects.bounds import RecordBounds
from schemas.dialects.json_text import parse
from schemas.dialects.mapping import Mapping
from schemas.dialects.record import Decode, Decoded, Invalid, Record
from schemas.dialects.xapi import Xapi
from schemas.dialects.xapi.broken import VERSION_RULE, BrokenStatement
from schemas.dialects.xapi.formats import is_uuid
from schemas.dialects.xapi.reading import require_all_rules
from schemas.errors import InvalidInput

VERSION_HEADER: Final = "X-Experience-API-Version"
VERSIONS: Final = {"1.0": "1.0.3", "2.0": "2.0.0"}
"""What a request of each version is answered as."""
_VERSION: Final = re.compile(r"(1\.0|2\.0)(?:\.[0-9]{1,4})?")
_UNSAID: Final = {"1.0": "1.0.0", "2.0": "2.0.0"}
_IDS: Final = UUID("5f0bd9b8-3c4c-5a7e-9d0a-0b2f6f1d7c11")
_BY_STORES: Final = ("stored", "authority", "version")


class _Named(Struct):
    id: Any = UNSET
    version: Any = UNSET


_NAMED: Final = msgspec.json.Decoder(_Named)
_SEVERAL: Final = msgspec.json.Decoder(list[Raw])


def require_version_header(headers: Parameters[str, str]) -> str:
    """`1.0` or `2.0`, as the request says. Raises NotTaken (400)."""
    said = headers.get(VERSION_HEADER)
    if said is None:
        raise NotTaken(400, "unreadable", f"{VERSION_HEADER} is missing", rule="version_header")
    found = _VERSION.fullmatch(said)
    if found is None:
        raise NotTaken(400, "unreadable", f"{VERSION_HEADER}: 1.0.x and 2.0.x are taken", rule="version_header")
    return found[1]


class Statements:
    """The Statement resource, by a deployment's mapping and bounds."""

    def __init__(self, mapping: Mapping, bounds: RecordBounds) -> None:
        self._xapi = Xapi(mapping)
        self._bounds = bounds

    def posted(self, sent: SentBody, version: str, students: str, tenant: str) -> TakenBatch:
        """One statement, or an array of them; answered with their ids. Raises NotTaken."""
        body, attachments = sent.document, Attachments(sent.contents)
        decode = self._bounds.bounded(partial(self._strictly, attachments))
        try:
            values = _SEVERAL.decode(body) if body.lstrip()[:1] == b"[" else [Raw(body.strip())]
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            said = "neither a statement nor an array of statements"
            raise NotTaken(400, "unreadable", said, rule="not_json") from None
        require_few_items(len(values))
        records: list[KeyedValue] = []
        ids: dict[str, str] = {}
        events = 0
        for index, value in enumerate(values):
            record, id_, count = _taken(bytes(value), index, version, students, tenant, decode)
            if id_.lower() in ids:
                repeated = Invalid("duplicate_id", "two statements of a request may not have one id")
                raise not_taken("statement", index, repeated)
            ids[id_.lower()] = id_
            records.append(record)
            events += count
        attachments.require_all_named()
        return TakenBatch(records, events, answer=list(ids.values()))

    def put(self, sent: SentBody, version: str, students: str, tenant: str, id_: str) -> TakenBatch:
        """One statement, whose id the request has; answered with 204. Raises NotTaken."""
        if not is_uuid(id_):
            raise NotTaken(400, "unreadable", "statementId is not a UUID", rule="statement_id")
        attachments = Attachments(sent.contents)
        decode = self._bounds.bounded(partial(self._strictly, attachments))
        record, said, events = _taken(sent.document.strip(), 0, version, students, tenant, decode, id_)
        if said.lower() != id_.lower():
            raise NotTaken(400, "unreadable", "the statement has another id than statementId says", rule="statement_id")
        attachments.require_all_named()
        return TakenBatch([record], events, status=204)

    def _strictly(self, attachments: Attachments, record: Record) -> Decoded:
        """As a worker decodes a statement, but that every broken rule costs it, those of `attachments` too."""
        try:
            value = native.require_readable(record.value)
            if (decoded := self._xapi.try_decode(value, record)) is not None:
                return decoded
            document = parse(value)
            require_all_rules(document)
            attachments.check(document)
            return self._xapi.decode(document, record)
        except BrokenStatement as broken:
            return Decoded(invalid=(Invalid(broken.rule, str(broken.as_input()), "xapi"),))
        except InvalidInput as error:
            return Decoded(invalid=(Invalid(error.reason, str(error), "xapi"),))


def _taken(
    value: bytes, index: int, version: str, students: str, tenant: str, decode: Decode, id_: str = ""
) -> tuple[KeyedValue, str, int]:
    """The statement's record, its id, and how many events it comes to. Raises NotTaken."""
    value, id_ = _named(value, version, tenant, id_, index)
    record, events = keyed(value, decode, students)
    if isinstance(record, Invalid):
        raise not_taken("statement", index, record)
    return record, id_, events


def _named(value: bytes, version: str, tenant: str, id_: str, index: int) -> tuple[bytes, str]:
    """A statement with an id and a version: its own, else `id_` or one made of what it says, and the request's."""
    value = value.strip()
    try:
        said = _NAMED.decode(value)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise not_taken("statement", index, Invalid("not_json", "not a JSON object")) from None
    if isinstance(said.version, str) and said.version.startswith("2.") and version == "1.0":
        wrong = Invalid(VERSION_RULE, f"it is of version 2.0, the request of 1.0 ({VERSION_HEADER})")
        raise not_taken("statement", index, wrong)
    added = b""
    if said.version is UNSET:
        added += b'"version":"%s",' % _UNSAID[version].encode()
    if isinstance(said.id, str):
        id_ = said.id
    elif said.id is UNSET:
        id_ = id_ or _id_of(value, tenant, index)
        added += b'"id":"%s",' % id_.encode()
    rest = value[1:].lstrip()
    return b"{" + (added if rest[:1] != b"}" else added[:-1]) + rest, id_


def _id_of(value: bytes, tenant: str, index: int) -> str:
    """The same for the same statement of the same tenant."""
    try:
        document = parse(native.require_readable(value))
        said = {name: part for name, part in document.items() if name not in _BY_STORES}
        content = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    except InvalidInput as error:
        raise not_taken("statement", index, Invalid(error.reason, str(error))) from None
    except (TypeError, orjson.JSONEncodeError):
        raise not_taken("statement", index, Invalid("not_json", "not a JSON object that can be written")) from None
    return str(uuid5(_IDS, f"{tenant}\n{content}"))
