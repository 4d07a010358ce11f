"""How large a compressed record batch becomes at most, found out without unpacking it.

A few kilobytes of zeros unpack to gigabytes, and aiokafka's codecs unpack all at once. Frames and blocks say enough of
themselves for a bound: that of snappy is exact, those of lz4 and zstd count each block as full, that of gzip is what
deflate can do at best, or, where this is too much, what it does.

LZ4 frames: github.com/lz4/lz4, doc/lz4_Frame_format.md. Zstandard: RFC 8878, 3.1.1. Snappy: google/snappy,
format_description.txt, in blocks as xerial's Java library writes them. Deflate's best is 1,032 to 1:
zlib.net/zlib_tech.html.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from agents.kafka.connection import Compression

_DEFLATE_BEST: Final = 1_032
_GZIP: Final = 31
_STEP_BYTES: Final = 1 << 20
_PIECE_BYTES: Final = 16 * 1024
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16
_LZ4: Final = b"\x04\x22\x4d\x18"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_BLOCK_BYTES: Final = 128 * 1024
_ZSTD_RLE: Final = 1
_ZSTD_COMPRESSED: Final = 2


def inflated_bytes(codec: Compression, packed: bytes, enough: int) -> int:
    """A bound of what `packed` unpacks to; nothing is looked at behind the place where it is above `enough`.

    Raises ValueError for what is not of that codec.
    """
    try:
        return _BOUNDS[codec](packed, enough)
    except (IndexError, struct.error, zlib.error) as error:
        raise ValueError(f"not of {codec}: {error}") from error


def _gzip(packed: bytes, enough: int) -> int:
    if len(packed) * _DEFLATE_BEST <= enough:
        return len(packed) * _DEFLATE_BEST
    unpacker, size_bytes, at = zlib.decompressobj(_GZIP), 0, 0
    while at < len(packed) and size_bytes <= enough:
        # A piece at a time: zlib copies what it has left over, and a batch may be of thousands of empty members.
        piece = packed[at : at + _PIECE_BYTES]
        size_bytes += len(unpacker.decompress(piece, _STEP_BYTES))
        at += len(piece) - len(unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail)
        if unpacker.eof:  # one more member, or the end
            unpacker = zlib.decompressobj(_GZIP)
    return size_bytes


def _snappy(packed: bytes, enough: int) -> int:
    if not packed.startswith(_XERIAL):
        return _varint(packed, 0)
    size_bytes, at = 0, _XERIAL_HEADER_BYTES
    while at < len(packed) and size_bytes <= enough:
        (length,) = struct.unpack_from(">I", packed, at)
        size_bytes += _varint(packed, at + 4)
        at += 4 + length
    return size_bytes


def _lz4(packed: bytes, enough: int) -> int:
    size_bytes, at = 0, 0
    while at < len(packed) and size_bytes <= enough:
        if packed[at : at + 4] != _LZ4:
            raise ValueError("not of lz4: no frame begins")
        flags, block_bytes = packed[at + 4], 1 << (8 + 2 * (packed[at + 5] >> 4 & 7))
        at += 7 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)
        while size_bytes <= enough:
            (length,) = struct.unpack_from("<I", packed, at)
            at += 4 + (length & 0x7FFF_FFFF) + (4 if length and flags & 0x10 else 0)
            if not length:
                break
            size_bytes += block_bytes
        at += 4 if flags & 0x04 else 0
    return size_bytes


def _zstd(packed: bytes, enough: int) -> int:
    size_bytes, at = 0, 0
    while at < len(packed) and size_bytes <= enough:
        if packed[at : at + 4] != _ZSTD:
            raise ValueError("not of zstd: no frame begins")
        header = packed[at + 4]
        is_single = header >> 5 & 1
        content = (is_single, 2, 4, 8)[header >> 6]
        at += 5 + (not is_single) + (0, 1, 2, 4)[header & 3] + content
        is_last = False
        while not is_last and size_bytes <= enough:
            block = int.from_bytes(packed[at : at + 3], "little")
            if at + 3 > len(packed):
                raise ValueError("not of zstd: a frame is cut off")
            is_last, kind, length = bool(block & 1), block >> 1 & 3, block >> 3
            size_bytes += _ZSTD_BLOCK_BYTES if kind == _ZSTD_COMPRESSED else length
            at += 3 + (1 if kind == _ZSTD_RLE else length)
        at += 4 if header >> 2 & 1 else 0
    return size_bytes


def _varint(packed: bytes, at: int) -> int:
    value = shift = 0
    while True:
        byte = packed[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        at, shift = at + 1, shift + 7


_BOUNDS: Final[Mapping[Compression, Callable[[bytes, int], int]]] = {
    "none": lambda packed, _enough: len(packed),
    "gzip": _gzip,
    "snappy": _snappy,
    "lz4": _lz4,
    "zstd": _zstd,
}
