"""A student's place in the queue."""

from dataclasses import dataclass
from typing import TypeAlias

from streams.reasoning.policy.pending import Sequence
from streams.spending.limits import NO_SCHOOL

StudentKey: TypeAlias = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Ticket:
    """As of `seq`. Times in µs; `school` is the one in whose flow the student waits."""

    partition: int
    key: bytes
    seq: Sequence
    since_us: int
    value: float
    not_before_us: int
    school: str = NO_SCHOOL

    @property
    def student(self) -> StudentKey:
        return self.partition, self.key
