"""PNG of 256 colours: a page has few, and its pictures are a third as large with a palette."""

import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">IIBBBBB")
_COLOURS: Final = 256
Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]


def with_palette(png: bytes) -> bytes:
    """The picture with its most frequent colours, others as the nearest of them. `png` is as Chromium writes it:
    8 bits, RGB or RGBA, not interlaced; transparency is lost.
    """
    chunks = _chunks(png)
    width, height, _, kind, *_ = _HEADER.unpack(chunks[b"IHDR"])
    depth = {2: 3, 6: 4}[kind]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + width * depth)
    pixels = _unfiltered(rows, depth).reshape(-1, depth)[:, :3]
    packed = (pixels.astype(np.uint32) * np.array([65_536, 256, 1], np.uint32)).sum(axis=1)
    found, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.int64)
    palette = colours[np.argsort(-counts)[:_COLOURS]]
    nearest = np.array([np.argmin(((palette - colour) ** 2).sum(axis=1)) for colour in colours], np.uint8)
    indices = nearest[inverse].reshape(height, width)
    body = np.hstack([np.zeros((height, 1), np.uint8), indices]).tobytes()
    header = _HEADER.pack(width, height, 8, 3, 0, 0, 0)
    written = ((b"IHDR", header), (b"PLTE", palette.astype(np.uint8).tobytes()), (b"IDAT", zlib.compress(body, 9)))
    return _SIGNATURE + b"".join(_chunk(*each) for each in (*written, (b"IEND", b"")))


def _chunks(png: bytes) -> dict[bytes, bytes]:
    """The chunks by name; those of one name joined."""
    found: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while at < len(png):
        size, name = struct.unpack_from(">I4s", png, at)
        found[name] = found.get(name, b"") + png[at + 8 : at + 8 + size]
        at += size + 12
    return found


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unfiltered(rows: Bytes, depth: int) -> Bytes:
    """The bytes of the rows as they were before each was filtered (PNG, section 9)."""
    above = np.zeros(rows.shape[1] - 1, np.int64)
    plain = []
    for row in rows:
        kind, now = row[0], row[1:].astype(np.int64)
        if kind == 1:
            now = now.reshape(-1, depth).cumsum(axis=0).reshape(-1)
        elif kind == 2:
            now = now + above
        elif kind in (3, 4):
            now = _from_left(now, above, depth, paeth=kind == 4)
        above = now & 255
        plain.append(above.astype(np.uint8))
    return np.concatenate(plain)


def _from_left(row: Numbers, above: Numbers, depth: int, *, paeth: bool) -> Numbers:
    """A row of which each byte rests on the one before it."""
    now = row.tolist()
    up = above.tolist()
    for at, value in enumerate(now):
        left, corner = (now[at - depth], up[at - depth]) if at >= depth else (0, 0)
        guess = left + up[at] - corner
        by = sorted((left, up[at], corner), key=lambda each: abs(guess - each))[0] if paeth else (left + up[at]) // 2
        now[at] = (value + by) & 255
    return np.array(now, np.int64)
