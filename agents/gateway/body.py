"""Reads a request's body, whole: not larger than is allowed, packed or unpacked, and not slower.

What is packed is unpacked piece by piece, with others answered in between, and each piece is copied once: a body that
unpacks to gigabytes costs no more than another; a gzip of more than 1,000 members is refused.
"""

import asyncio
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request

from agents.gateway.refusal import NotTaken
from agents.gateway.room import RoomShare

_GZIP: Final = 16 + zlib.MAX_WBITS
_STEP_BYTES: Final = 64 * 1024
_MAX_MEMBERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`size_bytes` of one body, as it comes and unpacked; `timeout_s` from its header to its end."""

    size_bytes: int
    timeout_s: float


async def read_body(request: Request, share: RoomShare, limits: BodyLimits) -> bytes:
    """The body, unpacked. Raises NotTaken; ClientDisconnect where nobody is there any more."""
    coding = request.headers.get("Content-Encoding", "identity").lower()
    if coding not in ("identity", "gzip"):
        raise NotTaken(415, "unreadable", "a body may come as it is, or with Content-Encoding: gzip")
    if "Transfer-Encoding" in request.headers and "Content-Length" in request.headers:
        raise NotTaken(400, "unreadable", "a body may not have both Content-Length and Transfer-Encoding")
    announced = request.headers.get("Content-Length", "0")
    if int(announced) > limits.size_bytes:  # a number: the server has refused what is none
        raise _too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.timeout_s):
            await _receive(request, body, share, limits)
    except TimeoutError:
        raise NotTaken(408, "slow", f"the body was not there after {limits.timeout_s:g} s") from None
    return await _unpacked(bytes(body), share, limits) if coding == "gzip" else bytes(body)


async def _receive(request: Request, body: bytearray, share: RoomShare, limits: BodyLimits) -> None:
    async for piece in request.stream():
        if len(body) + len(piece) > limits.size_bytes:
            raise _too_large(limits)
        share.grow(len(piece))
        body += piece


async def _unpacked(packed: bytes, share: RoomShare, limits: BodyLimits) -> bytes:
    """A few KiB may unpack to gigabytes: it ends where the limit does."""
    unpacked = bytearray()
    try:
        for piece in _members(packed):
            if len(unpacked) + len(piece) > limits.size_bytes:
                raise _too_large(limits)
            share.grow(len(piece))
            unpacked += piece
            await asyncio.sleep(0)
    except zlib.error:
        raise NotTaken(400, "unreadable", "the body is no gzip, though its Content-Encoding says so") from None
    return bytes(unpacked)


def _members(packed: bytes) -> Iterator[bytes]:
    """What a gzip file holds, piece by piece, of all its members.

    Raises zlib.error, also where one is cut off, and NotTaken (400) for too many members.
    """
    unpacking, members = None, 0
    for start in range(0, len(packed), _STEP_BYTES):
        rest, more = packed[start : start + _STEP_BYTES], True
        while more:
            if unpacking is None:
                unpacking, members = zlib.decompressobj(_GZIP), members + 1
            piece = unpacking.decompress(rest, _STEP_BYTES)
            yield piece
            if unpacking.eof:
                rest, unpacking = unpacking.unused_data, None
                more = bool(rest)
            else:
                rest = unpacking.unconsumed_tail
                more = bool(rest) or len(piece) == _STEP_BYTES
            if members > _MAX_MEMBERS:
                raise NotTaken(400, "unreadable", f"a gzip may have {_MAX_MEMBERS:,} members")
    if unpacking is not None:
        raise zlib.error("cut off")


def _too_large(limits: BodyLimits) -> NotTaken:
    said = f"a body may have {limits.size_bytes:,} bytes, unpacked, too (SKILLSTREAM_GATEWAY_MAX_BODY_MB)"
    return NotTaken(413, "too_large", said)


__all__ = ["BodyLimits", "ClientDisconnect", "read_body"]
