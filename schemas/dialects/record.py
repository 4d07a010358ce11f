"""What a dialect is given, a record, and what it makes of it: native events, and what is none."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, Self, runtime_checkable

from msgspec import Struct

from schemas.errors import InvalidInput
from schemas.event import NativeEvent

MAX_PARTS: Final = 10_000
"""Statements of an array, events of an envelope: more are not even looked at."""


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


class DatedRecord(NamedTuple):
    """A record, as if it were of another time."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    @classmethod
    def of(cls, record: Record, timestamp: int) -> Self:
        """`record`, at `timestamp` (ms)."""
        return cls(record.topic, record.partition, record.offset, timestamp, record.key, record.value, record.headers)


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


@dataclass(frozen=True, slots=True)
class Tolerated:
    """A rule of its standard that a part of a record breaks where nobody reads it, so that it was read all the same."""

    dialect: str
    rule: str
    index: int = 0


class Decoded(Struct, frozen=True, gc=False):
    """What one record held: events in their order, the parts that are wrong, those of no use, and what was tolerated.

    `parts` says of each event which part of the record it is of, from 0; empty where the record has but one. A part may
    come to several events.
    """

    events: Sequence[NativeEvent] = ()
    invalid: Sequence[Invalid] = ()
    ignored: Sequence[Ignored] = ()
    parts: Sequence[int] = ()
    tolerated: Sequence[Tolerated] = ()

    @property
    def has_several_parts(self) -> bool:
        """Whether the record was read part by part, and not as a whole."""
        unread: Sequence[Invalid | Ignored] = (*self.invalid, *self.ignored)
        return bool(self.parts) or any(one.index for one in unread)

    def only(self, wanted: Container[int]) -> "Decoded":
        """What was decoded of the `wanted` parts; all of it where the record was read as a whole."""
        if not self.has_several_parts:
            return self
        chosen = [(event, part) for event, part in zip(self.events, self.parts, strict=True) if part in wanted]
        return Decoded(
            events=[event for event, _ in chosen],
            invalid=[one for one in self.invalid if one.index in wanted],
            ignored=[one for one in self.ignored if one.index in wanted],
            parts=[part for _, part in chosen],
            tolerated=[one for one in self.tolerated if one.index in wanted],
        )


Decode = Callable[[Record], Decoded]
"""Never raises."""


class Dialect(Protocol):
    """Reads what it claims. `decode` never raises: what cannot be read is in `invalid`."""

    name: str

    def claims(self, document: Any) -> bool:
        """Whether `document`, parsed JSON, is this dialect's, be it valid or not. Cheap."""

    def decode(self, document: Any, record: Record) -> Decoded:
        """All that `document` holds, in order; `record` is where it came from."""


def require_few(parts: int) -> None:
    """Raise InvalidInput (too_many_events) for more than MAX_PARTS."""
    if parts > MAX_PARTS:
        raise InvalidInput("too_many_events", f"{parts} events; no record may hold more than {MAX_PARTS}")
