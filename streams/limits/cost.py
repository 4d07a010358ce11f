"""What a call costs, in the units that limits are set in."""

from dataclasses import dataclass
from typing import Literal

CostUnit = Literal["calls", "tokens", "micro_usd"]


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
