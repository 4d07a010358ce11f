"""Key and value of a dead letter, from the record that it is on `dead-letters`.

    dl-keyed   absent   ──► the record's key is the dead letter's own
               unique   ──► the dead letter has one of its own, the record's is in `dl-key`, absent where it was null
               unique,null ► so, and the record had no value: a null value would say that the dead letter is erased

A key of its own is <topic>/<partition>/<offset>/<index>/<random>: it comes once, so that compaction removes a dead
letter when a null value is written to its key, and never for another's sake, not even for its repeat after a crash.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from schemas.dead_letter import Header, from_headers
from schemas.dead_letter_packing import Content, unpack
from schemas.dead_letter_redaction import read_hashes

KEY_HEADER: Final = "dl-key"
_UNIQUE: Final = "unique"
_UNIQUE_WITHOUT_VALUE: Final = "unique,null"
_OWN_KEY: Final = re.compile(rb"[A-Za-z0-9._-]{1,249}(/[0-9]{1,19}){3}/[0-9a-f]{16}")


class KeyedContent(NamedTuple):
    """A content under a key of its own, and the header that has the record's key."""

    content: Content
    headers: tuple[Header, ...]


def with_own_key(content: Content, random: str) -> KeyedContent:
    """The same under a key that is nobody else's, if `random`, 16 hexadecimal digits, is."""
    of, key, value = content
    keyed = _UNIQUE if value is not None else _UNIQUE_WITHOUT_VALUE
    own_key = f"{of.topic}/{of.partition}/{of.offset}/{of.index}/{random}".encode()
    keyed_content = Content(msgspec.structs.replace(of, keyed=keyed), own_key, value or b"")
    return KeyedContent(keyed_content, () if key is None else ((KEY_HEADER, key),))


def read_content(headers: Sequence[Header], key: bytes | None, value: bytes | None) -> Content:
    """A dead letter, with key and value of the record that it is about; with what stands for them where it is redacted.

    Raises msgspec.ValidationError, UnicodeDecodeError, NotPacked, NotRedacted.
    """
    dead_letter = from_headers(headers)
    if dead_letter.keyed:
        key = next((own for name, own in headers if name == KEY_HEADER), None)
        value = None if dead_letter.keyed == _UNIQUE_WITHOUT_VALUE else value
    if dead_letter.redacted:
        read_hashes(key, value)
        return Content(dead_letter, key, value)
    return Content(dead_letter, *unpack(dead_letter, key, value))


def is_tombstone(headers: Sequence[Header], key: bytes | None, value: bytes | None) -> bool:
    """Whether a record says that the dead letter of its key is erased."""
    return value is None and not headers and is_own_key(key)


def is_own_key(key: bytes | None) -> bool:
    """Whether it is one of a dead letter's own."""
    return key is not None and _OWN_KEY.fullmatch(key) is not None
