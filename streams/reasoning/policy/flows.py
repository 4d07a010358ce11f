"""The flows of schools (the word of fair queuing): of each the students who are due, and which has most of them.

Entries are replaced, not searched for: whoever looks skips those that are stale.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from streams.reasoning.policy.ticket import StudentKey

HeapEntry: TypeAlias = tuple[int, int, StudentKey]


@dataclass(slots=True)
class Flow:
    """A school's. `first` and `last` are heaps, of (priority, version, student) and of the same with minus signs;
    `raised_to` is the value of whoever was left out last.
    """

    first: list[HeapEntry] = field(default_factory=list)
    last: list[HeapEntry] = field(default_factory=list)
    waiting: int = 0
    raised_to: float = 0.0


class Flows:
    """Flows by school; a school without anybody who is due has none. Lengths change by one, in O(1)."""

    def __init__(self) -> None:
        self._flows: dict[str, Flow] = {}
        self._of_length: dict[int, dict[str, None]] = {}
        self.waiting = 0
        """Students in all flows."""
        self.longest_waiting = 0
        """Students in the longest."""

    def __len__(self) -> int:
        return len(self._flows)

    def __getitem__(self, school: str) -> Flow:
        return self._flows[school]

    def get(self, school: str) -> Flow | None:
        """The flow of a school, if it has one."""
        return self._flows.get(school)

    def all(self) -> list[Flow]:
        """All flows."""
        return list(self._flows.values())

    def longest(self) -> str:
        """The school with most students due; of several the one that has been for longest. Raises StopIteration."""
        return next(iter(self._of_length.get(self.longest_waiting, ())))

    def add(self, school: str) -> Flow:
        """Count one more student; its flow."""
        flow = self._flows.setdefault(school, Flow())
        self._resize(school, flow, flow.waiting + 1)
        self.longest_waiting = max(self.longest_waiting, flow.waiting)
        return flow

    def remove(self, school: str) -> None:
        """Count one less; the flow goes with its last student."""
        flow = self._flows[school]
        self._resize(school, flow, flow.waiting - 1)
        if flow.waiting == 0:
            del self._flows[school]
        if self.longest_waiting not in self._of_length:
            self.longest_waiting -= 1

    def _resize(self, school: str, flow: Flow, waiting: int) -> None:
        self.waiting += waiting - flow.waiting
        if flow.waiting:
            of_before = self._of_length[flow.waiting]
            del of_before[school]
            if not of_before:
                del self._of_length[flow.waiting]
        if waiting:
            self._of_length.setdefault(waiting, {})[school] = None
        flow.waiting = waiting
