"""An outage: what the broker does not answer, and since when. The worker waits for it, up to a bound.

    first failure ──► outage: un-acked, fenced, degraded ──► every part answers again ──► back
                                    └── longer than `wait_s` ──► BrokerWaitExceeded: the worker ends with 3

Each part of delivery reports its own trouble and its end: a coordinator may answer while a leader does not.
"""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Literal

from aiokafka.errors import KafkaError, KafkaTimeoutError

from agents.delivery.errors import BrokerWaitExceeded
from agents.logs import lifecycle

BrokerRequest = Literal[
    "group", "commit", "send", "changelog", "input topic", "catalogue", "tenant holds", "identity starts", "erasures"
]


class Outage:
    """Of one worker. From any thread; neither blocks nor raises, but for `check`."""

    def __init__(self, broker: str, wait_s: float, clock_s: Callable[[], float] = monotonic) -> None:
        self._broker = broker
        self._wait_s = wait_s
        self._clock_s = clock_s
        self._troubles: dict[BrokerRequest, str] = {}
        self._refusal = ""
        self._since_s = 0.0
        self._lock = threading.Lock()

    def begin(self, part: BrokerRequest, why: object, unanswered_s: float = 0.0) -> None:
        """What `part` asked for is not answered, or not as it will be when the trouble is over.

        It was asked `unanswered_s` ago: so old is the trouble, though it is noticed only now.
        """
        said = why if isinstance(why, str) else f"{type(why).__name__}: {why}" if str(why) else type(why).__name__
        with self._lock:
            begins = not self._troubles
            self._troubles[part] = f"{part}: {said}"
            asked_s = self._clock_s() - unanswered_s
            self._since_s = asked_s if begins else min(self._since_s, asked_s)
        if begins:
            meanwhile = f"waiting for up to {self._wait_s:g} s, nothing is acknowledged"
            lifecycle.server_lost("The broker", self._broker, f"{part}: {said}", meanwhile)

    def back(self, part: BrokerRequest) -> None:
        """It was answered, or is not asked for any more."""
        if part not in self._troubles:
            return
        with self._lock:
            ends = self._troubles.pop(part, None) is not None and not self._troubles
            unavailable_s = self._clock_s() - self._since_s
            if ends:
                self._refusal = ""
        if ends:
            lifecycle.server_back("The broker", self._broker, unavailable_s)

    def explain(self, refusal: str) -> None:
        """Why the broker lets nobody in, which is what all troubles come from; said once, until it is another."""
        with self._lock:
            is_news = bool(self._troubles) and refusal != self._refusal
            if is_news:
                self._refusal = refusal
        if is_news:
            lifecycle.server_refuses("The broker", self._broker, refusal)

    @property
    def age_s(self) -> float:
        """How old the oldest question is that made the trouble known; 0 while the broker answers."""
        with self._lock:
            return self._clock_s() - self._since_s if self._troubles else 0.0

    @property
    def reason(self) -> str | None:
        """What it does not answer; None while it answers."""
        with self._lock:
            refusal = [self._refusal] if self._refusal else []
            return "; ".join([*refusal, *self._troubles.values()]) or None

    def check(self) -> None:
        """Raise BrokerWaitExceeded when the outage has lasted `wait_s`."""
        if (reason := self.reason) is not None and (age_s := self.age_s) >= self._wait_s:
            raise BrokerWaitExceeded(
                f"the broker {self._broker} was away for {age_s:.0f} s ({reason}); SKILLSTREAM_BROKER_WAIT_S is "
                f"{self._wait_s:g}. What was not acknowledged is read again after a restart"
            )


def may_pass(error: BaseException) -> bool:
    """Whether waiting may help: nobody answered, or said that it cannot now."""
    if isinstance(error, TimeoutError | KafkaTimeoutError):
        return True
    return isinstance(error, KafkaError) and bool(error.retriable)
