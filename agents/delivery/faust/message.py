"""What Faust carries for us: whole fetches as messages, of the sources to the agent, of the changelog to the table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import time_ns
from typing import Any, Final, Self, TypeVar, cast

from aiokafka.structs import ConsumerRecord
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from agents.delivery.acks import AckLedger, AckRange

_M = TypeVar("_M", bound=ConsumerMessage)
_MOST_SHOWN: Final = 8
"""Partitions of one fetch, where it is told which one failed."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceBatch:
    """What one fetch held of one source partition: at least one record, in offset order; offsets may be missing between
    them. `ledger` opened their `ack_range`.
    """

    tp: TP
    records: Sequence[ConsumerRecord]
    ledger: AckLedger
    ack_range: AckRange

    @classmethod
    def of(cls, tp: TP, records: Sequence[ConsumerRecord], ledger: AckLedger) -> Self:
        """Hand out `records`."""
        return cls(tp, records, ledger, ledger.open(records[0].offset, records[-1].offset))


class FetchMessage(ConsumerMessage):
    """What the agent is given: one fetch, or a part of a large one, of all source partitions that had records. To
    Faust it is a message of the first.
    """

    __slots__ = ("fetched_ns",)

    fetched_ns: int
    """When it was handed over, by the wall clock."""

    @classmethod
    def of(cls, batches: Sequence[SourceBatch], generation_id: int) -> Self:
        """Of `batches`, at least one, each of another partition."""
        message = _message(cls, batches[0].tp, batches[0].records[-1], batches, generation_id)
        message.fetched_ns = time_ns()
        return message

    @property
    def batches(self) -> Sequence[SourceBatch]:
        """By partition."""
        return cast(Sequence[SourceBatch], self.value)

    def __str__(self) -> str:
        firsts = [f"{batch.tp.topic}/{batch.tp.partition}@{batch.ack_range.first}" for batch in self.batches]
        more = f" and {len(firsts) - _MOST_SHOWN} more" if len(firsts) > _MOST_SHOWN else ""
        return f"the fetch from {', '.join(firsts[:_MOST_SHOWN])}{more}"


class LogMessage(ConsumerMessage):
    """A fetch of one partition of a changelog; `value` holds its records, at least one, in order."""

    __slots__ = ("seek",)

    seek: int
    """Which of its partition's seeks it was read after."""

    @classmethod
    def of(cls, tp: TP, records: Sequence[ConsumerRecord], generation_id: int, seek: int) -> Self:
        """Of `records`."""
        message = _message(cls, tp, records[-1], records, generation_id)
        message.seek = seek
        return message

    @property
    def records(self) -> Sequence[ConsumerRecord]:
        """In offset order; offsets may be missing between them."""
        return cast(Sequence[ConsumerRecord], self.value)


def _message(of: type[_M], tp: TP, last: ConsumerRecord, value: object, generation_id: int) -> _M:
    return of(
        tp.topic,
        tp.partition,
        last.offset,
        (last.timestamp or 0) / 1000.0,
        last.timestamp_type,
        None,
        None,
        cast(Any, value),
        None,
        0,
        0,
        tp,
        generation_id=generation_id,
    )


Fetched = Mapping[TP, Sequence[ConsumerRecord]]


def even_parts(fetched: Fetched, most: int) -> Iterator[Fetched]:
    """Cut a fetch into as few parts as it takes, of at most `most` records of a partition, of one size: a small last
    part costs as much.

    Each holds a share of every partition of several records, and is acknowledged by itself: a stop waits for the part
    that was begun, not for the fetch.
    """
    parts = max((-(-len(records) // most) for records in fetched.values()), default=0)
    sizes = {tp: -(-len(records) // parts) for tp, records in fetched.items()}
    for part in range(parts):
        shares = ((tp, fetched[tp][part * size : (part + 1) * size]) for tp, size in sizes.items())
        if held := {tp: share for tp, share in shares if share}:
            yield held
