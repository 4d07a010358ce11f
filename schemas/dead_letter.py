"""`dead-letters`: the original key and value, untouched; where they came from and why, in headers."""

from typing import Final

import msgspec
from msgspec import Struct

MAX_ERROR_CHARS: Final = 500


class DeadLetter(Struct, frozen=True, kw_only=True):
    """The headers of a dead letter. `index` counts within an envelope; `timestamp` is the record's, in ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    index: int
    reason: str
    error: str
    schema_guess: str


def to_headers(letter: DeadLetter) -> tuple[tuple[str, bytes], ...]:
    """Kafka headers, `dl-` before each name, values as UTF-8 text."""
    fields = msgspec.to_builtins(letter)
    fields["error"] = letter.error[:MAX_ERROR_CHARS]
    return tuple((f"dl-{name}", str(value).encode()) for name, value in fields.items())


def from_headers(headers: list[tuple[str, bytes]] | tuple[tuple[str, bytes], ...]) -> DeadLetter:
    """The reverse of `to_headers`. Raises msgspec.ValidationError where a header is missing."""
    fields = {name[3:]: value.decode() for name, value in headers if name.startswith("dl-")}
    return msgspec.convert(fields, DeadLetter, strict=False)
