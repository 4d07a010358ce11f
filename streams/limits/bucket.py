"""The arithmetic of one token bucket (GCRA), in integer microseconds: pure, no clock of its own.

The state is one number, the theoretical arrival time `tat`: the moment at which all that was spent will have
been refilled. Each unit costs `emission_us`; a bucket holds `depth` units.

        refilled        spent, not yet refilled
    ───────────────┬──────────────────────────────┬───────────► time
                  now                            tat  ≤ now + depth·emission   (else: refused)

Why no window is ever exceeded. Let grants in a closed window of length W start at t and end at u ≤ t + W.
The first leaves tat ≥ t + cost·emission, each adds its own cost, and the last is admitted only if it leaves
tat ≤ u + depth·emission. So the sum of the costs ≤ (u − t)/emission + depth ≤ W/emission + depth, and
emission = ⌈W / (limit − depth)⌉ makes that ≤ limit. Rounding up costs at most 1/emission of the rate.

Costs are in the units that limits are set in.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

CostUnit = Literal["calls", "tokens", "micro_usd"]
FULL_RATE_PERMILLE = 1000
_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost in calls, tokens and millionths of a US dollar: whole numbers, so that sums never drift.

    Raises ValueError where a part is negative.
    """

    calls: int = 1
    tokens: int = 0
    micro_usd: int = 0

    def __post_init__(self) -> None:
        if min(self.calls, self.tokens, self.micro_usd) < 0:
            raise ValueError(f"a cost is never negative: {self}")

    def of(self, unit: CostUnit) -> int:
        match unit:
            case "calls":
                return self.calls
            case "tokens":
                return self.tokens
            case "micro_usd":
                return self.micro_usd

    def plus(self, other: "Cost") -> "Cost":
        return Cost(
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.micro_usd + other.micro_usd,
        )

    def beyond(self, other: "Cost") -> "Cost":
        """The part of this cost that `other` does not cover, unit by unit."""
        return Cost(
            max(0, self.calls - other.calls),
            max(0, self.tokens - other.tokens),
            max(0, self.micro_usd - other.micro_usd),
        )


ONE_CALL = Cost()
NO_COST = Cost(calls=0)


class Taken(NamedTuple):
    """Whether a cost was admitted, the state after it (unchanged if refused), and how long to wait if not."""

    admitted: bool
    tat_us: int
    retry_after_us: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """At most `limit` units in any `window_s` seconds, at most `burst` of them at once.

    A burst that leaves nothing to refill with (`burst >= limit`) is cut down to `depth`; with `limit=1` the
    next unit comes just after the window. Raises ValueError for a limit, window or burst below one, or a rate
    beyond one unit a microsecond.
    """

    name: str
    limit: int
    window_s: int
    burst: int = 5
    unit: CostUnit = "calls"

    def __post_init__(self) -> None:
        if min(self.limit, self.window_s, self.burst) < 1:
            raise ValueError(f"limit, window_s and burst must be at least 1: {self}")
        if self.limit - self.depth > self.window_us:
            raise ValueError(f"more than one unit a microsecond cannot be counted: {self}")

    @property
    def window_us(self) -> int:
        return self.window_s * _SECOND_US

    @property
    def depth(self) -> int:
        """The burst in force: as asked for, but at most `limit - 1`, so that some of the limit refills."""
        return max(1, min(self.burst, self.limit - 1))

    @property
    def emission_us(self) -> int:
        """Microseconds that one unit takes to refill, rounded up."""
        if self.limit == 1:
            return self.window_us + 1  # two grants exactly a window apart would share a closed window
        return -(-self.window_us // (self.limit - self.depth))

    @property
    def tolerance_us(self) -> int:
        return self.depth * self.emission_us

    def empty_at(self, now_us: int) -> int:
        """The state of a bucket that holds nothing at `now_us`."""
        return now_us + self.tolerance_us

    def charge_us(self, cost: int, rate_permille: int = FULL_RATE_PERMILLE) -> int:
        """How far `cost` units push `tat`; a slowed rate makes each unit take longer to refill."""
        return -(-cost * self.emission_us * FULL_RATE_PERMILLE // rate_permille)

    def take(self, tat_us: int, cost: int, now_us: int, rate_permille: int = FULL_RATE_PERMILLE) -> Taken:
        """Admit `cost` units at `now_us`, or say after how many microseconds they would be.

        The admission test uses the full-rate charge and the state the slowed one: however slow the rate,
        the wait stays finite and exact, and the window's promise only gets stricter.
        """
        if cost == 0:
            return Taken(True, tat_us, 0)
        start_us = max(tat_us, now_us)
        retry_after_us = start_us + self.charge_us(cost) - self.tolerance_us - now_us
        if retry_after_us > 0:
            return Taken(False, tat_us, retry_after_us)
        return Taken(True, start_us + self.charge_us(cost, rate_permille), 0)

    def share(self, workers: int) -> "Bucket | None":
        """One worker's part when `workers` cannot coordinate, or None where there is less than one each.

        Together they neither exceed `limit` in a window nor refill faster than the whole (a share of one
        starts only after a whole window). Where one request costs many units, up to half of the share may be
        spent at once, so that requests still fit.
        """
        limit = self.limit // workers
        if limit == 0:
            return None
        burst = max(1, limit - (self.limit - self.depth) // workers)
        if self.unit != "calls":
            burst = max(burst, min(self.depth, limit // 2))
        return replace(self, limit=limit if burst < limit else 1, burst=burst)


def calls_per_minute(limit: int = 50) -> Bucket:
    return Bucket("calls/minute", limit, 60, burst=max(1, min(5, limit // 10)))


def calls_per_hour(limit: int = 500) -> Bucket:
    return Bucket("calls/hour", limit, 3600, burst=max(1, min(5, limit // 10)))


def tokens_per_minute(limit: int, burst: int | None = None) -> Bucket:
    """`burst` (a quarter of the limit by default) must hold the largest single reservation."""
    return Bucket("tokens/minute", limit, 60, burst=burst or max(1, limit // 4), unit="tokens")


def micro_usd_per_day(limit: int, burst: int | None = None) -> Bucket:
    """`burst` (a tenth of the limit by default) must hold the largest single reservation."""
    return Bucket("micro_usd/day", limit, 86_400, burst=burst or max(1, limit // 10), unit="micro_usd")
