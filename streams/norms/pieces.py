"""Sealed norms in pieces, so that each fits into a record, and whole again.

    magic | number | of how many | checksum of the whole | its bytes

A piece says of which whole it is: pieces of another one that are still there, or arrive in between, are passed over.
"""

import struct
from typing import Final, NamedTuple, Self

from streams.norms.sealed import MAX_SEALED_BYTES, NormsUnreadable, checksum_of

PIECE_BYTES: Final = 900_000
_MOST_PIECES: Final = -(-MAX_SEALED_BYTES // PIECE_BYTES)
_MAGIC: Final = b"\x93skPIECE"
_FRAME: Final = struct.Struct("<8sII32s")


class Piece(NamedTuple):
    """One of `of` pieces of the whole with this checksum; `number` counts from 0."""

    number: int
    of: int
    checksum: bytes
    content: bytes

    @classmethod
    def decode(cls, record: bytes) -> Self:
        """The reverse of `encode`. Raises NormsUnreadable."""
        if len(record) < _FRAME.size or not record.startswith(_MAGIC):
            raise NormsUnreadable("foreign", "these bytes are no piece of norms")
        _, number, of, checksum = _FRAME.unpack_from(record)
        if of > _MOST_PIECES:
            raise NormsUnreadable("too_large", f"{of:,} pieces; at most {_MOST_PIECES} are read")
        if number >= of:
            raise NormsUnreadable("damaged", f"piece {number} of {of}")
        return cls(number, of, checksum, record[_FRAME.size :])

    def encode(self) -> bytes:
        """The value of its record."""
        return _FRAME.pack(_MAGIC, self.number, self.of, self.checksum) + self.content


def pieces_of(sealed: bytes) -> list[Piece]:
    """All pieces of a shard or a snapshot, in order."""
    starts = range(0, len(sealed), PIECE_BYTES)
    checksum = checksum_of(sealed)
    return [
        Piece(number, len(starts), checksum, sealed[start : start + PIECE_BYTES]) for number, start in enumerate(starts)
    ]


class Pieces:
    """The newest piece of each number, as a compacted topic has them under one key each."""

    def __init__(self) -> None:
        self._by_number: dict[int, Piece] = {}

    def put(self, piece: Piece) -> bytes | None:
        """Take one in; return the whole that it is of, where that is there now."""
        self._by_number[piece.number] = piece
        found = [self._by_number.get(number) for number in range(piece.of)]
        whole = [each for each in found if each is not None and each.checksum == piece.checksum]
        if len(whole) < piece.of:
            return None
        self._by_number = dict(enumerate(whole))
        return b"".join([each.content for each in whole])
