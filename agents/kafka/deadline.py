"""By when Kafka must have answered: the one way in which this program waits for it in a thread."""

import time
from collections.abc import Callable


class Deadline:
    """`timeout_s` from now, and from each `renew`. Of one thread."""

    def __init__(
        self,
        timeout_s: float,
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._timeout_s = timeout_s
        self._clock_s = clock_s
        self._sleep = sleep
        self._ends_s = clock_s() + timeout_s

    @property
    def left_s(self) -> float:
        """Seconds until it is over; never below 0."""
        return max(0.0, self._ends_s - self._clock_s())

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self._clock_s() >= self._ends_s

    def renew(self) -> None:
        """Start again with the full time: something was received."""
        self._ends_s = self._clock_s() + self._timeout_s

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`, or for what is left. Blocks."""
        self._sleep(min(seconds, self.left_s))
