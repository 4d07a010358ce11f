"""What the agent is given: one message a fetch and partition, or several of `max_batch_records`."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, cast

from aiokafka.structs import ConsumerRecord
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from agents.delivery.acks import AckLedger, AckRange


class BatchMessage(ConsumerMessage):
    """A fetch of one partition; `value` holds its records, in order. A changelog's batch has no ledger."""

    __slots__ = ("ack_range", "ledger", "seek")

    ledger: AckLedger | None
    ack_range: AckRange | None
    seek: int
    """Which of its partition's seeks it was read after."""

    @classmethod
    def of(
        cls, tp: TP, records: Sequence[ConsumerRecord], ledger: AckLedger | None, generation_id: int, seek: int = 0
    ) -> Self:
        """Hand out `records`, at least one: `ledger` opens their range."""
        last = records[-1]
        message = cls(
            tp.topic,
            tp.partition,
            last.offset,
            (last.timestamp or 0) / 1000.0,
            last.timestamp_type,
            None,
            None,
            cast(Any, records),
            None,
            0,
            0,
            tp,
            generation_id=generation_id,
        )
        message.ledger, message.seek = ledger, seek
        message.ack_range = ledger.open(records[0].offset, last.offset) if ledger else None
        return message

    @property
    def records(self) -> Sequence[ConsumerRecord]:
        """The records, at least one, in offset order; offsets may be missing between them."""
        return cast(Sequence[ConsumerRecord], self.value)


def even_parts(records: Sequence[ConsumerRecord], most: int) -> Iterator[Sequence[ConsumerRecord]]:
    """Cut a fetch into as few parts of at most `most` as it takes, of one size: a small last part costs as much.

    Each is acknowledged by itself: a stop waits for the part that was begun, not for the fetch.
    """
    parts = -(-len(records) // max(most, 1))
    size = -(-len(records) // max(parts, 1)) or 1
    for start in range(0, len(records), size):
        yield records[start : start + size]
