"""From a record's bytes to native events, whatever dialect the platform speaks.

A dialect is one module with `recognises(record)` and `decode(record)`; `DIALECTS` lists them, most specific first,
and the native one takes what no other claims.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

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
    index: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one record held: events in their order, and the parts that are wrong."""

    events: Sequence[NativeEvent] = ()
    invalid: Sequence[Invalid] = field(default=())
