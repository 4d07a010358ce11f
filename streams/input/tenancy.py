"""Whose a record is, and whose a student: a producer proves its tenant by a header that a key of it signs. Pure.

    skillstream-tenant: <tenant>:<key's id>:<HMAC>

The HMAC is of the tenant's name, the record's key and its value: a header that was copied to another record proves
nothing. Not of the partition, which the partitioner chooses after the header is made.
"""

import hmac
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from schemas.dead_letter import Header
from schemas.dialects import Record
from streams.input.signature import id_of, mac_of

TENANT_HEADER: Final = "skillstream-tenant"
UNSIGNED: Final = "unsigned"
"""The tenant of records that prove no other, and of students whom no tenant has."""
_PROOF: Final = re.compile(rb"([a-z0-9_-]{1,32}):([0-9a-f]{8}):([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Tenancy:
    """By tenant's name: how its students' ids begin, no beginning being one of another, and its signing keys, of which
    the first signs.
    """

    students: Mapping[str, str] = field(default_factory=dict)
    signing_keys: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)
    _by_id: Mapping[bytes, tuple[str, bytes]] = field(init=False, repr=False)
    _beginnings: Sequence[str] = field(init=False, repr=False)
    _names: Sequence[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_id = {id_of(key): (name, key) for name, keys in self.signing_keys.items() for key in keys}
        object.__setattr__(self, "_by_id", by_id)
        by_beginning = sorted((start, name) for name, start in self.students.items())
        object.__setattr__(self, "_beginnings", [start for start, _ in by_beginning])
        object.__setattr__(self, "_names", [name for _, name in by_beginning])

    def of_student(self, student_id: str) -> str:
        """The tenant that has a student of this id."""
        at = bisect_right(self._beginnings, student_id) - 1
        return self._names[at] if at >= 0 and student_id.startswith(self._beginnings[at]) else UNSIGNED

    def of_record(self, record: Record) -> str:
        """The tenant that a record proves: by one header, signed by a key of that tenant for just this record."""
        proofs = [value or b"" for name, value in record.headers if name == TENANT_HEADER]
        found = _PROOF.fullmatch(proofs[0]) if len(proofs) == 1 else None
        known = self._by_id.get(found[2]) if found is not None else None
        if found is None or known is None or known[0].encode() != found[1]:
            return UNSIGNED
        tenant, key = known
        return tenant if hmac.compare_digest(_mac(key, found[1], record.key, record.value), found[3]) else UNSIGNED

    def vouch(self, student_id: str, key: bytes | None, value: bytes | None) -> tuple[Header, ...]:
        """The header for a record of ours about a student, by the student's tenant; none where no tenant has it."""
        return self.sign(self.of_student(student_id), key, value)

    def sign(self, tenant: str, key: bytes | None, value: bytes | None) -> tuple[Header, ...]:
        """The header for a record of this key and value; none for a tenant without a key."""
        keys, name = self.signing_keys.get(tenant, ()), tenant.encode()
        if not keys:
            return ()
        return ((TENANT_HEADER, b":".join((name, id_of(keys[0]), _mac(keys[0], name, key, value)))),)


ONE_TENANT: Final = Tenancy()
"""All is of one tenant, which nothing proves."""


def _mac(secret: bytes, tenant: bytes, key: bytes | None, value: bytes | None) -> bytes:
    digest = None if value is None else sha256(value).digest()
    return mac_of(secret, (TENANT_HEADER.encode(), tenant, key, digest))
