"""Which students a pass looks at: those whose hash ends in certain bits. Halved as often as memory asks for."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

_HASH_BYTES: Final = 4
MAX_BITS: Final = 8 * _HASH_BYTES
FEWEST_STUDENTS: Final = 16
"""No slice of so few students, or fewer, is halved: a pass reads the whole partition."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The students whose hash has `ending` as its last `bits` bits; Slice() is all of them."""

    bits: int = 0
    ending: int = 0

    def contains(self, student: bytes) -> bool:
        """Whether `student` is one of them."""
        if self.bits == 0:
            return True
        digest = blake2b(student, digest_size=_HASH_BYTES).digest()
        return int.from_bytes(digest) & ((1 << self.bits) - 1) == self.ending

    def halves(self) -> tuple["Slice", "Slice"]:
        """The two slices that make up this one."""
        return Slice(self.bits + 1, self.ending), Slice(self.bits + 1, self.ending | 1 << self.bits)
