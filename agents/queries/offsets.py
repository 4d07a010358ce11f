"""Where the newest record of each student is in a partition, in 16 bytes a student."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST_FRESH: Final = 50_000
_NONE: Final = -1


class NewestOffsets:
    """By a hash of the key: whoever reads the record looks whether it is of that key. `next` is where to read on."""

    def __init__(self, most_fresh: int = _MOST_FRESH) -> None:
        """So many are kept in a dict, which takes more, before they are put into the arrays."""
        self.next = 0
        self._most_fresh = most_fresh
        self._hashes: NDArray[np.int64] = np.zeros(0, np.int64)
        self._offsets: NDArray[np.int64] = np.zeros(0, np.int64)
        self._fresh: dict[int, int] = {}

    def note(self, key: bytes, offset: int, *, is_null: bool) -> None:
        """A record, in the order of their offsets; a null one takes the student out."""
        self._fresh[hash(key)] = _NONE if is_null else offset
        self.next = offset + 1
        if len(self._fresh) >= self._most_fresh:
            self._settle()

    def find(self, key: bytes) -> int | None:
        """The offset of a key's newest record; None where there is none."""
        hashed = hash(key)
        found = self._fresh.get(hashed)
        if found is None:
            at = int(self._hashes.searchsorted(hashed))
            is_known = at < len(self._hashes) and int(self._hashes[at]) == hashed
            found = int(self._offsets[at]) if is_known else _NONE
        return None if found == _NONE else found

    def __len__(self) -> int:
        """Students, those of whom nothing is left among them until they are settled."""
        return len(self._hashes) + len(self._fresh)

    @property
    def settled_bytes(self) -> int:
        """What the arrays take."""
        return self._hashes.nbytes + self._offsets.nbytes

    def _settle(self) -> None:
        """Put the fresh into the arrays: of each hash the last counts."""
        fresh = np.fromiter(self._fresh.keys(), np.int64, len(self._fresh))
        hashes = np.concatenate([fresh, self._hashes])
        offsets = np.concatenate([np.fromiter(self._fresh.values(), np.int64, len(fresh)), self._offsets])
        found, first = np.unique(hashes, return_index=True)
        there = offsets[first] != _NONE
        self._hashes, self._offsets = found[there], offsets[first][there]
        self._fresh.clear()
