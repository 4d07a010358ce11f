"""Why a request is not taken: a status, what it counts as, and the reason for people and programs.

400 unreadable   401 key   403 foreign_student   408 slow   413 too_large   415 unreadable   429 busy, rate
503 unavailable
"""

from typing import Any, Final

from agents.metrics.declared.gateway import GatewayOutcome

RESEND_AFTER_S: Final = 1
"""For `busy` and `unavailable`."""


class NotTaken(Exception):
    """`more` are further properties of the answer; with `retry_after_s` it may be sent again, as it was."""

    def __init__(self, status: int, outcome: GatewayOutcome, message: str, retry_after_s: int = 0, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.outcome = outcome
        self.more = more
        self._retry_after_s = retry_after_s

    @property
    def answer(self) -> dict[str, Any]:
        """As JSON."""
        return {"error": str(self), "reason": self.outcome, **self.more}

    @property
    def headers(self) -> dict[str, str]:
        """Beside those of every answer."""
        if self.outcome == "key":
            return {"WWW-Authenticate": 'Basic realm="skillstream: any name, and the key as password"'}
        return {"Retry-After": str(self._retry_after_s)} if self._retry_after_s else {}


def busy(why: str) -> NotTaken:
    """For a request that finds no room."""
    return NotTaken(429, "busy", why, RESEND_AFTER_S)
