"""A dead letter as it is written: packed where it is large, or redacted; under the record's key, or one of its own.

redaction off ──► key, value and headers as they came, packed where they are large
          hash ──► keyed hashes of them; our own headers stay, where they are ours
               └─ a held tenant's record ──► as with off: nobody has read it, and a replay is to bring it back
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from schemas.dead_letter import DeadLetter, Header, with_own_headers
from schemas.dead_letter_content import with_own_key
from schemas.dead_letter_packing import Content, pack
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
    """`hash_of` is None where nothing is redacted; headers of ours count that are `authentic`; `random` gives 16 new
    hexadecimal digits, and is None where dead letters have the keys of their records.
    """

    hash_of: HashOf | None = None
    authentic: Authentic = nobody
    random: Callable[[], str] | None = None

    def write(self, dead_letter: DeadLetter, record: Record) -> Written:
        """The dead letter about `record`, as it is sent."""
        own: Sequence[Header] = record.headers
        if self.hash_of is not None and dead_letter.reason != TENANT_HELD:
            content, own = self._redacted(dead_letter, record, self.hash_of)
        else:
            content = pack(dead_letter, record.key, record.value, MAX_RECORD_BYTES)
        of_key: tuple[Header, ...] = ()
        if self.random is not None:
            content, of_key = with_own_key(content, self.random())
        headers = (*with_own_headers(content.dead_letter, own), *of_key)
        return Written(content.key, content.value, headers, bool(content.dead_letter.encoding))

    def _redacted(self, dead_letter: DeadLetter, record: Record, hash_of: HashOf) -> tuple[Content, list[Header]]:
        def hashed(content: bytes | None) -> bytes | None:
            return None if content is None else hash_of(content).text

        ours = SIGNED_HEADERS if record.headers and self.authentic(record) else frozenset[str]()
        headers = [(name, value if name in ours else hashed(value)) for name, value in record.headers]
        dead_letter = msgspec.structs.replace(dead_letter, redacted=METHOD)
        return Content(dead_letter, hashed(record.key), hashed(record.value)), headers


PLAIN_WRITER: Final = DeadLetterWriter()
"""Redacts nothing."""
