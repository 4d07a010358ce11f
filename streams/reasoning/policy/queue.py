"""The worker's queue of students who are owed an explanation: a view of the rows, rebuilt by scanning them.

        waiting (`waiting`)               in flight
    ┌─ not yet due ──► due ─┐ ──best──► until its result is read back (`settle`), or no call was made (`release`)
    └───────────────────────┘

Within a school the order is that of priority; among schools turns are fair (`turns`), so that a school of thousands
keeps nobody of a school of thirty waiting. One school alone is a single flow by priority.

Who would be served last is left out where more wait than the queue holds, and, while it is more than half full, who is
worth less than those (`threshold_of`): so that under lasting overload the order does not become first come, first
served. They stay owed in their rows. Their partitions are scanned again (`is_short`): once less than half of what the
queue holds is due, and now and then; past the horizon they are let in, given up and counted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from streams.reasoning.policy.pending import MAX_VALUE, Sequence, is_past_horizon, is_pending, priority_us
from streams.reasoning.policy.settings import PendingPolicy
from streams.reasoning.policy.ticket import StudentKey, Ticket
from streams.reasoning.policy.waiting import WaitingStudents
from streams.rows.row import Pending
from streams.spending.limits import MAX_SCHOOLS, NO_SCHOOL, OTHER_SCHOOLS, no_tenant, school_of

_SCANS_A_PATIENCE: Final = 12


@dataclass(slots=True)
class _Flight:
    taken: Ticket
    back: Ticket | None


class ReasoningQueue:
    """Students by priority, at most as many as are served within τ·max value. Not thread-safe; never waits.

    `calls_per_s` is the rate at which the limits let this worker serve; a student's school stands before
    `school_separator` in its key; without schools the tenants, by `tenant_of`, take turns. `not_explained` counts the
    students who were given up: who waited past the horizon, for lack of budget; `times_left_out` how often somebody
    found no room. Each operation takes O(log n), scans apart.
    """

    def __init__(
        self,
        policy: PendingPolicy,
        calls_per_s: float,
        school_separator: str = "",
        tenant_of: Callable[[str], str] = no_tenant,
    ) -> None:
        if calls_per_s <= 0:
            raise ValueError(f"calls_per_s must be above 0, not {calls_per_s}")
        self.capacity = max(1, int(calls_per_s * policy.patience_s * MAX_VALUE))
        self.not_explained = 0
        self.times_left_out = 0
        self.policy = policy
        self._scan_every_us = round(policy.patience_s * 1e6 / _SCANS_A_PATIENCE)
        self._separator = school_separator
        self._tenant_of = tenant_of
        self._scanned_us = 0
        self._waiting = WaitingStudents(lambda ticket: priority_us(ticket.since_us, ticket.value, policy))
        self._flights: dict[StudentKey, _Flight] = {}
        self._left_out: dict[int, int] = {}

    def __len__(self) -> int:
        """Students waiting, due or not."""
        return len(self._waiting)

    @property
    def oldest_us(self) -> int | None:
        """Since when the student waits who waits longest, due or not; None where nobody does. Takes O(n)."""
        return self._waiting.oldest_us

    @property
    def in_flight(self) -> int:
        """Students taken by `best`, neither settled nor released."""
        return len(self._flights)

    @property
    def entries(self) -> int:
        """Heap entries, stale ones too: what memory goes by."""
        return self._waiting.entries

    @property
    def is_short(self) -> bool:
        """Whether it is time to `refill` the partitions of students who were left out, as of the last `best`: not half
        of the queue is due and one of them may be, or they have not been looked at for a while.
        """
        if not self._left_out:
            return False
        half_empty = 2 * self._waiting.flows.waiting <= self.capacity
        may_be_due = min(self._left_out.values()) <= self._waiting.now_us
        return (half_empty and may_be_due) or self._waiting.now_us - self._scanned_us >= self._scan_every_us

    @property
    def left_out(self) -> list[int]:
        """The partitions with students who were left out."""
        return sorted(self._left_out)

    def threshold_of(self, key: bytes) -> float:
        """The value below which a student is left out though there is room: 0 while the queue is at most half full, or
        the student's school takes up at most half of its part; rising from there to the value last left out of it.
        """
        if 2 * len(self._waiting) <= self.capacity:
            return 0.0
        flows = self._waiting.flows
        flow = flows.get(self._school(key))
        if flow is None:
            return 0.0
        fill = 2 * flow.waiting * len(flows) / self.capacity - 1
        return flow.raised_to * min(max(fill, 0.0), 1.0)

    def offer(self, partition: int, key: bytes, seq: Sequence, pending: Pending) -> None:
        """Put the student where its row says, nowhere if nothing is owed. Idempotent; the latest call wins.

        A student in flight stays there; where it goes afterwards is what is noted.
        """
        student = partition, key
        ticket = self._ticket(partition, key, seq, pending) if is_pending(pending) else None
        flight = self._flights.get(student)
        if flight is not None:
            flight.back = ticket
            return
        self._waiting.remove(student)
        if ticket is None:
            return
        if ticket.value < self.threshold_of(key) and not self._is_past_horizon(ticket, self._waiting.now_us):
            self._note_left_out(ticket)
        else:
            self._push(ticket)

    def settle(self, partition: int, key: bytes, seq: Sequence, pending: Pending) -> None:
        """As `offer`, after the row has read back the call's result: the student may be taken again."""
        self._flights.pop((partition, key), None)
        self.offer(partition, key, seq, pending)

    def release(self, ticket: Ticket, until_us: int = 0) -> None:
        """Give back a student for whom no call was made; it keeps its place, and is not taken before `until_us`.

        Nothing happens if it was dropped.
        """
        flight = self._flights.get(ticket.student)
        if flight is None or flight.taken is not ticket:
            return
        del self._flights[ticket.student]
        self.unspent(ticket)
        if flight.back is not None:
            self._push(replace(flight.back, not_before_us=max(flight.back.not_before_us, until_us)))

    def unspent(self, ticket: Ticket) -> None:
        """A student was served without a call: the school keeps its turn."""
        self._waiting.turns.give_back(ticket.school)

    def best(self, now_us: int) -> Ticket | None:
        """Take the first student of the school whose turn it is, of those that are due. `now_us` never goes back."""
        first = self._waiting.take(now_us)
        if first is None:
            return None
        ticket = replace(first)  # a ticket of its own for each flight: an earlier one cannot end it
        self._flights[ticket.student] = _Flight(ticket, ticket)
        return ticket

    def give_up(self, ticket: Ticket, now_us: int) -> bool:
        """Whether a student who was taken has waited past the horizon; counted then as not explained."""
        past = self._is_past_horizon(ticket, now_us)
        self.not_explained += past
        return past

    def contains(self, ticket: Ticket) -> bool:
        """Whether the ticket's call is still this worker's to make: False once its partition was dropped."""
        flight = self._flights.get(ticket.student)
        return flight is not None and flight.taken is ticket

    def rebuild(self, partition: int, rows: Iterable[tuple[bytes, Sequence, Pending]]) -> None:
        """Forget the partition and take in all its rows: after recovery."""
        self.drop(partition)
        self._left_out[partition] = 0
        self.refill(partition, rows)

    def refill(self, partition: int, rows: Iterable[tuple[bytes, Sequence, Pending]]) -> None:
        """Take in a partition's rows again, if it is one of those left out still; students in flight stay there."""
        if self._left_out.pop(partition, None) is None:
            return
        self._scanned_us = self._waiting.now_us
        for key, seq, pending in rows:
            self.offer(partition, key, seq, pending)

    def drop(self, partition: int) -> None:
        """Forget a partition's students, those in flight too: it is another worker's now."""
        self._waiting.drop(partition)
        self._flights = {student: held for student, held in self._flights.items() if student[0] != partition}
        self._left_out.pop(partition, None)

    def _is_past_horizon(self, ticket: Ticket, now_us: int) -> bool:
        return is_past_horizon(ticket.since_us, now_us, self.policy)

    def _school(self, key: bytes) -> str:
        student_id = key.decode(errors="replace")
        if not self._separator:
            return self._tenant_of(student_id) or NO_SCHOOL
        school = school_of(student_id, self._separator)
        return school if self._waiting.turns.has_room_for(school, MAX_SCHOOLS) else OTHER_SCHOOLS

    def _ticket(self, partition: int, key: bytes, seq: Sequence, pending: Pending) -> Ticket:
        value = min(max(pending.value, 0.0), MAX_VALUE)
        return Ticket(partition, key, seq, pending.since_us, value, pending.not_before_us, self._school(key))

    def _push(self, ticket: Ticket) -> None:
        if len(self._waiting) < self.capacity:
            self._waiting.add(ticket)
        elif self._waiting.would_be_last(ticket):
            self._leave_out(ticket)
        else:
            self._waiting.add(ticket)
            last = self._waiting.last()
            self._waiting.remove(last.student)
            self._leave_out(last)

    def _leave_out(self, ticket: Ticket) -> None:
        flow = self._waiting.flows.get(ticket.school)
        if flow is not None and ticket.not_before_us <= self._waiting.now_us:
            flow.raised_to = ticket.value
        self._note_left_out(ticket)

    def _note_left_out(self, ticket: Ticket) -> None:
        self.times_left_out += 1
        self._left_out[ticket.partition] = min(ticket.not_before_us, self._left_out.get(ticket.partition, 1 << 63))
