"""Handles a position that jumps: an error line, metrics, a reason in health, and with `stop` the end.

A position jumps when its offset is not on the topic any more: retention has removed it, or the topic has lost its end.
Offsets that hold no record (of transactions, compacted) are no jump: the broker passes over them.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from agents.kafka.offsets import SourcePartition
from schemas.errors import Fatal
from streams.input.skipped import NOTHING_SKIPPED, Skipped

JumpPolicy = Literal["continue", "stop"]

_log = logging.getLogger(__name__)


class PositionJumped(Fatal):
    """Records were removed before they were read, and SKILLSTREAM_ON_POSITION_JUMP is `stop`."""


@dataclass(frozen=True, slots=True)
class Jump:
    """From an offset that was due to the one that is read next."""

    topic: str
    partition: int
    came_from: int
    goes_to: int

    @property
    def offsets(self) -> int:
        """How many were passed over; 0 for a position that was set back."""
        return max(0, self.goes_to - self.came_from)

    def __str__(self) -> str:
        where = f"{self.topic}/{self.partition}"
        if self.offsets:
            return (
                f"{where} jumped from offset {self.came_from} to {self.goes_to}: {self.offsets} offsets were removed "
                "before they were read"
            )
        why = "the topic has lost its end, or is another one"
        return f"{where} was set back from offset {self.came_from} to {self.goes_to}: {why}"


class PositionJumps:
    """Of one worker. Safe to use from any thread. `count` is called with each jump."""

    def __init__(self, on_jump: JumpPolicy, count: Callable[[Jump], object]) -> None:
        self._on_jump = on_jump
        self._count = count
        self._lock = Lock()
        self._skipped: dict[SourcePartition, Skipped] = {}
        self._folded_to: dict[SourcePartition, int] = {}
        self._reported: dict[SourcePartition, int] = {}
        self._jumps = 0
        self._newest: Jump | None = None

    def remember(self, topic: str, partition: int, skipped: Skipped, folded_to: int) -> None:
        """What the table knows of a partition that is taken up: what was skipped, and what is folded in spite of a
        position below it.
        """
        with self._lock:
            self._skipped[topic, partition] = skipped
            self._folded_to[topic, partition] = folded_to

    def note(self, topic: str, partition: int, came_from: int, goes_to: int) -> None:
        """A position jumped. Raises PositionJumped where the setting says so; noted twice, it is reported once."""
        part = topic, partition
        with self._lock:
            if goes_to > came_from:
                first = max(came_from, self._folded_to.get(part, 0))
                self._skipped[part] = self.skipped(topic, partition).plus(first, goes_to)
                came_from = max(first, self._reported.get(part, 0))
                if came_from >= goes_to:
                    return
                self._reported[part] = goes_to
            jump = Jump(topic, partition, came_from, goes_to)
            self._newest = jump
            self._jumps += 1
        self._count(jump)
        _log.error(
            "%s",
            jump,
            extra={
                "topic": topic,
                "partition": partition,
                "from_offset": jump.came_from,
                "to_offset": jump.goes_to,
                "offsets": jump.offsets,
            },
        )
        if self._on_jump == "stop":
            raise PositionJumped(
                f"{jump}. What to do: see why this group was behind the topic's retention; to go on without these "
                "records, start with SKILLSTREAM_ON_POSITION_JUMP=continue."
            )

    def skipped(self, topic: str, partition: int) -> Skipped:
        """What was skipped of a partition, as far as its table and this worker know."""
        return self._skipped.get((topic, partition), NOTHING_SKIPPED)

    def reason(self) -> str | None:
        """What health says; None where no position jumped since the start."""
        if self._newest is None:
            return None
        return f"{self._newest}; {self._jumps} jumps since the start"
