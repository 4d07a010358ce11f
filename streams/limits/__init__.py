"""Budgets that hold: named limits on calls and tokens, never over in any window, over all workers.

The limiter in Redis is in `streams.limits.redis`: its client takes most of a second to import, and few need it.
"""

from streams.limits.bucket import Bucket, Cost, calls_per_hour, calls_per_minute, tokens_per_minute
from streams.limits.fallback import FallbackLimiter
from streams.limits.limiter import (
    LIMITERS,
    CostTooLarge,
    Decision,
    DecisionObserver,
    Grant,
    Limiter,
    LimitUnavailable,
    RateLimitExceeded,
    Registry,
    UnknownLimiter,
    rate_limit,
)
from streams.limits.memory import MemoryLimiter
from streams.limits.share import PartitionShare

__all__ = [
    "LIMITERS",
    "Bucket",
    "Cost",
    "CostTooLarge",
    "Decision",
    "DecisionObserver",
    "FallbackLimiter",
    "Grant",
    "LimitUnavailable",
    "Limiter",
    "MemoryLimiter",
    "PartitionShare",
    "RateLimitExceeded",
    "Registry",
    "UnknownLimiter",
    "calls_per_hour",
    "calls_per_minute",
    "rate_limit",
    "tokens_per_minute",
]
