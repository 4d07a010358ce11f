"""A dead letter as it is written: packed where it is large, or redacted.

redaction off ──► key, value and headers as they came, packed where they are large
          hash ──► keyed hashes of them; our own headers stay, where they are ours
               └─ a held tenant's record ──► as with off: nobody has read it, and a replay is to bring it back
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from schemas.dead_letter import DeadLetter, Header, with_own_headers
from schemas.dead_letter_packing import pack
from schemas.dead_letter_redaction import METHOD, ContentHash
from schemas.dialects import Record
from schemas.topics import MAX_RECORD_BYTES
from streams.input.signature import SIGNED_HEADERS, Authentic, nobody
from streams.input.tenant_decoding import TENANT_HELD

HashOf = Callable[[bytes], ContentHash]
"""A keyed hash of some bytes."""


class Written(NamedTuple):
    """Key, value and headers of the record on `dead-letters`."""

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    is_packed: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetterWriter:
    """`hash_of` is None where nothing is redacted; headers of ours count that are `authentic`."""

    hash_of: HashOf | None = None
    authentic: Authentic = nobody

    def write(self, dead_letter: DeadLetter, record: Record) -> Written:
        """The dead letter about `record`, as it is sent."""
        if self.hash_of is not None and dead_letter.reason != TENANT_HELD:
            return self._redacted(dead_letter, record, self.hash_of)
        packed = pack(dead_letter, record.key, record.value, MAX_RECORD_BYTES)
        headers = with_own_headers(packed.dead_letter, record.headers)
        return Written(packed.key, packed.value, headers, bool(packed.dead_letter.encoding))

    def _redacted(self, dead_letter: DeadLetter, record: Record, hash_of: HashOf) -> Written:
        def hashed(content: bytes | None) -> bytes | None:
            return None if content is None else hash_of(content).text

        ours = SIGNED_HEADERS if record.headers and self.authentic(record) else frozenset[str]()
        own = [(name, value if name in ours else hashed(value)) for name, value in record.headers]
        dead_letter = msgspec.structs.replace(dead_letter, redacted=METHOD)
        return Written(hashed(record.key), hashed(record.value), with_own_headers(dead_letter, own))


PLAIN_WRITER: Final = DeadLetterWriter()
"""Redacts nothing."""
