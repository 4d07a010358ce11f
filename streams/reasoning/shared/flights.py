"""Calls under way, by student, so that no other worker makes a second one; here of the workers of one process.

    begin ──► noted ──its result is read back, or its time is over──► anybody's again
                └──no call was made, or it failed and that was published: end

A rebalance gives a student to another worker while the first one's call goes on, and its result is still to be read.
"""

import secrets
from collections.abc import Callable
from typing import NamedTuple, Protocol

from streams.limits.memory import monotonic_us
from streams.reasoning.policy.pending import Sequence


class Flights(Protocol):
    """The calls of all workers, as one worker sees them. Notes end by themselves after the longest call's time."""

    async def begin(self, student: bytes, seq: Sequence, explained: Sequence) -> float:
        """Note this worker's call about `student` as of `seq`, and return 0; or, where another worker's may be under
        way, the seconds until that is certainly over. It is over if its result is: `explained` is what the student's
        row says. Never raises: where nobody can say, the call is this worker's to make.
        """
        ...

    async def end(self, student: bytes) -> None:
        """Take this worker's note back. Never raises."""
        ...

    async def aclose(self) -> None:
        """Let go of connections. Idempotent."""
        ...


class CallNote(NamedTuple):
    """A call of `owner`, as of `seq`."""

    owner: str
    seq: Sequence
    until_us: int


class MemoryFlights:
    """Implements Flights among those who have the same `noted`, by the clock that they share."""

    def __init__(
        self,
        longest_s: float,
        *,
        noted: dict[bytes, CallNote] | None = None,
        clock_us: Callable[[], int] = monotonic_us,
    ) -> None:
        self._longest_us = round(longest_s * 1e6)
        self._noted = {} if noted is None else noted
        self._clock_us = clock_us
        self._owner = secrets.token_hex(8)

    async def begin(self, student: bytes, seq: Sequence, explained: Sequence) -> float:
        now_us = self._clock_us()
        self._let_go(now_us)
        other = self._noted.get(student)
        if other is not None and other.owner != self._owner and other.seq > explained:
            return (other.until_us - now_us) / 1e6
        self._noted.pop(student, None)
        self._noted[student] = CallNote(self._owner, seq, now_us + self._longest_us)
        return 0.0

    async def end(self, student: bytes) -> None:
        noted = self._noted.get(student)
        if noted is not None and noted.owner == self._owner:
            del self._noted[student]

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _let_go(self, now_us: int) -> None:
        """Drop the notes whose time is over: they are in the order of their times."""
        while self._noted:
            student = next(iter(self._noted))
            if self._noted[student].until_us > now_us:
                return
            del self._noted[student]
