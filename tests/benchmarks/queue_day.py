"""Who is explained on a day of 10,000 students: by the worker's queue, as one school and as 20; first come; at random.

make bench ONLY=queue_day
"""

import heapq
import random
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from streams.reasoning.policy.pending import is_pending
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.ticket import Ticket
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.school_day import (
    HOUR_US,
    POLICY,
    SCHOOLS,
    Day,
    Order,
    Student,
    changes,
    jain,
    max_min_fair,
    run,
    students,
)
from tests.benchmarks.sizes import Sizes

NAME: Final = "queue_day"
_CALLS_PER_S: Final = 500 / 3600
OfDay = Callable[[Day, Mapping[str, int]], float]
_SMALLEST: Final = f"school-{SCHOOLS}"


class Queued:
    """By the worker's queue, of all students on one partition."""

    def __init__(self, pupils: list[Student], separator: str) -> None:
        self.queue = ReasoningQueue(POLICY, _CALLS_PER_S, separator)
        self._of_key = {student.key: student for student in pupils}
        self._tickets: dict[bytes, Ticket] = {}

    def offer(self, student: Student) -> None:
        if self._tickets.pop(student.key, None) is not None:
            self.queue.settle(0, student.key, (0, student.seq), student.pending)
        else:
            self.queue.offer(0, student.key, (0, student.seq), student.pending)

    def take(self, now_us: int) -> Student | None:
        if self.queue.is_short:
            owed = ((each.key, (0, each.seq), each.pending) for each in self._of_key.values())
            self.queue.refill(0, (each for each in owed if is_pending(each[2])))
        ticket = self.queue.best(now_us)
        if ticket is None:
            return None
        self._tickets[ticket.key] = ticket
        return self._of_key[ticket.key]

    def give_back(self, student: Student) -> None:
        self.queue.release(self._tickets.pop(student.key))


class Ranked:
    """By what `rank` says of each when it becomes owed one, least first; nobody is left out."""

    def __init__(self, rank: Callable[[Student], float]) -> None:
        self._rank = rank
        self._ranks: dict[bytes, float] = {}
        self._later: list[tuple[int, float, bytes]] = []
        self._due: list[tuple[float, bytes]] = []
        self._of_key: dict[bytes, Student] = {}

    def offer(self, student: Student) -> None:
        if not is_pending(student.pending):
            self._ranks.pop(student.key, None)
        elif student.key not in self._ranks:
            self._of_key[student.key] = student
            self._ranks[student.key] = self._rank(student)
            heapq.heappush(self._later, (student.pending.not_before_us, self._ranks[student.key], student.key))

    def take(self, now_us: int) -> Student | None:
        while self._later and self._later[0][0] <= now_us:
            _, rank, key = heapq.heappop(self._later)
            heapq.heappush(self._due, (rank, key))
        while self._due:
            rank, key = heapq.heappop(self._due)
            if self._ranks.get(key) == rank:
                return self._of_key[key]
        return None

    def give_back(self, student: Student) -> None:
        heapq.heappush(self._due, (self._ranks[student.key], student.key))


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Each round is another day, the same for all; nothing depends on the moment."""
    days: dict[str, list[Day]] = {order: [] for order in _ORDERS}
    demands: list[dict[str, int]] = []
    for seed in range(1, sizes.rounds + 1):
        moves = changes(seed)
        for order, make in _ORDERS.items():
            pupils = students()
            days[order].append(run(make(pupils), pupils, moves))
            sys.stderr.write(f"  day {seed} of {sizes.rounds}  {NAME} {order:12} {days[order][-1].calls:6,} calls\n")
        pupils = students()
        demands.append(run(_first_come(pupils), pupils, moves, limited=False).calls_in_lessons)

    made: list[Figure] = []
    for name, (unit, of_day, target) in _FIGURES.items():
        found = {
            order: [of_day(day, demand) for day, demand in zip(of_order, demands, strict=True)]
            for order, of_order in days.items()
        }
        for order, values in found.items():
            ratios = [value / other for value, other in zip(values, found["_first_come"], strict=True)]
            against: dict[str, Any] = {} if order == "_first_come" else {"against": "first come", "ratios": ratios}
            held = target.get(order)
            made.append(rounds.figure(f"{NAME}_{name}{order}", unit, values, target=held, **against))
    return made


def _first_come(_pupils: list[Student]) -> Order:
    return Ranked(lambda student: student.pending.since_us)


def _random(_pupils: list[Student]) -> Order:
    rng = random.Random(2)
    return Ranked(lambda _student: rng.random())


def _mean_value(day: Day, _demand: Mapping[str, int]) -> float:
    return 100 * day.value / day.calls


def _explained(day: Day, _demand: Mapping[str, int]) -> float:
    return 100 * day.explained_changes / day.changes


def _worst_wait(day: Day, _demand: Mapping[str, int]) -> float:
    return day.worst_wait_us() / HOUR_US


def _worst_small_wait(day: Day, _demand: Mapping[str, int]) -> float:
    return day.worst_wait_us(_SMALLEST) / HOUR_US


def _fair_calls(day: Day, demand: Mapping[str, int]) -> float:
    schools = list(demand)
    parts = max_min_fair(day.calls_in_lessons.total(), [demand[school] for school in schools])
    return 100 * jain([day.calls_in_lessons[school] / part for school, part in zip(schools, parts, strict=True)])


def _fair_share(day: Day, _demand: Mapping[str, int]) -> float:
    return 100 * jain([day.explained_of[school] / day.changes_of[school] for school in day.changes_of])


def _at_least(bound: float, of: Literal["ratio", "value"]) -> Target:
    return Target("at least", bound, of=of)


_ORDERS: Final[Mapping[str, Callable[[list[Student]], Order]]] = {
    "": lambda pupils: Queued(pupils, ""),
    "_by_school": lambda pupils: Queued(pupils, ":"),
    "_first_come": _first_come,
    "_random": _random,
}
_FIGURES: Final[Mapping[str, tuple[str, OfDay, Mapping[str, Target]]]] = {
    "value": ("% of the most that a call can be worth, in the mean", _mean_value, {"": _at_least(1.1, "ratio")}),
    "explained": ("% of all changes are in an explanation", _explained, {"": _at_least(1.0, "ratio")}),
    "worst_wait": ("h at worst, of all who are owed one", _worst_wait, {}),
    "small_wait": ("h at worst, of the school of 30", _worst_small_wait, {}),
    "fair_calls": (
        "%, Jain's index of schools' calls in lessons, of max-min fair parts",
        _fair_calls,
        {"_by_school": _at_least(95, "value")},
    ),
    "fair_share": ("%, Jain's index of the shares of schools' changes explained", _fair_share, {}),
}
