"""Records of the internal topics, `reasoning-results` and `erasures`: their outcomes, and bad ones' dead letters."""

from typing import Literal

from schemas.dead_letter import DeadLetter
from schemas.dialects import Record
from schemas.errors import InvalidInput

InternalOutcome = Literal[
    "results_applied",
    "results_ignored",
    "results_dead_lettered",
    "erasures_applied",
    "erasures_ignored",
    "erasures_forwarded",
    "erasures_dead_lettered",
]


def dead_letter_of(record: Record, error: InvalidInput) -> DeadLetter:
    """Of a record that cannot be applied. Somebody else wrote to our topic: no reason to stop, each time it is read."""
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        index=0,
        reason=error.reason,
        error=str(error),
        schema_guess="unknown",
    )
