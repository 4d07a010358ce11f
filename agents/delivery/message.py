"""What the agent is given: one message a fetch and partition, or several of `max_batch_records`."""

from collections.abc import Sequence
from typing import cast

from aiokafka.structs import ConsumerRecord
from faust.types.tuples import ConsumerMessage

from agents.delivery.acks import AckLedger, AckRange


class BatchMessage(ConsumerMessage):
    """A fetch of one partition; `value` holds its records, in order. A changelog's batch has no ledger."""

    __slots__ = ("ack_range", "ledger")

    ledger: AckLedger | None
    ack_range: AckRange | None

    @property
    def records(self) -> Sequence[ConsumerRecord]:
        """The records, at least one, in offset order; offsets may be missing between them."""
        return cast(Sequence[ConsumerRecord], self.value)
