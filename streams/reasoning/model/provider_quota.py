"""What a provider says is left of its own limits: the `x-ratelimit-*` headers of OpenAI, Azure, Groq and others.

`remaining` is what is left, `reset` how long until nothing is used: `20ms`, `1s`, `6m0s`, or a number of seconds.
Servers also send -1, dates and nothing: what cannot be read counts as not said.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MAX_WAIT_S: Final = 3600.0
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+\Z")
_SECONDS: Final = re.compile(r"\d{1,5}(?:\.\d{1,9})?\Z")
_COUNT: Final = re.compile(r"\d{1,12}\Z")

HeaderLookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class ProviderQuota:
    """Requests and tokens that are left, and seconds until all of them are there again; None where it does not say."""

    requests: int | None = None
    requests_reset_s: float | None = None
    tokens: int | None = None
    tokens_reset_s: float | None = None

    def wait_s(self, tokens: int) -> float:
        """How long no request may be made: until the reset of what is used up, or has less left than `tokens`, which a
        request takes; at most MAX_WAIT_S, 0 where there is room.

        Where the provider refills little by little, less would do; where it has fixed windows, it would not.
        """
        waits_s = [0.0]
        if self.requests is not None and self.requests < 1:
            waits_s.append(self.requests_reset_s or 0.0)
        if self.tokens is not None and self.tokens < max(tokens, 1):
            waits_s.append(self.tokens_reset_s or 0.0)
        return min(max(waits_s), MAX_WAIT_S)


def read_quota(header: HeaderLookup) -> ProviderQuota | None:
    """What the headers say; None where they say nothing of requests or tokens that are left."""
    requests, tokens = (_count(header(f"x-ratelimit-remaining-{what}")) for what in ("requests", "tokens"))
    if requests is None and tokens is None:
        return None
    return ProviderQuota(
        requests,
        duration_s(header("x-ratelimit-reset-requests")),
        tokens,
        duration_s(header("x-ratelimit-reset-tokens")),
    )


def duration_s(text: str | None) -> float | None:
    """Seconds of `6m0s` or `59.7`; None where it is neither."""
    text = (text or "").strip()
    if _SECONDS.match(text):
        return float(text)
    if not _DURATION.match(text):
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def _count(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if _COUNT.match(text) else None
