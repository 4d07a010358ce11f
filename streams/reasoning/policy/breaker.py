"""A switch that opens when only a person can help (no credit, a revoked key), and tries again now and then.

closed ──trip──► open ──pause──► one probe ──answered──► closed
                  ▲                  └──tripped──► open
"""

from collections.abc import Callable

from schemas.errors import Retryable


class ReasoningPaused(Retryable):
    """No call may be made for `retry_after_s`."""

    def __init__(self, why: str, retry_after_s: float) -> None:
        super().__init__(f"reasoning is paused: {why}")
        self.retry_after_s = retry_after_s


class Breaker:
    """`alert` is called once for each time that it opens, not for each probe that fails. Times in µs."""

    def __init__(self, pause_s: float, alert: Callable[[str], None]) -> None:
        self._pause_us = round(pause_s * 1e6)
        self._alert = alert
        self._why: str | None = None
        self._probe_at_us = 0

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
            self._probe_at_us = now_us + self._pause_us

    def trip(self, why: str, now_us: int, *, probe_now: bool = False) -> None:
        """Open, or stay open for another pause; `probe_now` lets one call show whether it is so."""
        first = self._why is None
        self._why = why
        self._probe_at_us = now_us + (0 if probe_now else self._pause_us)
        if first:
            self._alert(why)

    def close(self) -> None:
        """The provider answered."""
        self._why = None
