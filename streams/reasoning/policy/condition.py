"""Whether explanations are being made, and why not: for people; each change is reported once."""

import logging
from typing import Final

AFTER: Final = 3
LONG_US: Final = 25_000_000
_log = logging.getLogger(__name__)


class Condition:
    """Calls fail now and then; it is a condition once AFTER of them came in a row, or none succeeded for LONG_US, or
    what failed says so itself.
    """

    def __init__(self) -> None:
        self._why: str | None = None
        self._since_us: int | None = None
        self.failures_in_a_row = 0

    @property
    def why(self) -> str | None:
        """Why no explanations are made; None while they are."""
        return self._why

    def fail(self, why: str, *, lasting: bool = False, notified: bool = False) -> None:
        """A call failed. `lasting`: the next will, too; `notified`: it was reported already."""
        self.failures_in_a_row += 1
        if self._why is None and not lasting and self.failures_in_a_row < AFTER:
            return
        if self._why is None and not notified:
            _log.warning("No explanations for now: %s", why)
        self._why = why

    def fail_since(self, why: str, began_us: int, now_us: int, *, lasting: bool = False) -> None:
        """A call that began then got no answer: few calls that hang say as much as many that are refused."""
        self._since_us = began_us if self._since_us is None else min(self._since_us, began_us)
        self.fail(why, lasting=lasting or now_us - self._since_us >= LONG_US)

    def work(self) -> None:
        """A call gave an explanation, or would now."""
        self.failures_in_a_row, self._since_us = 0, None
        if self._why is not None:
            _log.info("Explanations are made again")
        self._why = None
