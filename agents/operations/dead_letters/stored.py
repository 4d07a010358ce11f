"""A record of the dead-letters topic, and the record that it once was."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Self, cast

import msgspec
from confluent_kafka import Message

from agents.kafka.record import headers_of
from schemas.dead_letter import REINSERTED_HEADER, DeadLetter, Header, own_headers
from schemas.dead_letter_content import is_tombstone, read_content
from schemas.dead_letter_packing import NotPacked
from schemas.dead_letter_redaction import NotRedacted, read_hashes
from schemas.dialects import Record
from streams.input.signature import OWN_HEADERS, Authentic, nobody
from streams.replay import FileRecord

_FIRST_CAME: Final = re.compile(rb";(-?[0-9]{1,19})\Z")


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """The record at `partition`@`offset`, written at `written_ms`; `dead_letter` is None where somebody else wrote it.

    Key and value are the record's own, unpacked, or what stands for them where it is redacted; `size_bytes` is of the
    record's own; `sent_back` what a replay of ours noted on the record, if one had sent it back; `own_key` the dead
    letter's own, if it has one; `erases` that of the dead letter which this record, a tombstone, erases.
    """

    partition: int
    offset: int
    written_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    dead_letter: DeadLetter | None
    size_bytes: int
    sent_back: bytes | None = None
    erases: bytes | None = None
    own_key: bytes | None = None

    @property
    def location(self) -> str:
        """How the commands name it."""
        return f"{self.partition}@{self.offset}"

    @property
    def source(self) -> str:
        """Where the record came from."""
        return (
            ""
            if self.dead_letter is None
            else f"{self.dead_letter.topic}/{self.dead_letter.partition}@{self.dead_letter.offset}"
        )

    @property
    def reason(self) -> str:
        """Why it is one; of what is no dead letter, that."""
        return "not_a_dead_letter" if self.dead_letter is None else self.dead_letter.reason

    @property
    def is_redacted(self) -> bool:
        """Whether nothing of the record is left but keyed hashes."""
        return self.dead_letter is not None and bool(self.dead_letter.redacted)

    @property
    def producers_headers(self) -> tuple[Header, ...]:
        """The producer's own, without what we put on records that we send."""
        return tuple(header for header in own_headers(self.headers) if header[0] not in OWN_HEADERS)

    @property
    def first_came_ms(self) -> int:
        """When the record first came, though it may have been sent back since; 0 where that is not known."""
        read_ms = 0 if self.dead_letter is None else self.dead_letter.timestamp
        for name, value in self.headers:
            sent_again = _FIRST_CAME.search(value or b"") if name == REINSERTED_HEADER else None
            if sent_again is not None:  # signed or not: a time before it was read can only keep it from coming back
                return min(int(sent_again[1]), read_ms)
        return read_ms

    def without_content(self) -> Self:
        """Itself, small: for lists."""
        return replace(self, key=None, value=None, headers=())

    def original(self, dead_letter: DeadLetter, ours: tuple[Header, ...] = ()) -> Record:
        """The record as it was when it was read, with headers of `ours` before the producer's."""
        return FileRecord(
            offset=dead_letter.offset,
            timestamp=dead_letter.timestamp,
            value=self.value,
            topic=dead_letter.topic,
            partition=dead_letter.partition,
            key=self.key,
            headers=cast(Any, (*ours, *self.producers_headers)),  # a null value is what aiokafka gives, too
        )


def stored_dead_letter(message: Message, authentic: Authentic = nobody) -> StoredDeadLetter:
    """A record of the dead-letters topic; headers of ours that are not `authentic` are nothing. Never raises."""
    headers, dead_letter = tuple(headers_of(message)), None
    key, value = message.key(), message.value()
    with suppress(msgspec.ValidationError, UnicodeDecodeError, NotPacked, NotRedacted):
        dead_letter, key, value = read_content(headers, key, value)
    stored = StoredDeadLetter(
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        written_ms=int(message.timestamp()[1]),
        key=key,
        value=value,
        headers=headers,
        dead_letter=dead_letter,
        size_bytes=_size_bytes(dead_letter, key, value),
        erases=message.key() if is_tombstone(headers, message.key(), message.value()) else None,
        own_key=message.key() if dead_letter is not None and dead_letter.keyed else None,
    )
    reinserted = [value for name, value in headers if name == REINSERTED_HEADER]
    if dead_letter is None or not reinserted:
        return stored
    if dead_letter.redacted:  # one that was not ours is hashed
        return replace(stored, sent_back=reinserted[0]) if _FIRST_CAME.search(reinserted[0] or b"") else stored
    sent_again = replace(cast(FileRecord, stored.original(dead_letter)), headers=cast(Any, own_headers(headers)))
    return replace(stored, sent_back=reinserted[0]) if authentic(sent_again) else stored


def _size_bytes(dead_letter: DeadLetter | None, key: bytes | None, value: bytes | None) -> int:
    """Of the record's key and value."""
    if dead_letter is not None and dead_letter.redacted:
        return sum(each.size_bytes for each in read_hashes(key, value) if each is not None)
    return len(key or b"") + len(value or b"")
