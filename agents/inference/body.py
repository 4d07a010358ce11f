"""What a request asks for, read from its body piece by piece.

application/x-ndjson   an item a line; the first says whether they are ids of students or events
application/json       an InferenceRequest, which is held whole: its items are parts of it, not copies
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import UNSET

from agents.inference.refusal import NotInferred
from agents.inference.splitting import ItemSplitter
from schemas.inference import InferenceRequest, Onto
from streams.replay import batches

Items = list[bytes | int]
NDJSON: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_JSON: Final = "application/json"
_ONTO: Final = ("empty", "stored")
_PIECE_ITEMS: Final = 500
_PIECE_BYTES: Final = 256 * 1024
_DOCUMENTS: Final = msgspec.json.Decoder(InferenceRequest)


@dataclass(frozen=True, slots=True)
class BodyBounds:
    """`items` and `size_bytes` of one request, `item_bytes` of one of its items; `pause_s` between two pieces of it."""

    items: int
    size_bytes: int
    item_bytes: int
    pause_s: float


@dataclass(frozen=True, slots=True)
class AskedBatch:
    """What a body holds: `pieces` of it as they come. Raises NotInferred."""

    of_students: bool
    onto: Onto
    pieces: AsyncIterator[Items]


async def read_batch(request: web.Request, bounds: BodyBounds) -> AskedBatch:
    """What is asked for, as soon as that is known. Raises NotInferred, as do its pieces."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NotInferred(415, "unreadable", "the body has to come as it is, without Content-Encoding")
    if request.content_type not in (*NDJSON, _JSON):
        raise NotInferred(
            415, "unreadable", f"Content-Type has to be {NDJSON[0]} or {_JSON}, not {request.content_type}"
        )
    if unknown := request.query.keys() - {"onto"}:
        raise NotInferred(400, "unreadable", f"no parameter {min(unknown)}; there is onto")
    received = _received(request, bounds)
    if request.content_type == _JSON:
        return _of_document(b"".join([some async for some in received]), bounds)
    return await _of_stream(received, _onto(request), bounds)


def _onto(request: web.Request) -> Onto:
    onto = request.query.get("onto", "empty")
    if onto not in _ONTO:
        raise NotInferred(400, "unreadable", f"onto has to be {' or '.join(_ONTO)}")
    return "stored" if onto == "stored" else "empty"


async def _received(request: web.Request, bounds: BodyBounds) -> AsyncIterator[bytes]:
    """The body, as it comes."""
    left_bytes = bounds.size_bytes
    while True:
        try:
            async with asyncio.timeout(bounds.pause_s):
                some = await request.content.readany()
        except TimeoutError:
            raise NotInferred(408, "slow", f"no more of the body came for {bounds.pause_s:g} s") from None
        except (web.RequestPayloadError, HttpProcessingError) as error:
            raise NotInferred(400, "unreadable", "the body is cut off, or not as its headers say") from error
        except RuntimeError as error:  # as aiohttp says it of a connection that is closed
            if request.transport is not None:
                raise
            raise ConnectionResetError("the client is gone") from error
        if not some and request.content.at_eof():
            return
        left_bytes -= len(some)
        if left_bytes < 0:
            said = f"a body may have {bounds.size_bytes:,} bytes (SKILLSTREAM_INFERENCE_MAX_MB)"
            raise NotInferred(413, "too_large", said)
        yield some


def _of_document(body: bytes, bounds: BodyBounds) -> AskedBatch:
    try:
        document = _DOCUMENTS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotInferred(400, "unreadable", f"not a document of students or events: {error}") from None
    if (document.students is UNSET) == (document.events is UNSET):
        raise NotInferred(400, "unreadable", "a document has either students or events, a list")
    items = document.events if document.students is UNSET else document.students
    assert items is not UNSET
    if len(items) > bounds.items:
        raise too_many(bounds.items)

    async def pieces() -> AsyncIterator[Items]:
        for some in batches(items, _PIECE_ITEMS):
            yield [bytes(item) for item in some]

    return AskedBatch(document.events is UNSET, document.onto, pieces())


async def _of_stream(received: AsyncIterator[bytes], onto: Onto, bounds: BodyBounds) -> AskedBatch:
    pieces = _pieces(received, bounds)
    first: Items = await anext(pieces, [])
    of_students = bool(first) and isinstance(first[0], bytes) and first[0].startswith(b'"')

    async def all_pieces() -> AsyncIterator[Items]:
        if first:
            yield first
        async for piece in pieces:
            yield piece

    return AskedBatch(of_students, onto, all_pieces())


async def _pieces(received: AsyncIterator[bytes], bounds: BodyBounds) -> AsyncIterator[Items]:
    splitter, piece, left = ItemSplitter(bounds.item_bytes), Items(), bounds.items
    async for some in received:
        piece += splitter.feed(some)
        if len(piece) > left:
            raise too_many(bounds.items)
        if len(piece) >= _PIECE_ITEMS or sum(len(item) for item in piece if isinstance(item, bytes)) >= _PIECE_BYTES:
            yield piece
            left -= len(piece)
            piece = []
    piece += splitter.end()
    if len(piece) > left:
        raise too_many(bounds.items)
    if piece:
        yield piece


def too_many(items: int) -> NotInferred:
    """For a request of more."""
    said = f"one request may hold {items:,} items, and as many events (SKILLSTREAM_INFERENCE_ITEMS)"
    return NotInferred(413, "too_many", said)
