"""When a failed call is tried again: later each time, at random, and not by all at once."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles from `first_s` to `most_s`; of each wait the second half is random, so that failures don't march in step
    (Brooker 2015, Exponential Backoff and Jitter, "equal jitter").
    """

    first_s: float
    most_s: float

    def wait_s(self, attempts: int, rng: Random) -> float:
        """The wait after `attempts` failures, 1 or more."""
        doublings = min(max(attempts - 1, 0), 30)
        return _jittered(min(self.most_s, self.first_s * 2.0**doublings), rng)

    def longest_s(self, rng: Random) -> float:
        """The wait that it grows to."""
        return _jittered(self.most_s, rng)


class RetryBudget:
    """Tries again are paid for by other calls: each adds `ratio`, each try again takes 1; at most `reserve` is saved.

    While a provider is down, load on it grows by `ratio` at most, whatever fails.
    """

    def __init__(self, ratio: float, reserve: int) -> None:
        self._ratio = ratio
        self._reserve = float(max(reserve, 1))
        self._saved = self._reserve

    @property
    def allows(self) -> bool:
        """Whether a try again can be paid for."""
        return self._saved >= 1

    def count(self, *, again: bool) -> None:
        """A call is made; `again` for a student whose earlier call failed."""
        self._saved = self._saved - 1 if again else min(self._saved + self._ratio, self._reserve)


def _jittered(whole_s: float, rng: Random) -> float:
    return whole_s * (0.5 + 0.5 * rng.random())
