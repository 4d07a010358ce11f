"""A record of the dead-letters topic, and the record that it once was."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Self, cast

import msgspec
from confluent_kafka import Message

from agents.reading import headers_of
from schemas.dead_letter import REINSERTED_HEADER, DeadLetter, Header, from_headers, own_headers
from schemas.dialects import Record
from schemas.letter_packing import NotPacked, unpack
from streams.origin import ORIGIN_HEADER
from streams.replay import FileRecord

_CAME: Final = re.compile(rb";(-?[0-9]{1,19})\Z")
_OF_ONE_JOURNEY: Final = frozenset({ORIGIN_HEADER, REINSERTED_HEADER})


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """What lies at `partition`@`offset`, written at `written_ms`; `letter` is None where somebody else wrote it.

    Key and value are the record's own, unpacked; `size_bytes` is of both.
    """

    partition: int
    offset: int
    written_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    letter: DeadLetter | None
    size_bytes: int

    @property
    def place(self) -> str:
        """How the commands name it."""
        return f"{self.partition}@{self.offset}"

    @property
    def source(self) -> str:
        """Where the record came from."""
        return "" if self.letter is None else f"{self.letter.topic}/{self.letter.partition}@{self.letter.offset}"

    @property
    def reason(self) -> str:
        """Why it is one; of what is no dead letter, that."""
        return "not_a_dead_letter" if self.letter is None else self.letter.reason

    @property
    def producers_headers(self) -> tuple[Header, ...]:
        """The producer's own, without what we put on records that we send."""
        return tuple(header for header in own_headers(self.headers) if header[0] not in _OF_ONE_JOURNEY)

    @property
    def first_came_ms(self) -> int:
        """When the record first came, though it may have been sent back since; 0 where that is not known."""
        for name, value in self.headers:
            came = _CAME.search(value or b"") if name == REINSERTED_HEADER else None
            if came is not None:
                return int(came[1])
        return 0 if self.letter is None else self.letter.timestamp

    def without_content(self) -> Self:
        """Itself, small: for lists."""
        return replace(self, key=None, value=None, headers=())

    def original(self, letter: DeadLetter) -> Record:
        """The record as it was when it was read."""
        return FileRecord(
            offset=letter.offset,
            timestamp=letter.timestamp,
            value=self.value,
            topic=letter.topic,
            partition=letter.partition,
            key=self.key,
            headers=cast(Any, self.producers_headers),  # a null value is what aiokafka gives, too
        )


def letter_of(message: Message) -> StoredLetter:
    """A record of the dead-letters topic. Never raises."""
    headers, letter = tuple(headers_of(message)), None
    key, value = message.key(), message.value()
    with suppress(msgspec.ValidationError, NotPacked):
        said = from_headers(headers)
        key, value = unpack(said, key, value)
        letter = said
    return StoredLetter(
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        written_ms=int(message.timestamp()[1]),
        key=key,
        value=value,
        headers=headers,
        letter=letter,
        size_bytes=len(key or b"") + len(value or b""),
    )
