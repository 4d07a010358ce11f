"""Shards and snapshots as bytes: what they are, a checksum, a header, and records behind each other.

    magic | version, kind | bytes behind the checksum | SHA-256 of these | header's length | header, 0 … | records

All in whole words; version and kind share one. Equal content has equal bytes, and its checksum names it. Whatever else
arrives is refused with a reason, never half read.
"""

import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, Literal, TypeVar

import msgspec
import numpy as np

from streams.rows.layout import WORD, Array

Reason = Literal["damaged", "incomplete", "foreign", "version", "too_large"]
_Header = TypeVar("_Header", bound=msgspec.Struct)
MAX_SEALED_BYTES: Final = 48 * 1024 * 1024
_MAGIC: Final = b"\x93skNORMS"
_VERSION: Final = 1
"""One more when a record's layout, a measure or a bin's edge changes."""
_FRAME: Final = struct.Struct("<8sIIQ32s")
_LENGTH: Final = struct.Struct("<Q")
_CHECKSUM: Final = slice(_FRAME.size - 32, _FRAME.size)


class NormsUnreadable(ValueError):
    """Bytes that are no norms of ours, or no longer; `reason` is to be counted by, the message is for people."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def seal(kind: int, header: msgspec.Struct, tables: Sequence[Array]) -> bytes:
    """The bytes of a header and its tables."""
    packed = msgspec.msgpack.encode(header)
    behind = b"".join(
        (_LENGTH.pack(len(packed)), packed, bytes(-len(packed) % WORD), *(records.tobytes() for records in tables))
    )
    return _FRAME.pack(_MAGIC, _VERSION, kind, len(behind), sha256(behind).digest()) + behind


def checksum_of(sealed: bytes) -> bytes:
    """The SHA-256 by which content is named."""
    return sealed[_CHECKSUM]


def open_sealed(kind: int, stored: bytes, header: type[_Header]) -> tuple[_Header, int]:
    """The header, and where the tables begin. Raises NormsUnreadable."""
    if len(stored) > MAX_SEALED_BYTES:
        raise NormsUnreadable("too_large", f"{len(stored):,} bytes; at most {MAX_SEALED_BYTES:,} are read")
    if stored[: len(_MAGIC)] != _MAGIC[: len(stored)] or not stored:
        raise NormsUnreadable("foreign", "these bytes are no norms")
    if len(stored) < _FRAME.size + _LENGTH.size:
        raise NormsUnreadable("incomplete", "the beginning is cut off")
    _, version, found, size, checksum = _FRAME.unpack_from(stored)
    if version != _VERSION:
        raise NormsUnreadable("version", f"version {version}; this program reads version {_VERSION}")
    if found != kind:
        raise NormsUnreadable("foreign", "a shard in the place of a snapshot, or the reverse")
    if len(stored) < _FRAME.size + size:
        raise NormsUnreadable("incomplete", f"{len(stored) - _FRAME.size:,} of {size:,} bytes")
    behind = memoryview(stored)[_FRAME.size :]
    if len(behind) > size or sha256(behind).digest() != checksum:
        raise NormsUnreadable("damaged", "the bytes are not those that the checksum is of")
    [length] = _LENGTH.unpack_from(behind)
    at = _FRAME.size + _LENGTH.size
    try:
        packed = msgspec.msgpack.decode(stored[at : at + length], type=header)
    except msgspec.MsgspecError as error:
        raise NormsUnreadable("version", f"the header is another: {error}") from None
    return packed, at + length + -length % WORD


def read_tables(stored: bytes, begin: int, kinds: Sequence["np.dtype[Any]"], counts: Sequence[int]) -> list[Array]:
    """The tables, one of each of these kinds, with so many records. Raises NormsUnreadable where they do not fill the
    bytes, or are not in the order of their codes.
    """
    sizes = [kind.itemsize * count for kind, count in zip(kinds, counts, strict=True)]
    if begin + sum(sizes) != len(stored) or min(counts) < 0:
        raise NormsUnreadable("damaged", "there are not as many records as the header says")
    tables: list[Array] = []
    for kind, count, size in zip(kinds, counts, sizes, strict=True):
        tables.append(np.frombuffer(stored, kind, count, begin))
        begin += size
        codes = tables[-1]["code"]
        if (codes[1:] <= codes[:-1]).any():
            raise NormsUnreadable("damaged", "records are not in the order of their codes")
    return tables
