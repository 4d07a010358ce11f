"""The queue against a model of it, under any interleaving; and its two promises: no starvation, a bounded wait."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.reasoning.policy.pending import priority_us
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.reasoning.policy.ticket import Ticket
from streams.rows.row import Pending

POLICY = PendingPolicy(patience_s=100)
PATIENCE_US = 100_000_000
partitions = st.integers(0, 2)
keys = st.sampled_from([b"a", b"b", b"c", b"d", b"e"])
values = st.floats(0.05, 1)


def queue(capacity: int = 1000) -> ReasoningQueue:
    return ReasoningQueue(POLICY, calls_per_s=capacity / POLICY.patience_s)


def owed(since_us: int, value: float = 0.5, not_before_us: int = 0) -> Pending:
    return Pending(value=value, since_us=since_us, not_before_us=not_before_us)


def drained(queue: ReasoningQueue, now_us: int) -> list[bytes]:
    taken = []
    while (ticket := queue.best(now_us)) is not None:
        taken.append(ticket.key)
    return taken


def test_who_waits_longest_is_known_whether_due_or_not() -> None:
    waiting = queue()
    assert waiting.oldest_us is None
    for key, since_us, not_before_us in ((b"a", 30, 0), (b"b", 10, 1_000), (b"c", 20, 0)):
        waiting.offer(0, key, (0, 1), owed(since_us, not_before_us=not_before_us))
    assert waiting.oldest_us == 10
    waiting.offer(0, b"b", (0, 2), Pending())
    assert waiting.oldest_us == 20


class Interleavings(RuleBasedStateMachine):
    """Every operation in any order, beside two plain dicts."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = queue()
        self.now_us = 1
        self.offset = 0
        self.waiting: dict[tuple[int, bytes], Pending] = {}
        self.flying: dict[tuple[int, bytes], tuple[Ticket, Pending | None]] = {}
        self.stale: list[Ticket] = []

    @rule(partition=partitions, key=keys, value=values, wait_us=st.integers(0, 50), owes=st.booleans())
    def offer(self, partition: int, key: bytes, value: float, wait_us: int, owes: bool) -> None:
        pending = owed(self.now_us, value, self.now_us + wait_us) if owes else Pending()
        self.offset += 1
        self.queue.offer(partition, key, (0, self.offset), pending)
        student = partition, key
        if student in self.flying:
            self.flying[student] = self.flying[student][0], pending if owes else None
        else:
            self.waiting.pop(student, None)
            if owes:
                self.waiting[student] = pending

    @rule(step_us=st.integers(0, 40))
    def take(self, step_us: int) -> None:
        self.now_us += step_us
        ticket = self.queue.best(self.now_us)
        due = {s: p for s, p in self.waiting.items() if p.not_before_us <= self.now_us}
        if ticket is None:
            assert not due
            return
        taken = due[ticket.student]
        assert ticket.since_us == taken.since_us
        assert priority_us(ticket.since_us, ticket.value, POLICY) == min(
            priority_us(p.since_us, p.value, POLICY) for p in due.values()
        )
        del self.waiting[ticket.student]
        self.flying[ticket.student] = ticket, taken

    @precondition(lambda self: self.flying)
    @rule(choice=st.data(), owes=st.booleans())
    def settle(self, choice: Any, owes: bool) -> None:
        student = choice.draw(st.sampled_from(sorted(self.flying)))
        self.stale.append(self.flying.pop(student)[0])
        pending = owed(self.now_us) if owes else Pending()
        self.queue.settle(student[0], student[1], (0, self.offset), pending)
        if owes:
            self.waiting[student] = pending

    @precondition(lambda self: self.flying)
    @rule(choice=st.data())
    def release(self, choice: Any) -> None:
        student = choice.draw(st.sampled_from(sorted(self.flying)))
        ticket, back = self.flying.pop(student)
        self.queue.release(ticket)
        if back is not None:
            self.waiting[student] = back
        self.stale.append(ticket)

    @precondition(lambda self: self.stale)
    @rule(choice=st.data())
    def release_late(self, choice: Any) -> None:
        self.queue.release(choice.draw(st.sampled_from(self.stale)))

    @rule(partition=partitions)
    def drop(self, partition: int) -> None:
        self.queue.drop(partition)
        self.waiting = {s: p for s, p in self.waiting.items() if s[0] != partition}
        self.stale += [ticket for (p, _), (ticket, _) in self.flying.items() if p == partition]
        self.flying = {s: flight for s, flight in self.flying.items() if s[0] != partition}

    @rule(partition=partitions, rows=st.dictionaries(keys, values, max_size=5))
    def rebuild(self, partition: int, rows: dict[bytes, float]) -> None:
        self.drop(partition)
        self.queue.rebuild(partition, [(key, (0, 0), owed(self.now_us, value)) for key, value in rows.items()])
        self.waiting |= {(partition, key): owed(self.now_us, value) for key, value in rows.items()}

    @invariant()
    def agrees(self) -> None:
        assert len(self.queue) == len(self.waiting)
        assert self.queue.in_flight == len(self.flying)
        assert all(self.queue.contains(ticket) for ticket, _ in self.flying.values())
        assert not any(self.queue.contains(ticket) for ticket in self.stale)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3 * PATIENCE_US), values, st.integers(0, 2)), min_size=1, max_size=60).map(sorted)
)
def test_a_student_is_overtaken_only_by_those_newer_by_less_than_the_patience(
    arrivals: list[tuple[int, float, int]],
) -> None:
    waiting, line = queue(), {}
    for number, (since_us, value, served) in enumerate(arrivals):
        key = str(number).encode()
        waiting.offer(0, key, (0, number), owed(since_us, value))
        line[key] = since_us
        for _ in range(served):
            ticket = waiting.best(since_us)
            if ticket is not None:
                since = line.pop(ticket.key)
                assert all(since - waited < PATIENCE_US for waited in line.values())


@given(st.lists(values, min_size=1, max_size=80), st.integers(1, 20))
def test_no_more_wait_than_the_queue_holds_and_those_to_be_served_first_stay(
    offered: list[float], capacity: int
) -> None:
    full = queue(capacity)
    for number, value in enumerate(offered):
        full.offer(0, str(number).encode(), (0, number), owed(number + 1, value))
        assert len(full) <= full.capacity
    order = sorted(range(len(offered)), key=lambda number: (priority_us(number + 1, offered[number], POLICY), number))
    assert [int(key) for key in drained(full, 10**9)] == order[: full.capacity]
    assert full.left_out == ([0] if len(offered) > full.capacity else [])


@given(st.dictionaries(st.tuples(partitions, st.integers(0, 999)), values, min_size=1, max_size=80), st.integers(1, 9))
def test_everybody_who_is_owed_is_served_however_small_the_queue(
    owed_to: dict[tuple[int, int], float], capacity: int
) -> None:
    small = queue(capacity)
    rows = {
        (partition, str(number).encode()): owed(number + 1, value) for (partition, number), value in owed_to.items()
    }
    for (partition, key), pending in rows.items():
        small.offer(partition, key, (0, 0), pending)
    served = []
    while (ticket := small.best(10**9)) is not None:
        served.append(ticket.student)
        del rows[ticket.student]
        small.settle(ticket.partition, ticket.key, (0, 0), Pending())
        if small.is_short:
            for left_out in small.left_out:
                still = [(key, (0, 0), each) for (partition, key), each in rows.items() if partition == left_out]
                small.refill(left_out, still)
    assert not rows
    assert len(served) == len(owed_to)
    assert not small.left_out


def test_a_partition_that_has_gone_is_not_refilled() -> None:
    small = queue(1)
    for key in (b"a", b"b"):
        small.offer(0, key, (0, 0), owed(1))
    small.drop(0)
    small.refill(0, [(b"b", (0, 0), owed(1))])
    assert len(small) == 0


def test_who_has_waited_past_the_horizon_is_given_up_and_counted() -> None:
    waiting = queue()
    horizon_us = round(POLICY.horizon_s * 1e6)
    waiting.offer(0, b"early", (0, 1), owed(1))
    waiting.offer(0, b"late", (0, 2), owed(2))
    early, late = waiting.best(horizon_us), waiting.best(horizon_us + 1)
    assert early is not None
    assert late is not None
    assert not waiting.give_up(late, horizon_us + 1)
    assert waiting.give_up(early, horizon_us + 1)
    assert waiting.not_explained == 1


def test_under_lasting_overload_the_wait_stays_bounded_and_the_threshold_bites() -> None:
    """Twice as many arrive as are served, for ten times the patience."""
    calls_per_s = 1.0
    busy = ReasoningQueue(POLICY, calls_per_s)
    waits_us, low, high = [], 0, 0
    for second in range(1000):
        now_us = (second + 1) * 1_000_000
        for half in range(2):
            value, key = ((second * 7 + half * 5) % 20 + 1) / 20, f"{second}.{half}".encode()
            if value >= busy.threshold_of(key):
                busy.offer(0, key, (0, second), owed(now_us, value))
        ticket = busy.best(now_us)
        if ticket is not None:
            busy.settle(0, ticket.key, ticket.seq, Pending())
            waits_us.append(now_us - ticket.since_us)
            low, high = (low + 1, high) if ticket.value <= 0.25 else (low, high + (ticket.value > 0.75))
    assert len(waits_us) == 1000
    assert max(waits_us) <= 2 * PATIENCE_US  # its own patience, and a queue that is served within one
    assert busy.threshold_of(b"new") > 0
    assert high > 2 * low


def test_the_threshold_is_gone_once_the_queue_is_half_empty() -> None:
    full = queue(10)
    for number in range(12):
        full.offer(0, str(number).encode(), (0, number), owed(number + 1, 0.5))
    assert full.threshold_of(b"new") == 0.5
    for _ in range(5):
        full.best(10**9)
    assert full.threshold_of(b"new") == 0


def test_of_equally_worthy_ones_the_newest_is_left_out() -> None:
    full = queue(2)
    for number in range(3):
        full.offer(0, str(number).encode(), (0, number), owed(number + 1, 0.5))
    assert drained(full, 10**9) == [b"0", b"1"]


def test_nobody_is_taken_before_its_time() -> None:
    waiting = queue()
    waiting.offer(0, b"early", (0, 1), owed(1, 1.0, not_before_us=500))
    waiting.offer(0, b"due", (0, 2), owed(2, 0.1))
    assert drained(waiting, 499) == [b"due"]
    assert drained(waiting, 500) == [b"early"]


def test_a_student_in_flight_is_not_taken_twice_whatever_is_offered() -> None:
    waiting = queue()
    waiting.offer(0, b"s", (0, 1), owed(1))
    taken = waiting.best(10)
    assert taken is not None
    waiting.offer(0, b"s", (0, 2), owed(1, 0.9))
    assert waiting.best(10) is None
    waiting.release(taken)
    again = waiting.best(10)
    assert again is not None
    assert again.seq == (0, 2)


def test_a_call_under_way_is_not_wanted_once_its_partition_has_gone() -> None:
    waiting = queue()
    waiting.offer(3, b"s", (0, 1), owed(1))
    ticket = waiting.best(10)
    assert ticket is not None
    assert waiting.contains(ticket)
    waiting.drop(3)
    assert not waiting.contains(ticket)
    waiting.release(ticket)
    assert len(waiting) == 0


def test_the_heaps_stay_small_however_often_a_student_is_offered() -> None:
    busy = queue()
    for offset in range(5000):
        busy.offer(0, b"s", (0, offset), owed(1, 0.5, not_before_us=10**12))
    assert busy.entries < 300


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="calls_per_s"):
        ReasoningQueue(POLICY, 0)
