"""What a dialect is given, a record, and what it makes of it: native events, and what is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from schemas.event import NativeEvent


@runtime_checkable
class Record(Protocol):
    """A Kafka record, as far as decoding and folding look at it. `timestamp` in ms."""

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
    """A part of a record that cannot be read: `reason` is countable, `error` is for people.

    `index` is its place among the statements or events of the record, from 0.
    """

    reason: str
    error: str
    schema_guess: str = "unknown"
    index: int = 0


@dataclass(frozen=True, slots=True)
class Ignored:
    """A valid part of a record that has no meaning here: `name` is its verb, action or type."""

    dialect: str
    name: str
    index: int = 0


class Decoded(NamedTuple):
    """What one record held: events in their order, the parts that are wrong, and those of no use."""

    events: Sequence[NativeEvent] = ()
    invalid: Sequence[Invalid] = ()
    ignored: Sequence[Ignored] = ()
