"""How a limit says no.

Retryable
├── RateLimitExceeded   the budget is spent: wait `retry_after_s`
└── LimitUnavailable    nobody can say what is left: spend nothing
InvalidInput
└── CostTooLarge        no wait will ever be long enough
Fatal
└── UnknownLimiter      the name was never registered
"""

from schemas.errors import Fatal, InvalidInput, Retryable


class RateLimitExceeded(Retryable):
    """The limit `limiter` refuses for now; `bucket` is the one that takes longest to make room (or `hold`).

    `retry_after_s` is exact: the same request is admitted after that long, if nobody else spends meanwhile.
    """

    def __init__(self, limiter: str, bucket: str, retry_after_s: float) -> None:
        super().__init__(f"limit {limiter!r} ({bucket}) is spent: retry in {retry_after_s:.3f} s")
        self.limiter = limiter
        self.bucket = bucket
        self.retry_after_s = retry_after_s


class LimitUnavailable(Retryable):
    """The shared state of a limit cannot be reached, and there is no local share that could serve."""

    def __init__(self, limiter: str, why: str) -> None:
        super().__init__(f"limit {limiter!r} is unavailable: {why}")
        self.limiter = limiter


class CostTooLarge(InvalidInput):
    """One request asks for more than a bucket ever holds at once."""

    def __init__(self, bucket: str, cost: int, burst: int) -> None:
        super().__init__("cost_too_large", f"a cost of {cost} can never fit bucket {bucket!r} (burst {burst})")
        self.bucket = bucket


class UnknownLimiter(Fatal):
    """A limiter is asked for by a name that nobody registered."""
