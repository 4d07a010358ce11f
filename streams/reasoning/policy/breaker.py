"""A switch that opens when calls are in vain, and lets one through now and then to see.

closed ──most calls fail──► open ──pause──► one probe ──answered──► closed
   └─────trip (a person must act)──►▲           └──failed──► open, for longer

Failures of calls that all began and ended within half a second are one sign: what breaks one breaks those beside it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.errors import Retryable

_LEAST_SPAN_US: Final = 500_000
_REMEMBERED: Final = 1_000


class ReasoningPaused(Retryable):
    """No call may be made for `retry_after_s`."""

    def __init__(self, why: str, retry_after_s: float) -> None:
        super().__init__(f"reasoning is paused: {why}")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class OutageRule:
    """It is an outage once `failures` calls of the last `window_s`, and `share` of all of them, failed.

    Then one call is made after `pause_s`, and after twice as long each time that it fails, `most_pause_s` at most.
    """

    failures: int = 3
    share: float = 0.5
    window_s: float = 60.0
    pause_s: float = 30.0
    most_pause_s: float = 300.0


class _Call(NamedTuple):
    started_us: int
    ended_us: int
    failed: bool


class Breaker:
    """`alert` is called once for each time that it is tripped, not for each probe that fails. Times in µs."""

    def __init__(self, pause_s: float, alert: Callable[[str], None], outage: OutageRule | None = None) -> None:
        self._pause_us = round(pause_s * 1e6)
        self._alert = alert
        self._outage = outage or OutageRule()
        self._why: str | None = None
        self._tripped = False
        self._probing = False
        self._probe_at_us = 0
        self._outage_pause_us = 0
        self._recent: deque[_Call] = deque(maxlen=_REMEMBERED)

    @property
    def why(self) -> str | None:
        """Why it is open; None while closed."""
        return self._why

    def check(self, now_us: int) -> None:
        """Raises ReasoningPaused while no call may be made."""
        if self._why is not None and now_us < self._probe_at_us:
            raise ReasoningPaused(self._why, (self._probe_at_us - now_us) / 1e6)

    def enter(self, now_us: int) -> None:
        """As `check`, on the way into a call; while open, the next caller has to wait for another pause."""
        self.check(now_us)
        if self._why is not None:
            self._probing = True
            self._probe_at_us = now_us + (self._pause_us if self._tripped else self._outage_pause_us)

    def trip(self, why: str, now_us: int, *, probe_now: bool = False) -> None:
        """Open, or stay open for another pause; `probe_now` lets one call show whether it is so."""
        first = not self._tripped
        self._why, self._tripped, self._probing = why, True, False
        self._probe_at_us = now_us + (0 if probe_now else self._pause_us)
        if first:
            self._alert(why)

    def fail(self, why: str, started_us: int, now_us: int) -> None:
        """A call that began at `started_us` got no answer, for a reason that may pass."""
        self._recent.append(_Call(started_us, now_us, failed=True))
        if self._why is None and self._is_outage(now_us):
            self._open(why, now_us, self._outage.pause_s)
        elif self._why is not None and self._probing and not self._tripped:
            self._open(why, now_us, min(2e-6 * self._outage_pause_us, self._outage.most_pause_s))

    def answer(self, now_us: int) -> None:
        """The provider answered a call."""
        self._recent.append(_Call(now_us, now_us, failed=False))
        self.close()

    def close(self) -> None:
        """Calls may be made."""
        if self._why is not None:
            self._recent.clear()
        self._why, self._tripped, self._probing = None, False, False

    def _open(self, why: str, now_us: int, pause_s: float) -> None:
        self._why, self._probing = why, False
        self._outage_pause_us = round(pause_s * 1e6)
        self._probe_at_us = now_us + self._outage_pause_us

    def _is_outage(self, now_us: int) -> bool:
        while self._recent[0].ended_us < now_us - round(self._outage.window_s * 1e6):
            self._recent.popleft()
        failed = [call for call in self._recent if call.failed]
        return (
            len(failed) >= self._outage.failures
            and len(failed) >= self._outage.share * len(self._recent)
            and now_us - min(call.started_us for call in failed) >= _LEAST_SPAN_US
        )
