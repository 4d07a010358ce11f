"""What can be set about reasoning. Times in seconds here; the rules themselves count in µs."""

from dataclasses import dataclass, field
from typing import Final

from streams.reasoning.model.defaults import MAX_REPLY_TOKENS
from streams.reasoning.policy.breaker import OutageRule
from streams.spending.prices import Prices

LIMITER: Final = "openai_reasoning"


@dataclass(frozen=True, slots=True)
class PendingPolicy:
    """Who is owed an explanation, and who comes first.

    `patience_s` is τ: a student whose update is worth 1 is served as if it had waited τ longer than one worth 0.
    An update worth less than `min_value` owes nothing. `full_move` is the change of score that is worth 1 by
    itself; `crossing` what a change of level adds. Who has waited `horizon_s` is given up.
    """

    patience_s: float = 3600.0
    cooldown_s: float = 600.0
    horizon_s: float = 86_400.0
    min_value: float = 0.05
    full_move: float = 0.3
    crossing: float = 0.5

    def __post_init__(self) -> None:
        """Raises ValueError for a policy that could not order anything."""
        if self.patience_s <= 0 or self.cooldown_s < 0 or self.horizon_s <= 0:
            raise ValueError(f"patience_s and horizon_s must be above 0 and cooldown_s not below it: {self}")
        if not (0 < self.full_move <= 1 and 0 <= self.min_value <= 1 and 0 <= self.crossing <= 1):
            raise ValueError(f"min_value, full_move and crossing lie between 0 and 1: {self}")


@dataclass(frozen=True, slots=True)
class ExplainSettings:
    """How a call is made, tried again and given up.

    `max_attempts` failed calls end in a template. Calls that try a student again are at most `retry_ratio` of all,
    beyond a reserve of `retry_reserve`. `reply_tokens` is the most that a reply may have, and is reserved at. A server
    that refuses the request itself is blocked after `max_refused` calls in a row without an explanation.
    """

    max_attempts: int = 4
    backoff_s: float = 10.0
    max_backoff_s: float = 600.0
    retry_ratio: float = 0.2
    retry_reserve: int = 10
    blocked_pause_s: float = 900.0
    max_refused: int = 5
    second_grant_wait_s: float = 10.0
    reply_tokens: int = MAX_REPLY_TOKENS
    prices: Prices = field(default_factory=Prices)
    outage: OutageRule = field(default_factory=OutageRule)
