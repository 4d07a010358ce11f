"""How many calls to have under way, so that the rate that the limits allow is reached however long a call takes.

Little's law: calls under way = calls a second · seconds a call. At 50 a minute and 12 s a call that is 10.
"""

import math

LEAST = 4
_HEADROOM = 1.5
_NEWEST = 0.2


class Concurrency:
    """`rate_per_s` is the most calls a second that the limits admit, `most` the bound, at least 1.

    Durations are averaged with exponential weights, a fifth for the newest; one that is longer counts at once, since
    budget that is not used in time is lost, and a slot that is not needed costs nothing.
    """

    def __init__(self, rate_per_s: float, most: int) -> None:
        self._rate_per_s = rate_per_s
        self.most = most
        self._average_s = 0.0

    @property
    def allowed(self) -> int:
        """Calls that may be under way now."""
        wanted = math.ceil(self._rate_per_s * self._average_s * _HEADROOM) + 1
        return min(max(LEAST, wanted), self.most)

    def note(self, duration_s: float) -> None:
        """A call has ended, well or not."""
        duration_s = max(duration_s, 0.0)
        if duration_s > self._average_s:
            self._average_s = duration_s
        else:
            self._average_s += _NEWEST * (duration_s - self._average_s)
