"""How often an address may fail to say the right token: so many at once, and then as many a minute.

While it has to wait even the right token is refused: else guesses would not be slowed down.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

MAX_ADDRESSES: Final = 10_000
"""Of more the one that failed longest ago is dropped."""
_IPV6_SITE_BITS: Final = 64


class FailedAttempts:
    """Of one worker, by address: GCRA, as in `streams.limits.bucket`, in seconds."""

    def __init__(self, per_minute: int, clock_s: Callable[[], float] = monotonic) -> None:
        self._interval_s = 60.0 / per_minute
        self._burst_s = 60.0 - self._interval_s
        self._clock_s = clock_s
        self._free_at_s: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, address: str | None) -> float:
        """For how long the address may not try again; 0 where it may."""
        free_at_s = self._free_at_s.get(_site(address))
        return 0.0 if free_at_s is None else max(0.0, free_at_s - self._burst_s - self._clock_s())

    def note(self, address: str | None) -> None:
        """It has failed."""
        site, now_s = _site(address), self._clock_s()
        self._free_at_s[site] = max(now_s, self._free_at_s.pop(site, now_s)) + self._interval_s
        if len(self._free_at_s) > MAX_ADDRESSES:
            self._free_at_s.popitem(last=False)


def _site(address: str | None) -> str:
    """Who has one IPv6 address has 2^64 of them."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((int(found), _IPV6_SITE_BITS), strict=False))
