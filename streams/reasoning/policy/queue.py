"""The worker's queue of students who are owed an explanation: a view of the rows, rebuilt by scanning them.

        not yet due                     due                     in flight
    ┌─ heap by not_before ─┐ ──► ┌─ heap by priority ─┐ ──best──► until its result is read back (`settle`),
    └──────────────────────┘     └────────────────────┘           or no call was made (`release`)

Entries are replaced, not searched for: a heap's stale ones are skipped when they surface, and swept once they are
the most. A third heap, last by priority first, leaves out whoever would be served last where more wait than the queue
holds. They stay owed in their rows: once the queue is half empty (`is_short`), their partitions are scanned again.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace

from streams.reasoning.policy.pending import MAX_VALUE, Sequence, is_past_horizon, is_pending, priority_us
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.row import Pending

StudentKey = tuple[int, bytes]
_SWEEP_ABOVE = 64


@dataclass(frozen=True, slots=True)
class Ticket:
    """A student's place in the queue, as of `seq`. Times in µs."""

    partition: int
    key: bytes
    seq: Sequence
    since_us: int
    value: float
    not_before_us: int

    @property
    def student(self) -> StudentKey:
        return self.partition, self.key


@dataclass(slots=True)
class _Flight:
    taken: Ticket
    back: Ticket | None


class ReasoningQueue:
    """Students by priority, at most as many as are served within τ·max value. Not thread-safe; never waits.

    `calls_per_s` is the rate at which the limits let this worker serve. `not_explained` counts the students who were
    not marked or who waited past the horizon, for lack of it.
    """

    def __init__(self, policy: PendingPolicy, calls_per_s: float) -> None:
        if calls_per_s <= 0:
            raise ValueError(f"calls_per_s must be above 0, not {calls_per_s}")
        self.capacity = max(1, int(calls_per_s * policy.patience_s * MAX_VALUE))
        self.not_explained = 0
        self.policy = policy
        self._raised_to = 0.0
        self._version = 0
        self._waiting: dict[StudentKey, tuple[int, Ticket]] = {}
        self._flights: dict[StudentKey, _Flight] = {}
        self._later: list[tuple[int, int, StudentKey]] = []
        self._due: list[tuple[int, int, StudentKey]] = []
        self._last: list[tuple[int, int, StudentKey]] = []
        self._left_out: set[int] = set()

    def __len__(self) -> int:
        """Students waiting, due or not."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Students taken by `best`, neither settled nor released."""
        return len(self._flights)

    @property
    def entries(self) -> int:
        """Heap entries, stale ones too: what memory goes by."""
        return len(self._later) + len(self._due) + len(self._last)

    @property
    def is_short(self) -> bool:
        """Whether the queue is half empty and students were left out: time to `refill` their partitions."""
        return bool(self._left_out) and 2 * len(self._waiting) <= self.capacity

    @property
    def left_out(self) -> list[int]:
        """The partitions with students who were left out."""
        return sorted(self._left_out)

    @property
    def threshold(self) -> float:
        """The value below which a new update is not worth marking: 0 while at most half full, rising from there
        to the value last left out.
        """
        fill = 2 * len(self._waiting) / self.capacity - 1
        return self._raised_to * min(max(fill, 0.0), 1.0)

    def offer(self, partition: int, key: bytes, seq: Sequence, pending: Pending) -> None:
        """Put the student where its row says, nowhere if nothing is owed. Idempotent; the latest call wins.

        A student in flight stays there; where it goes afterwards is what is noted.
        """
        student = partition, key
        ticket = _ticket(partition, key, seq, pending) if is_pending(pending) else None
        flight = self._flights.get(student)
        if flight is not None:
            flight.back = ticket
            return
        self._waiting.pop(student, None)
        if ticket is not None:
            self._push(ticket)
        self._sweep()

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
        if flight.back is not None:
            self._push(replace(flight.back, not_before_us=max(flight.back.not_before_us, until_us)))

    def best(self, now_us: int) -> Ticket | None:
        """Take the first of the students that are due, or None. `now_us` never goes back."""
        while self._later and self._later[0][0] <= now_us:
            _, version, student = heapq.heappop(self._later)
            ticket = self._live(student, version)
            if ticket is not None:
                heapq.heappush(self._due, (self._order(ticket), version, student))
        while self._due:
            _, version, student = heapq.heappop(self._due)
            held = self._live(student, version)
            if held is not None:
                del self._waiting[student]
                ticket = replace(held)  # a ticket of its own for each flight: an earlier one cannot end it
                self._flights[student] = _Flight(ticket, ticket)
                return ticket
        return None

    def give_up(self, ticket: Ticket, now_us: int) -> bool:
        """Whether a student who was taken has waited past the horizon; counted then as not explained."""
        past = is_past_horizon(ticket.since_us, now_us, self.policy)
        self.not_explained += past
        return past

    def contains(self, ticket: Ticket) -> bool:
        """Whether the ticket's call is still this worker's to make: False once its partition was dropped."""
        flight = self._flights.get(ticket.student)
        return flight is not None and flight.taken is ticket

    def rebuild(self, partition: int, rows: Iterable[tuple[bytes, Sequence, Pending]]) -> None:
        """Forget the partition and take in all its rows: after recovery."""
        self.drop(partition)
        self._left_out.add(partition)
        self.refill(partition, rows)

    def refill(self, partition: int, rows: Iterable[tuple[bytes, Sequence, Pending]]) -> None:
        """Take in a partition's rows again, if it is one of those left out still; students in flight stay there."""
        if partition not in self._left_out:
            return
        self._left_out.discard(partition)
        for key, seq, pending in rows:
            self.offer(partition, key, seq, pending)

    def drop(self, partition: int) -> None:
        """Forget a partition's students, those in flight too: it is another worker's now."""
        self._waiting = {student: held for student, held in self._waiting.items() if student[0] != partition}
        self._flights = {student: held for student, held in self._flights.items() if student[0] != partition}
        self._left_out.discard(partition)
        self._sweep()

    def _live(self, student: StudentKey, version: int) -> Ticket | None:
        held = self._waiting.get(student)
        return held[1] if held is not None and held[0] == version else None

    def _push(self, ticket: Ticket) -> None:
        self._version += 1
        self._waiting[ticket.student] = self._version, ticket
        self._enter(ticket, self._version)
        if len(self._waiting) > self.capacity:
            self._leave_out_last()

    def _enter(self, ticket: Ticket, version: int) -> None:
        heapq.heappush(self._later, (ticket.not_before_us, version, ticket.student))
        heapq.heappush(self._last, (-self._order(ticket), -version, ticket.student))

    def _leave_out_last(self) -> None:
        while self._last:
            _, minus_version, student = heapq.heappop(self._last)
            ticket = self._live(student, -minus_version)
            if ticket is not None:
                del self._waiting[student]
                self._raised_to = ticket.value
                self._left_out.add(ticket.partition)
                return

    def _order(self, ticket: Ticket) -> int:
        return priority_us(ticket.since_us, ticket.value, self.policy)

    def _sweep(self) -> None:
        if max(len(self._later) + len(self._due), len(self._last)) <= 2 * len(self) + _SWEEP_ABOVE:
            return
        self._later, self._due, self._last = [], [], []
        for version, ticket in self._waiting.values():
            self._enter(ticket, version)


def _ticket(partition: int, key: bytes, seq: Sequence, pending: Pending) -> Ticket:
    value = min(max(pending.value, 0.0), MAX_VALUE)
    return Ticket(partition, key, seq, pending.since_us, value, pending.not_before_us)
