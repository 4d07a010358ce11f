"""How many events a second each tenant may send to one gateway, where the tenants file says so.

A bucket fills at the rate, up to what comes in a second. Whoever finds something in it takes all that a request brings,
and owes the rest: so a request of any size passes in the end, and none is cut.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from agents.config.tenants import Tenant
from agents.gateway.refusal import NotTaken

_FULL_S: Final = 1.0


@dataclass(slots=True)
class _Bucket:
    events: float
    at_s: float


class EventRates:
    """Of all tenants."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, tenant: Tenant, events: int) -> None:
        """Events that are to be sent; 0 asks only whether some might be. Raises NotTaken (429)."""
        rate = tenant.events_per_second
        if rate is None:
            return
        full, now_s = rate * _FULL_S, self._clock()
        bucket = self._buckets.setdefault(tenant.name, _Bucket(full, now_s))
        bucket.events = min(full, bucket.events + rate * (now_s - bucket.at_s))
        bucket.at_s = now_s
        if bucket.events <= 0:
            said = f"more than {rate:g} events a second (gateway_events_per_second)"
            raise NotTaken(429, "rate", said, retry_after_s=max(1, math.ceil(-bucket.events / rate)))
        bucket.events -= events
