"""Events with when they count: history is taken in this order."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemas.dialects import Decode, Record
from schemas.event import NativeEvent


class Dated(NamedTuple):
    """An event that counts as of `time_us`: its own time, or its record's where that is earlier."""

    time_us: int
    timestamp: int
    event: NativeEvent


def dated_events(records: Iterable[Record], decode: Decode) -> Iterator[Dated]:
    """All events that can be read."""
    for record in records:
        for event in decode(record).events:
            yield Dated(counted_time_us(event, record), record.timestamp, event)


def counted_time_us(event: NativeEvent, record: Record) -> int:
    """When an event counts as of: its own time, or its record's where that is earlier."""
    return min(int(event.time.timestamp() * 1e6), record.timestamp * 1000)
