"""Where a student's row lives: the partition that the producers' own partitioner gives the key.

Kafka's Java clients (and aiokafka) place a key by murmur2, librdkafka by CRC-32 in its `consistent` modes.
The two disagree for most keys, so which one is on its owning partition is a setting; `unchecked` takes every record
where it is.
"""

import zlib
from collections.abc import Callable
from functools import lru_cache
from struct import unpack_from
from typing import Literal, Protocol

PartitionerName = Literal["murmur2", "crc32", "unchecked"]
OwningPartitionOfKey = Callable[[bytes], int | None]
"""The owning partition of a key; None where any will do."""

SEED = 0x9747B28C
MULTIPLIER = 0x5BD1E995
_UINT32 = 0xFFFFFFFF
POSITIVE = 0x7FFFFFFF


class Partitioner(Protocol):
    """Says which partition is a key's owning partition."""

    def owning_partition(self, key: bytes, partitions: int) -> int | None:
        """The owning partition of `key` among `partitions` (at least 1); None where any partition will do. Pure."""
        ...


def murmur2(key: bytes) -> int:
    """MurmurHash2, 32 bits, with the seed of Kafka's Java client (`Utils.murmur2`), as an unsigned integer.

    Austin Appleby's algorithm: four bytes at a time, little-endian, mixed by multiplication and shift by 24.
    """
    length = len(key)
    state = SEED ^ length
    for word in unpack_from(f"<{length // 4}I", key):
        mixed = word * MULTIPLIER & _UINT32
        mixed = (mixed ^ mixed >> 24) * MULTIPLIER & _UINT32
        state = state * MULTIPLIER & _UINT32 ^ mixed
    tail = key[length & ~3 :]
    if tail:
        state = (state ^ int.from_bytes(tail, "little")) * MULTIPLIER & _UINT32
    state = (state ^ state >> 13) * MULTIPLIER & _UINT32
    return state ^ state >> 15


def crc32(key: bytes) -> int:
    """CRC-32 as librdkafka's `consistent` partitioner computes it, as an unsigned integer."""
    return zlib.crc32(key)


class Murmur2:
    """Kafka's default for keyed records: the hash's lower 31 bits, modulo the partition count."""

    def owning_partition(self, key: bytes, partitions: int) -> int:
        return _murmur2_partition(key, partitions)


class Crc32:
    """librdkafka's `consistent` and, for keyed records, `consistent_random`."""

    def owning_partition(self, key: bytes, partitions: int) -> int:
        return crc32(key) % partitions


class Unchecked:
    """Every partition owns every key: for topics whose producers place keys by a rule of their own."""

    def owning_partition(self, key: bytes, partitions: int) -> None:
        return None


def partitioner(name: PartitionerName) -> Partitioner:
    """The partitioner of that name."""
    known: dict[PartitionerName, Partitioner] = {
        "murmur2": Murmur2(),
        "crc32": Crc32(),
        "unchecked": Unchecked(),
    }
    return known[name]


@lru_cache(maxsize=65_536)  # the same students come again and again, and the hash is a Python loop
def _murmur2_partition(key: bytes, partitions: int) -> int:
    return (murmur2(key) & POSITIVE) % partitions
