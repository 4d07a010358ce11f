"""How many lines may be written: a token bucket, so that a burst is whole and a flood is not. Writes nothing."""

from collections.abc import Callable
from time import monotonic


class LineRate:
    """Admits `lines_per_s`, and `burst` at once after a pause. Not thread-safe: its handler has a lock."""

    def __init__(self, lines_per_s: float, burst: int, clock_s: Callable[[], float] = monotonic) -> None:
        self._lines_per_s = lines_per_s
        self._burst = burst
        self._clock_s = clock_s
        self._tokens = float(burst)
        self._at_s = clock_s()
        self._left_out = 0

    def admit(self, *, always: bool = False) -> bool:
        """Whether one more line may be written; `always`: it is written in any case, and counts."""
        self._refill()
        if self._tokens < 1 and not always:
            self._left_out += 1
            return False
        self._tokens = max(0.0, self._tokens - 1)
        return True

    def take_left_out(self, *, now: bool = False) -> int:
        """How many lines were left out, once a half of the burst is free again, or `now`; then counting begins anew."""
        if not self._left_out:
            return 0
        self._refill()
        if not now and self._tokens < self._burst / 2:
            return 0
        left_out, self._left_out = self._left_out, 0
        return left_out

    def _refill(self) -> None:
        now_s = self._clock_s()
        self._tokens = min(float(self._burst), self._tokens + (now_s - self._at_s) * self._lines_per_s)
        self._at_s = now_s
