"""Whether this worker may write: only while its group has lately confirmed that it is a member.

    heartbeat sent ──► confirmed           fresh for (session - margin) from the moment it was *sent*
                                           │ the broker counts the session from later, so ours ends first
    fresh ─────────── stale ─────────── fresh again     held: what waits is sent after the next confirmation
                        └── the group says we are no member ──► lost, for good

A worker that was stopped (SIGSTOP, a frozen virtual machine, a long pause of the disk) finds its fence stale when it
goes on, because the monotonic clock did not stop. Stale is no failure by itself: a broker that was away, or a rebalance
that waits for others, makes it stale too, and a confirmation proves that nobody has taken our partitions since.
"""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

MARGIN: Final = 0.2
"""The part of the session in which nothing is begun: what was handed to the kernel must arrive within it."""


class Fence:
    """Stale from the start. Its methods may be called from any thread, and neither block nor raise."""

    def __init__(self, session_timeout_s: float, clock_s: Callable[[], float] = monotonic) -> None:
        self.fresh_s = session_timeout_s * (1.0 - MARGIN)
        self._clock_s = clock_s
        self._confirmed_s = float("-inf")
        self._lost: BaseException | None = None
        self._lock = threading.Lock()

    def confirm(self, sent_s: float) -> None:
        """The group confirmed a request of ours that was sent at `sent_s`, by the fence's clock."""
        with self._lock:
            self._confirmed_s = max(self._confirmed_s, sent_s)

    def lose(self, reason: BaseException) -> bool:
        """Never let anything through again; whether this was the first reason."""
        with self._lock:
            first, self._lost = self._lost is None, self._lost or reason
        return first

    @property
    def lost(self) -> BaseException | None:
        """Why nothing will ever be let through again."""
        return self._lost

    @property
    def fresh(self) -> bool:
        """Whether writing is allowed now."""
        return self._lost is None and self.age_s < self.fresh_s

    @property
    def age_s(self) -> float:
        """Seconds since the last confirmed request was sent; infinite before the first."""
        return self._clock_s() - self._confirmed_s
