"""The owning partitions of a batch's keys, all at once: a hash of one key is a loop in Python, of many a few arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.input.partitioner import MULTIPLIER, POSITIVE, SEED, Murmur2, OwningPartitionOfKey, Partitioner

_FEW: Final = 64
"""So many keys are hashed one by one, by what is remembered of students who come again."""
_MIX: Final = np.uint32(MULTIPLIER)


@dataclass(frozen=True, slots=True)
class KeyPlacement:
    """Where a `partitioner` places keys on `partitions`; an OwningPartitionOfKey."""

    partitioner: Partitioner
    partitions: int

    def __call__(self, key: bytes) -> int | None:
        """The owning partition of a key."""
        return self.partitioner.owning_partition(key, self.partitions)


def owning_partitions(of_key: OwningPartitionOfKey, keys: Sequence[bytes]) -> Sequence[int | None]:
    """The owning partition of each key, as `of_key` says."""
    if len(keys) > _FEW and isinstance(of_key, KeyPlacement) and isinstance(of_key.partitioner, Murmur2):
        placed: list[int] = ((murmur2_of(keys) & np.uint32(POSITIVE)) % np.uint32(of_key.partitions)).tolist()
        return placed
    return [of_key(key) for key in keys]


def murmur2_of(keys: Sequence[bytes]) -> NDArray[np.uint32]:
    """`murmur2` of each key. Keys of one length are mixed together."""
    hashes = np.empty(len(keys), np.uint32)
    lengths = np.fromiter(map(len, keys), np.intp, len(keys))
    for length in np.unique(lengths).tolist():
        at = np.flatnonzero(lengths == length)
        some = b"".join([keys[number] for number in at.tolist()])
        hashes[at] = _of_one_length(np.frombuffer(some, np.uint8).reshape(len(at), length))
    return hashes


def _of_one_length(of_key: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The hash of each row, whose columns are the key's bytes."""
    count, length = of_key.shape
    whole = length & ~3
    padded = np.zeros((count, length + 3 & ~3), np.uint8)
    padded[:, :length] = of_key
    words = padded.view("<u4")
    state = np.full(count, SEED ^ length, np.uint32)
    for column in range(whole // 4):
        mixed = words[:, column] * _MIX
        mixed = (mixed ^ mixed >> np.uint32(24)) * _MIX
        state = state * _MIX ^ mixed
    if length > whole:
        state = (state ^ words[:, -1]) * _MIX
    state = (state ^ state >> np.uint32(13)) * _MIX
    return np.asarray(state ^ state >> np.uint32(15))
