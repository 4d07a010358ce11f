"""A simulated day of 20 schools: who changes when and by how much, and who is explained under a budget."""

import random
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Protocol

from schemas.explanation import ReasoningResult
from streams.limits import calls_per_hour, calls_per_minute
from streams.limits.ledger import Admitted, LimitLedger
from streams.reasoning.policy.pending import apply, note_pending
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.row import Pending

STUDENTS: Final = 10_000
SCHOOLS: Final = 20
SMALLEST: Final = 30
SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600 * SECOND_US
DAY_US: Final = 24 * HOUR_US
LESSONS_END_US: Final = 16 * HOUR_US
POLICY: Final = PendingPolicy()
_LESSON_ENDS_H: Final = (8.75, 9.75, 11.0, 12.0, 13.5, 14.5, 15.5)
_CHANGES: Final = 4


@dataclass(slots=True)
class Student:
    """`moved` is what has moved since it was explained, 0 to 1; `open` how many changes that were."""

    school: str
    key: bytes
    pending: Pending = field(default_factory=Pending)
    moved: float = 0.0
    open: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A student's scores move by what is worth `value` by itself."""

    at_us: int
    student: int
    value: float


class Order(Protocol):
    """Who is explained next."""

    def offer(self, student: Student) -> None:
        """The student's pending work has changed."""
        ...

    def take(self, now_us: int) -> Student | None:
        """The next one who is due."""
        ...

    def give_back(self, student: Student) -> None:
        """The call was refused."""
        ...


@dataclass(slots=True)
class Day:
    """What came of a day. Waits are from the first change not explained; until midnight for who is not served."""

    calls: int = 0
    value: float = 0.0
    changes: int = 0
    explained_changes: int = 0
    waits_us: list[tuple[str, int]] = field(default_factory=list)
    calls_in_lessons: Counter[str] = field(default_factory=Counter)
    changes_of: Counter[str] = field(default_factory=Counter)
    explained_of: Counter[str] = field(default_factory=Counter)

    def worst_wait_us(self, of: str = "") -> int:
        """The longest wait, of anybody or of a school's students."""
        return max((wait_us for school, wait_us in self.waits_us if of in ("", school)), default=0)


def students() -> list[Student]:
    """Schools of Zipf's sizes, the smallest of SMALLEST students."""
    weights = [1 / rank for rank in range(1, SCHOOLS + 1)]
    spare = STUDENTS - SMALLEST * SCHOOLS
    excess = [weight - weights[-1] for weight in weights]
    sizes = [SMALLEST + int(spare * part / sum(excess)) for part in excess]
    sizes[0] += STUDENTS - sum(sizes)
    return [
        Student(f"school-{rank}", f"school-{rank}:{number}".encode())
        for rank, size in enumerate(sizes, 1)
        for number in range(size)
    ]


def changes(seed: int = 1) -> list[Change]:
    """Some for each student, around the ends of lessons, most of them small; in order of time."""
    rng = random.Random(seed)
    made = []
    for student in range(STUDENTS):
        for _ in range(rng.randint(1, 2 * _CHANGES - 1)):
            at_us = round((rng.choice(_LESSON_ENDS_H) + rng.gauss(0, 0.08)) * HOUR_US)
            made.append(Change(at_us, student, rng.betavariate(1, 3)))
    return sorted(made, key=lambda change: (change.at_us, change.student))


def run(order: Order, pupils: list[Student], moves: list[Change], *, limited: bool = True) -> Day:
    """The day by a simulated clock: each call ends at once, at 50 a minute and 500 an hour unless not `limited`."""
    ledger = LimitLedger([calls_per_minute(), calls_per_hour()], 0)
    ledger.fill(0)
    day, now_us, upcoming = Day(changes=len(moves)), 0, 0
    while now_us < DAY_US:
        while upcoming < len(moves) and moves[upcoming].at_us <= now_us:
            move = moves[upcoming]
            _change(day, order, pupils[move.student], move)
            upcoming += 1
        student = order.take(now_us)
        if student is None:
            next_us = moves[upcoming].at_us if upcoming < len(moves) else DAY_US
            now_us += min(max(next_us - now_us, 1), 10 * SECOND_US)
            continue
        answer = ledger.reserve([1, 1], now_us) if limited else None
        if answer is None or isinstance(answer, Admitted):
            _explain(day, order, student, now_us)
        else:
            order.give_back(student)
            now_us += answer.retry_after_us
    for student in pupils:
        if student.pending.since_us:
            day.waits_us.append((student.school, DAY_US - student.pending.since_us))
    return day


def _change(day: Day, order: Order, student: Student, move: Change) -> None:
    student.moved = 1 - (1 - student.moved) * (1 - move.value)
    student.open += 1
    student.seq += 1
    day.changes_of[student.school] += 1
    note_pending(student.pending, student.moved, move.at_us, POLICY)
    order.offer(student)


def _explain(day: Day, order: Order, student: Student, now_us: int) -> None:
    pending = student.pending
    day.calls += 1
    day.value += pending.value
    day.explained_changes += student.open
    day.explained_of[student.school] += student.open
    day.waits_us.append((student.school, now_us - pending.since_us))
    if now_us < LESSONS_END_US:
        day.calls_in_lessons[student.school] += 1
    result = ReasoningResult(
        version=1, student_id="", seq=(0, student.seq), outcome="explained", attempts=0, at_us=now_us, explained={}
    )
    apply(pending, result, (0, student.seq), POLICY)
    student.moved, student.open = 0.0, 0
    order.offer(student)


def jain(shares: list[float]) -> float:
    """How even shares are: 1 for alike, 1/n where one has all (Jain, Chiu & Hawe 1984)."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def max_min_fair(total: float, demands: list[int]) -> list[float]:
    """Of `total` for each its demand, or a part that is the same for all whose demand is larger."""
    ordered, left = sorted(demands), total
    for number, demand in enumerate(ordered):
        part = left / (len(ordered) - number)
        if demand >= part:
            return [min(each, part) if bisect_left(ordered, each) >= number else each for each in demands]
        left -= demand
    return [float(demand) for demand in demands]
