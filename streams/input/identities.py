"""Whose another id is, as the platform's topic `identities` has it now. Pure.

entries    fay@school.example → fay-2    fay-2 → fay
students   fay@school.example → fay      fay-2 → fay      fay → fay
"""

import sys
from collections.abc import Callable
from typing import Final, Literal

from schemas.errors import InvalidInput
from schemas.identity import read_identity
from streams.input.tenancy import ONE_TENANT, Tenancy

MOST_STEPS: Final = 8
"""Entries that are followed from one id."""
ENTRY_BYTES: Final = 128
"""Beside the two ids: two objects, and their places in the table."""

IdentityRefusal = Literal["not_an_identity", "foreign_student", "full"]
"""Why an entry names nobody: it cannot be read; its two ids are of two tenants; there is no room for it."""
StudentOf = Callable[[bytes], bytes]
"""Tells the student whose id a key is."""


def its_own(key: bytes) -> bytes:
    """A StudentOf where nobody has another id."""
    return key


class IdentityMap:
    """The newest entry of each id, as keys of students. One thread may note entries while others look ids up.

    `max_bytes` bounds what entries may take; an entry may not lead from one tenant's student to another's.
    """

    def __init__(self, tenancy: Tenancy = ONE_TENANT, max_bytes: int = sys.maxsize) -> None:
        self._tenancy, self._max_bytes = tenancy, max_bytes
        self._named: dict[bytes, bytes] = {}
        self.size_bytes = 0

    def __len__(self) -> int:
        """Entries."""
        return len(self._named)

    def note(self, key: bytes | None, value: bytes | None) -> IdentityRefusal | None:
        """The topic's next record: it replaces what the key was before, and only takes that back where it is null or is
        refused; then why.
        """
        other = key or b""
        student = None if value is None else self._checked(other, value)
        self._put(other, None if isinstance(student, str) or student == other else student)
        return student if isinstance(student, str) else None

    def student_of(self, key: bytes) -> bytes:
        """The student whose id it is: where the entries lead that begin with it. The id itself where there is none, and
        where they lead in a circle or further than MOST_STEPS.
        """
        found = key
        for _ in range(MOST_STEPS + 1):
            following = self._named.get(found)
            if following is None:
                return found
            found = following
        return key

    def keys_of(self, key: bytes) -> list[bytes]:
        """All ids of the student whose id it is: the student's first, then the others in their order. Looks at all."""
        student = self.student_of(key)
        others = sorted(other for other in self._named if self.student_of(other) == student)
        return list(dict.fromkeys((student, *others, key)))

    def _checked(self, other: bytes, value: bytes) -> bytes | IdentityRefusal:
        """The student whom an entry names, or why it is refused."""
        try:
            student = read_identity(other, value)
        except InvalidInput:
            return "not_an_identity"
        if self._tenancy.of_student(other.decode()) != self._tenancy.of_student(student.decode()):
            return "foreign_student"
        size_bytes = self.size_bytes - self._taken_bytes(other) + _size_bytes(other, student)
        return "full" if size_bytes > self._max_bytes else student

    def _put(self, other: bytes, student: bytes | None) -> None:
        self.size_bytes -= self._taken_bytes(other)
        if student is None:
            self._named.pop(other, None)
        else:
            self._named[other] = student
            self.size_bytes += _size_bytes(other, student)

    def _taken_bytes(self, other: bytes) -> int:
        former = self._named.get(other)
        return 0 if former is None else _size_bytes(other, former)


def _size_bytes(other: bytes, student: bytes) -> int:
    return len(other) + len(student) + ENTRY_BYTES
