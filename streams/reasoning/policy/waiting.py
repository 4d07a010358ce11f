"""The students who wait: those not due by their time, those due in a flow a school; who comes first, and who last.

    ┌─ not due: heap by not_before ─┐ ──its time comes──► ┌─ due: a flow a school, heap by priority ─┐ ──take──►
    └───────────────────────────────┘                     └── turns among schools ───────────────────┘

Entries of heaps are replaced, not searched for: stale ones are skipped when they surface, and swept once they are the
most.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streams.reasoning.policy.flows import Flows, HeapEntry
from streams.reasoning.policy.ticket import StudentKey, Ticket
from streams.reasoning.policy.turns import Turns

_SWEEP_ABOVE: Final = 64


@dataclass(slots=True)
class _Waiter:
    version: int
    ticket: Ticket
    is_due: bool


class WaitingStudents:
    """Not thread-safe. `order` is a ticket's place in its flow, least first. O(log n) each, but for `drop`."""

    def __init__(self, order: Callable[[Ticket], int]) -> None:
        self.turns = Turns()
        self.flows = Flows()
        self.now_us = 0
        self._order = order
        self._version = 0
        self._pushed = 0
        self._waiters: dict[StudentKey, _Waiter] = {}
        self._later: list[HeapEntry] = []
        self._latest: list[HeapEntry] = []

    def __len__(self) -> int:
        return len(self._waiters)

    @property
    def oldest_us(self) -> int | None:
        """Since when the student waits who waits longest; None where nobody does. Looks at all of them."""
        return min((waiter.ticket.since_us for waiter in self._waiters.values()), default=None)

    @property
    def entries(self) -> int:
        """Heap entries, stale ones too: what memory goes by."""
        of_flows = sum(len(flow.first) + len(flow.last) for flow in self.flows.all())
        return len(self._later) + len(self._latest) + of_flows + self.turns.entries

    def add(self, ticket: Ticket) -> None:
        """Let a student wait, who does not yet."""
        waiter = _Waiter(0, ticket, ticket.not_before_us <= self.now_us)
        self._waiters[ticket.student] = waiter
        if waiter.is_due:
            self.flows.add(ticket.school)
        self._enter(waiter)
        if self._pushed > 2 * len(self._waiters) + _SWEEP_ABOVE:
            self._sweep()

    def remove(self, student: StudentKey) -> None:
        """Let a student go; nothing happens for one who does not wait."""
        waiter = self._waiters.pop(student, None)
        if waiter is not None and waiter.is_due:
            self.flows.remove(waiter.ticket.school)
            if self.flows.get(waiter.ticket.school) is None:
                self.turns.leave(waiter.ticket.school)

    def take(self, now_us: int) -> Ticket | None:
        """Take the first of the school whose turn it is, of those due; None if nobody is. `now_us` never goes back."""
        self.now_us = max(self.now_us, now_us)
        self._admit_due()
        school = self.turns.first()
        if school is None:
            return None
        ticket = self._first(school)
        self.turns.take(school)
        self.remove(ticket.student)
        if self.flows.get(school) is not None:
            self.turns.enter(school, self._order(self._first(school)))
        return ticket

    def last(self) -> Ticket:
        """Who has to leave first, of those who wait: of those not due the latest, else the last of the longest flow.

        That is whom fair turns would serve last (McKenney 1990, stochastic fairness queueing).
        """
        return self._top(self._latest if self._are_some_later else self.flows[self.flows.longest()].last)

    def would_be_last(self, ticket: Ticket) -> bool:
        """Whether `last` would be this student, if added."""
        if ticket.not_before_us > self.now_us:
            return not self._are_some_later or ticket.not_before_us >= self.last().not_before_us
        if self._are_some_later:
            return False
        flow = self.flows.get(ticket.school)
        if flow is None or flow.waiting < self.flows.longest_waiting:
            return False
        return self._order(ticket) >= self._order(self._top(flow.last))

    def drop(self, partition: int) -> None:
        """Let a partition's students go."""
        for student in [student for student in self._waiters if student[0] == partition]:
            self.remove(student)
        self._sweep()

    @property
    def _are_some_later(self) -> bool:
        return len(self._waiters) > self.flows.waiting

    def _live(self, student: StudentKey, version: int) -> _Waiter | None:
        waiter = self._waiters.get(student)
        return waiter if waiter is not None and waiter.version == version else None

    def _admit_due(self) -> None:
        while self._later and self._later[0][0] <= self.now_us:
            _, version, student = heapq.heappop(self._later)
            if (waiter := self._live(student, version)) is not None:
                waiter.is_due = True
                self.flows.add(waiter.ticket.school)
                self._enter(waiter)

    def _enter(self, waiter: _Waiter) -> None:
        """Put it into the heaps, as of a version of its own."""
        self._version += 1
        self._pushed += 1
        ticket, student = waiter.ticket, waiter.ticket.student
        waiter.version = self._version
        if waiter.is_due:
            flow, order = self.flows[ticket.school], self._order(ticket)
            heapq.heappush(flow.first, (order, waiter.version, student))
            heapq.heappush(flow.last, (-order, -waiter.version, student))
            self.turns.enter(ticket.school, order)
        else:
            heapq.heappush(self._later, (ticket.not_before_us, waiter.version, student))
            heapq.heappush(self._latest, (-ticket.not_before_us, -waiter.version, student))

    def _first(self, school: str) -> Ticket:
        """The first of a school's flow, which has one."""
        first = self.flows[school].first
        while (waiter := self._live(first[0][2], first[0][1])) is None:
            heapq.heappop(first)
        return waiter.ticket

    def _top(self, last: list[HeapEntry]) -> Ticket:
        """The first of those who are last first; there is one."""
        while (waiter := self._live(last[0][2], -last[0][1])) is None:
            heapq.heappop(last)
        return waiter.ticket

    def _sweep(self) -> None:
        """Drop stale entries."""
        self._later, self._latest = [], []
        for flow in self.flows.all():
            flow.first, flow.last = [], []
        for waiter in self._waiters.values():
            self._enter(waiter)
        self.turns.sweep()
        self._pushed = 0
