"""Whose turn it is among schools: start-time fair queuing (Goyal, Vin & Cheng 1996), a call being of length 1.

    start of a turn = virtual time, or where the school's turn before ended, whichever is later
    its end         = start + 1
    virtual time    = start of the turn taken last

The turn that starts first is taken. Schools that have somebody waiting all the while get as many calls as each other,
give or take one, however many they have waiting; one that was away saves nothing up.
"""

import heapq
from typing import NamedTuple


class _Turn(NamedTuple):
    start: int
    order: int
    number: int
    school: str


class Turns:
    """The next turns of the schools that have somebody waiting. O(log n) each; not thread-safe."""

    def __init__(self) -> None:
        self._time = 0
        self._number = 0
        self._ends: dict[str, int] = {}
        self._next: dict[str, _Turn] = {}
        self._heap: list[_Turn] = []
        self._some_ended = False

    @property
    def entries(self) -> int:
        """Heap entries, stale ones too."""
        return len(self._heap)

    def has_room_for(self, school: str, most: int) -> bool:
        """Whether `school` is one of those known, or they are fewer than `most`; who owes nothing is not."""
        if school not in self._ends and len(self._ends) >= most and self._some_ended:
            self._some_ended = False
            self._ends = {name: end for name, end in self._ends.items() if end > self._time or name in self._next}
        return school in self._ends or len(self._ends) < most

    def enter(self, school: str, order: int) -> None:
        """The school has somebody waiting whose place in its own flow is `order`: of turns that start alike the one
        with the least goes first.
        """
        known = self._next.get(school)
        if known is None:
            self._push(school, max(self._time, self._ends.get(school, 0)), order)
        elif order < known.order:
            self._push(school, known.start, order)

    def leave(self, school: str) -> None:
        """Nobody of the school waits any more."""
        self._next.pop(school, None)
        self._some_ended = True

    def first(self) -> str | None:
        """The school whose turn is next; None if nobody waits. Then all begin anew."""
        while self._heap and self._next.get(self._heap[0].school) is not self._heap[0]:
            heapq.heappop(self._heap)
        if self._heap:
            return self._heap[0].school
        self._time = max(self._ends.values(), default=self._time)
        self._ends.clear()
        return None

    def take(self, school: str) -> None:
        """Take its turn. Whoever else of the school waits has to `enter` again."""
        turn = self._next.pop(school)
        self._time = max(self._time, turn.start)
        self._ends[school] = turn.start + 1
        self._some_ended = True

    def give_back(self, school: str) -> None:
        """No call came of a turn that was taken."""
        if school not in self._ends:
            return
        self._ends[school] -= 1
        if (turn := self._next.get(school)) is not None:
            self._push(school, turn.start - 1, turn.order)

    def sweep(self) -> None:
        """Drop stale entries."""
        self._heap = list(self._next.values())
        heapq.heapify(self._heap)

    def _push(self, school: str, start: int, order: int) -> None:
        self._number += 1
        self._ends.setdefault(school, start)
        self._next[school] = _Turn(start, order, self._number, school)
        heapq.heappush(self._heap, self._next[school])
