"""How many questions a second a worker takes up: more wait for their turn, and too many are told to come again.

So whoever asks as fast as they can takes a part of the event loop, and not the stream's.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final

_AT_ONCE_S: Final = 0.125
"""What may come at once: so many seconds' worth."""
_LONGEST_WAIT_S: Final = 1.0


class Pace:
    """Of one worker: GCRA, as in `streams.limits.bucket`, in seconds."""

    def __init__(self, per_s: float, clock_s: Callable[[], float] = monotonic) -> None:
        self._interval_s = 1.0 / per_s
        self._clock_s = clock_s
        self._free_at_s = clock_s()

    def turn_s(self) -> float | None:
        """For how long to wait before the question is taken up; None where that would be too long."""
        now_s = self._clock_s()
        wait_s = max(0.0, self._free_at_s - _AT_ONCE_S - now_s)
        if wait_s > _LONGEST_WAIT_S:
            return None
        self._free_at_s = max(now_s, self._free_at_s) + self._interval_s
        return wait_s
