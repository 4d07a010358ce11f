"""From a record's bytes to native events, whatever dialect the platform speaks.

A dialect is a module whose `decode` turns a record's bytes into events; `decode` here picks it by looking at the
record. Native is the one dialect so far, and takes all records.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from schemas.dialects import native
from schemas.errors import InvalidInput
from schemas.event import NativeEvent


@runtime_checkable
class Record(Protocol):
    """A Kafka record, as far as decoding and folding look at it."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(frozen=True, slots=True)
class Invalid:
    """A part of a record that cannot be read: `reason` is countable, `error` is for people."""

    reason: str
    error: str
    schema_guess: str = "unknown"
    index: int = 0


class Decoded(NamedTuple):
    """What one record held: events in their order, and the parts that are wrong."""

    events: Sequence[NativeEvent] = ()
    invalid: Sequence[Invalid] = ()


def decode(record: Record) -> Decoded:
    """All that `record` holds, in order. Never raises: what cannot be read is in `invalid`."""
    try:
        return Decoded((native.decode(record.value),))
    except InvalidInput as error:
        return Decoded(invalid=(Invalid(error.reason, str(error), "native"),))
