"""`multipart/mixed`, as xAPI has it (Communication 1.5.2): statements, and behind them the contents of attachments.

    --boundary ── statements, application/json ── --boundary ── a content, with its hash ── … ── --boundary--

Contents are held against their hashes and dropped: what is stored is the statement, which says what was attached.
They are looked at where they lie in the body, and not copied.
"""

import hashlib
from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import BytesParser
from typing import Final, NamedTuple

from agents.gateway.refusal import NotTaken

JSON_TYPE: Final = "application/json"
MULTIPART_TYPE: Final = "multipart/mixed"
NO_CONTENTS: Final[Mapping[str, memoryview]] = {}
_MAX_ATTACHMENTS: Final = 1_000
_MAX_HEADER_BYTES: Final = 8_190
_MAX_BOUNDARY_CHARS: Final = 70
_HASHES: Final = {56: hashlib.sha224, 64: hashlib.sha256, 96: hashlib.sha384, 128: hashlib.sha512}
"""By the number of hexadecimal digits."""


class SentBody(NamedTuple):
    """The JSON of a request, and by hash, in lower case, what came behind it."""

    document: bytes
    contents: Mapping[str, memoryview] = NO_CONTENTS


def sent_body(content_type: str, body: bytes) -> SentBody:
    """Raises NotTaken (400; 413 for more than 1,000 attachments)."""
    said = Message()
    said["Content-Type"] = content_type
    if said.get_content_type() != MULTIPART_TYPE:
        return SentBody(body)
    parts = _parts(body, _boundary(said))
    header, document = next(parts)
    if header.get_content_type() != JSON_TYPE:
        raise _unreadable("XAPI-00134", f"the first part has to be of {JSON_TYPE}: the statements")
    return SentBody(bytes(document), dict(_hashed(header, content) for header, content in parts))


def _boundary(content_type: Message) -> bytes:
    boundary = content_type.get_boundary()
    if not boundary or len(boundary) > _MAX_BOUNDARY_CHARS or not boundary.isascii():
        raise _unreadable("XAPI-00131", f"Content-Type names no boundary of at most {_MAX_BOUNDARY_CHARS} characters")
    return b"--" + boundary.encode()


def _hashed(header: Message, content: memoryview) -> tuple[str, memoryview]:
    if str(header.get("Content-Transfer-Encoding", "")).strip().lower() != "binary":
        raise _unreadable("XAPI-00135", "a content needs Content-Transfer-Encoding: binary")
    said = str(header.get("X-Experience-API-Hash", "")).strip().lower()
    if said and (make := _HASHES.get(len(said))) is not None and make(content).hexdigest() == said:
        return said, content
    raise _unreadable("XAPI-00132", "a content needs an X-Experience-API-Hash, and to be what it is the SHA-2 hash of")


def _parts(body: bytes, delimiter: bytes) -> Iterator[tuple[Message, memoryview]]:
    """Header and content of each part, of one at least."""
    view = memoryview(body)
    for count, (start, end) in enumerate(_cut(body, delimiter)):
        if count > _MAX_ATTACHMENTS:
            raise NotTaken(413, "too_large", f"one request may have {_MAX_ATTACHMENTS:,} attachments")
        header_end = body.find(b"\r\n\r\n", start - 2, min(end, start + _MAX_HEADER_BYTES))
        if header_end < 0:
            raise _unreadable("XAPI-00130", f"part {count} has no header that ends")
        yield BytesParser().parsebytes(body[start:header_end], headersonly=True), view[header_end + 4 : end]


def _cut(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where each part begins and ends. What stands before the first boundary and behind the last is nobody's."""
    before = 0 if body.startswith(delimiter) else body.find(b"\r\n" + delimiter) + 2
    if before == 1:
        raise _unreadable("XAPI-00130", "the boundary is nowhere in the body")
    at = before + len(delimiter)
    while True:
        ended = body.find(b"\r\n", at)
        if ended < 0 or body[at:ended].strip(b" \t"):
            raise _unreadable("XAPI-00130", "a boundary is followed by something else than a part")
        end = body.find(b"\r\n" + delimiter, ended)
        if end < 0:
            raise _unreadable("XAPI-00130", "the last boundary is missing")
        yield ended + 2, end
        at = end + 2 + len(delimiter)
        if body.startswith(b"--", at):
            return


def _unreadable(rule: str, why: str) -> NotTaken:
    return NotTaken(400, "unreadable", why, rule=rule)
