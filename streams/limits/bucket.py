"""One limit of so many units a window, and its arithmetic in whole microseconds: pure, no clock of its own.

A token bucket (GCRA) and a log of a window go together. The bucket refills at the limit's full rate up to the full
limit; its state is one number, the theoretical arrival time `tat`: when all that was spent will have been refilled.

        refilled        spent, not yet refilled
    ───────────────┬──────────────────────────────┬───────────► time
                  now                            tat  ≤ now + window      (else: refused)

Alone it would admit limit + rate·t. The log of what was granted within the window holds the ceiling
(`streams.limits.window`), so the bucket may be as deep as the limit: what it adds is a start from empty, and debts.

Costs are in the units that limits are set in.
"""

from dataclasses import dataclass
from typing import Final, Literal

CostUnit = Literal["calls", "tokens"]
Spending = Literal["even", "burst"]
FULL_RATE_PERMILLE: Final = 1000
MAX_ENTRIES: Final = 1000
"""Grants that are kept one by one; of a larger limit, those of a thousandth of the window are kept as one."""
PACED: Final = 5
"""Grants in a row that no pace holds up: a handful of calls at once is no rush."""
MAX_EXACT: Final = 2**53
"""Whole numbers below it are exact in Lua, whose numbers are doubles."""
_SECOND_US: Final = 1_000_000
_PACE: Final = 4


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost in calls and tokens: whole numbers, so that sums never drift. `whose` it is, where there are tenants.

    Raises ValueError where a part is negative.
    """

    calls: int = 1
    tokens: int = 0
    whose: str = ""

    def __post_init__(self) -> None:
        if min(self.calls, self.tokens) < 0:
            raise ValueError(f"a cost is never negative: {self}")

    def of(self, unit: CostUnit) -> int:
        return self.calls if unit == "calls" else self.tokens

    def beyond(self, other: "Cost") -> "Cost":
        """The part of this cost that `other` does not cover, unit by unit."""
        return Cost(max(0, self.calls - other.calls), max(0, self.tokens - other.tokens), self.whose)


ONE_CALL = Cost()
NO_COST = Cost(calls=0)


@dataclass(frozen=True, slots=True)
class Bucket:
    """At most `limit` units in any `window_s` seconds.

    Up to `burst` of them (all, unless it is given) as fast as they are asked for; what is left of the window is then
    spread over the rest of it. In the short run, PACED units and more, never faster than `pace` times the rate (0: as
    fast as asked for). A bucket that is somebody's, by `whose`, is charged what that one spends, and no other.
    Raises ValueError for numbers below one, a rate beyond one unit a microsecond, or what Lua cannot count exactly.
    """

    name: str
    limit: int
    window_s: int
    burst: int | None = None
    unit: CostUnit = "calls"
    pace: int = 0
    whose: str = ""

    def __post_init__(self) -> None:
        if min(self.limit, self.window_s, self.at_once) < 1 or self.pace < 0:
            raise ValueError(f"limit, window_s and burst must be at least 1, and pace at least 0: {self}")
        if self.limit > self.window_us:
            raise ValueError(f"more than one unit a microsecond cannot be counted: {self}")
        if self.limit > MAX_EXACT or (self.at_once < self.limit and self.limit * self.counted_us * 2 > MAX_EXACT):
            raise ValueError(f"too many units to be counted exactly: {self}")

    def units(self, cost: Cost) -> int:
        """What it is charged of a cost."""
        return cost.of(self.unit) if self.whose in ("", cost.whose) else 0

    @property
    def window_us(self) -> int:
        return self.window_s * _SECOND_US

    @property
    def counted_us(self) -> int:
        """How long a grant counts: the window, and a three-hundredth of it (at most a second) on top.

        Calls take different times to reach the provider, who counts by its own clock: two grants a window apart
        must not arrive within one.
        """
        return self.window_us + min(self.window_us // 300, _SECOND_US)

    @property
    def at_once(self) -> int:
        """Units that may be spent of a window before the rest is spread."""
        return self.limit if self.burst is None else min(self.burst, self.limit)

    @property
    def pace_us(self) -> int:
        """Microseconds within which there are at most PACED grants."""
        return -(-PACED * self.window_us // (self.limit * self.pace)) if self.pace else 0

    @property
    def slot_us(self) -> int:
        """Grants within one slot of this length are kept as one, at the time of the last; 0: each by itself."""
        return 0 if self.limit <= MAX_ENTRIES else self.window_us // MAX_ENTRIES

    def charge_us(self, cost: int) -> int:
        """Microseconds in which `cost` units are refilled, rounded up."""
        return -(-cost * self.window_us // self.limit)

    def empty_at(self, now_us: int) -> int:
        """The `tat` of a bucket that holds nothing at `now_us`."""
        return now_us + self.window_us

    def refill_wait_us(self, tat_us: int, cost: int, now_us: int) -> int:
        """Microseconds until the bucket holds `cost` units; below 1 if it does now."""
        return max(tat_us, now_us) + self.charge_us(cost) - self.window_us - now_us


def owned_name(name: str, whose: str) -> str:
    """How a bucket is called that is somebody's, or nobody's."""
    return f"{whose} {name}" if whose else name


def own_name(bucket: str, whose: str) -> str:
    """What `owned_name` made the bucket's name of."""
    return bucket.removeprefix(f"{whose} ")


def calls_per_minute(limit: int = 50, whose: str = "") -> Bucket:
    """As fast as asked for, at four times the rate at most: a provider counts in windows of some seconds, too."""
    return Bucket(owned_name("calls/minute", whose), limit, 60, pace=_PACE, whose=whose)


def calls_per_hour(limit: int = 500, spending: Spending = "even", whose: str = "") -> Bucket:
    """`even` spreads what a fifth of the limit leaves over the rest of the hour; `burst` does not."""
    burst = max(1, limit // 5) if spending == "even" else None
    return Bucket(owned_name("calls/hour", whose), limit, 3600, burst=burst, whose=whose)


def tokens_per_minute(limit: int) -> Bucket:
    return Bucket("tokens/minute", limit, 60, unit="tokens")
