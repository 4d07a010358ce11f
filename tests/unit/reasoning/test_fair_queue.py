"""Fair among schools: nobody starves, backlogged schools are served alike, and one that is small keeps its place."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.row import Pending
from streams.spending.limits import MAX_SCHOOLS

POLICY = PendingPolicy(patience_s=100, horizon_s=10_000)
SECOND_US = 1_000_000
FAR_US = 10**9
values = st.floats(0.05, 1)
schools = st.sampled_from(["a", "b", "c", "d"])


def queue(capacity: int = 10_000) -> ReasoningQueue:
    return ReasoningQueue(POLICY, capacity / POLICY.patience_s, ":")


def owed(since_us: int, value: float = 0.5, not_before_us: int = 0) -> Pending:
    return Pending(value=value, since_us=since_us, not_before_us=not_before_us)


def offer(waiting: ReasoningQueue, school: str, number: int, pending: Pending, partition: int = 0) -> None:
    waiting.offer(partition, f"{school}:{number}".encode(), (0, number), pending)


def served(waiting: ReasoningQueue, calls: int, now_us: int = FAR_US) -> list[str]:
    """The schools of the next students, each with a call that ends at once."""
    taken = []
    for _ in range(calls):
        ticket = waiting.best(now_us)
        if ticket is None:
            break
        waiting.settle(ticket.partition, ticket.key, ticket.seq, Pending())
        taken.append(ticket.school)
    return taken


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(schools, st.lists(values, min_size=20, max_size=40), min_size=2),
    st.lists(st.tuples(schools, values, st.integers(0, 3)), max_size=40),
)
def test_schools_that_always_have_somebody_waiting_are_served_alike(
    backlog: dict[str, list[float]], then: list[tuple[str, float, int]]
) -> None:
    waiting, number, taken = queue(), 0, list[str]()
    for school, worth in backlog.items():
        for value in worth:
            number += 1
            offer(waiting, school, number, owed(number, value))
    for school, value, calls in then:
        number += 1
        offer(waiting, school, number, owed(number, value))
        taken += served(waiting, min(calls, 20 * len(backlog) - len(taken)))
    taken += served(waiting, max(0, 15 * len(backlog) - len(taken)))
    at_first = {school: len(worth) for school, worth in backlog.items()}
    for end in range(len(taken) + 1):
        so_far = Counter(taken[:end])
        busy = [school for school in backlog if so_far[school] < at_first[school]]
        if len(busy) < len(backlog):
            break
        counts = [so_far[school] for school in busy]
        assert max(counts) - min(counts) <= 1
        for begin in range(end):
            within = Counter(taken[begin:end])
            assert max(within[school] for school in busy) - min(within[school] for school in busy) <= 2


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.tuples(schools, st.integers(0, 99)), values, min_size=1, max_size=80),
    st.integers(1, 12),
)
def test_everybody_of_every_school_is_served_however_small_the_queue(
    owed_to: dict[tuple[str, int], float], capacity: int
) -> None:
    small, rows = queue(capacity), dict[bytes, Pending]()
    for since_us, ((school, number), value) in enumerate(owed_to.items(), 1):
        rows[f"{school}:{number}".encode()] = owed(since_us, value)
    for key, pending in rows.items():
        small.offer(0, key, (0, 0), pending)
        assert len(small) <= small.capacity
    while (ticket := small.best(FAR_US)) is not None:
        del rows[ticket.key]
        small.settle(0, ticket.key, (0, 0), Pending())
        if small.is_short:
            small.refill(0, [(key, (0, 0), pending) for key, pending in rows.items()])
    assert not rows
    assert len(small) == small.in_flight == 0


@pytest.mark.parametrize("capacity", [500, 10_000])
def test_a_school_of_5000_keeps_nobody_of_one_of_30_waiting(capacity: int) -> None:
    waiting = queue(capacity)
    for number in range(5_000):
        offer(waiting, "large", number, owed(number + 1, 1.0))
    for number in range(30):
        offer(waiting, "small", number, owed(6_000 + number, 0.05))
    assert Counter(served(waiting, 60))["small"] == 30


def test_in_a_full_queue_each_school_has_its_part() -> None:
    waiting = queue(100)
    for number in range(5_000):
        offer(waiting, "large", number, owed(number + 1, 1.0))
    for school in ("a", "b", "c"):
        for number in range(100):
            offer(waiting, school, number, owed(6_000 + number, 0.05))
    assert len(waiting) == 100
    assert Counter(served(waiting, 100)) == {"large": 25, "a": 25, "b": 25, "c": 25}


def test_a_school_that_was_away_saves_nothing_up() -> None:
    waiting = queue()
    for number in range(300):
        offer(waiting, "a", number, owed(number + 1))
    served(waiting, 100)
    for number in range(100):
        offer(waiting, "b", number, owed(1_000 + number))
    assert Counter(served(waiting, 20)) == {"a": 10, "b": 10}


def test_a_turn_without_a_call_is_kept() -> None:
    """Regression of a thought: at a spent limit each second try is refused, and two schools would not take turns."""
    waiting = queue()
    for number in range(10):
        offer(waiting, "a", number, owed(number + 1))
        offer(waiting, "b", number, owed(100 + number))
    calls = []
    for _ in range(10):
        refused = waiting.best(FAR_US)
        assert refused is not None
        waiting.release(refused)
        calls += served(waiting, 1)
    assert Counter(calls) == {"a": 5, "b": 5}

    offer(waiting, "one", 0, owed(500, 0.05))
    alone = waiting.best(FAR_US)
    assert alone is not None
    assert alone.school == "one"
    waiting.release(alone)
    assert served(waiting, 1) == ["one"]


def test_who_is_served_without_a_call_costs_the_school_no_turn() -> None:
    waiting = queue()
    for number in range(10):
        offer(waiting, "a", number, owed(number + 1))
        offer(waiting, "b", number, owed(100 + number))
    free = waiting.best(FAR_US)
    assert free is not None
    waiting.unspent(free)
    waiting.settle(0, free.key, free.seq, Pending())
    after = waiting.best(FAR_US)
    assert after is not None
    assert after.school == free.school


def test_of_schools_whose_turns_start_alike_the_worthiest_is_first() -> None:
    waiting = queue()
    for number, value in enumerate((0.2, 0.9, 0.5)):
        offer(waiting, f"school {number}", number, owed(1, value))
    assert served(waiting, 3) == ["school 1", "school 2", "school 0"]


def test_the_rush_of_one_school_raises_no_threshold_for_another() -> None:
    waiting = queue(100)
    for number in range(200):
        offer(waiting, "large", number, owed(number + 1, 0.8))
    offer(waiting, "small", 1, owed(1, 0.1))
    assert waiting.threshold_of(b"large:9") == pytest.approx(0.8)
    assert waiting.threshold_of(b"small:9") == 0
    assert waiting.threshold_of(b"new:9") == 0


def test_ids_without_a_school_and_any_number_of_schools_are_served_in_bounded_memory() -> None:
    waiting = queue(5_000)
    for number in range(3 * MAX_SCHOOLS):
        offer(waiting, f"school {number}", number, owed(number + 1))
    for number in range(5):
        waiting.offer(0, b"\xff no school %d" % number, (0, 0), owed(1))
    taken = Counter(served(waiting, 10_000))
    assert taken.total() == 3 * MAX_SCHOOLS + 5
    assert len(taken) <= MAX_SCHOOLS + 1

    for number in range(20_000):
        offer(waiting, f"another {number}", number, owed(number + 1))
        served(waiting, 1)
    assert waiting.entries < 300


def test_under_lasting_overload_those_left_out_are_come_back_to() -> None:
    """Regression: they were offered again only once the queue was half empty, which under overload it never is."""
    waiting, rows, waited_s = queue(100), dict[bytes, Pending](), dict[bytes, float]()
    for number in range(150):
        rows[f"s:{number}".encode()] = owed(SECOND_US, 0.5)
    waiting.rebuild(0, [(key, (0, 0), pending) for key, pending in rows.items()])
    for second in range(2, 1_000):
        now_us = second * SECOND_US
        for each in range(2):  # twice as many as are served, all worth more
            key = f"n:{second}.{each}".encode()
            if waiting.threshold_of(key) <= 0.9:
                rows[key] = owed(now_us, 0.9)
                waiting.offer(0, key, (0, 0), rows[key])
        if waiting.is_short:
            waiting.refill(0, [(key, (0, 0), pending) for key, pending in rows.items()])
        ticket = waiting.best(now_us)
        assert ticket is not None
        del rows[ticket.key]
        waited_s[ticket.key] = (now_us - ticket.since_us) / 1e6
        waiting.settle(0, ticket.key, ticket.seq, Pending())
    assert sum(key.startswith(b"s:") for key in waited_s) == 150


def test_students_in_their_cooldown_keep_nobody_out_who_is_due() -> None:
    """Regression: a queue full of students whose time had not come left the budget idle, and others left out."""
    waiting, rows = queue(10), dict[bytes, Pending]()
    for number in range(10):
        rows[b"due:%d" % number] = owed(1 + number, 0.05)
        rows[b"later:%d" % number] = owed(1, 1.0, not_before_us=10 * FAR_US)
    served(waiting, 1, now_us=FAR_US)
    waiting.rebuild(0, [(key, (0, 0), pending) for key, pending in rows.items()])
    taken = []
    while (ticket := waiting.best(FAR_US)) is not None:
        taken.append(ticket.key)
        waiting.settle(0, ticket.key, ticket.seq, Pending())
        del rows[ticket.key]
        if waiting.is_short:
            waiting.refill(0, [(key, (0, 0), pending) for key, pending in rows.items()])
    assert sorted(taken) == sorted(b"due:%d" % number for number in range(10))
    assert not waiting.is_short, "who is left out is not due either"


def test_without_schools_tenants_take_turns() -> None:
    waiting = ReasoningQueue(POLICY, 100, tenant_of=lambda student: student.partition("/")[0])
    for number in range(9):
        waiting.offer(0, b"large/%d" % number, (0, number), owed(1, 0.9))
    waiting.offer(0, b"small/1", (0, 1), owed(2, 0.1))

    taken = [ticket.key for _ in range(2) if (ticket := waiting.best(FAR_US)) is not None]
    assert b"small/1" in taken
