"""What a ledger of spending answers: whether there is room, what is spent, which alert is due."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.spending.periods import Now, Period

GRACE: Final = "ledger"
PROVIDER: Final = "provider"
TOKENS: Final = "tokens/minute"
"""What refuses besides the limits of money: a ledger that begins, the provider's own limits, the tokens of a minute."""


class Spent(NamedTuple):
    """What was spent of a period, by its number; in billionths of a US dollar."""

    number: int
    nano_usd: int


Sums = Mapping[str, tuple[Spent, Spent, Spent]]
"""By scope, what was spent of its day, week and month."""


class Crossed(NamedTuple):
    """A share of a limit, in percent, that is spent as of now and was not before."""

    scope: str
    period: Period
    level: int


class Reserved(NamedTuple):
    """A reservation: in which scope, second and periods, of how much, and whose besides, where there are tenants."""

    scope: str
    second: int
    periods: Now
    nano_usd: int
    tenant: str = ""


class NoRoom(NamedTuple):
    """Which limit makes room last, and after how many µs; `money`: not before a period ends.

    `unknown`: since nobody knows what was spent. `never`: the limit is smaller than what was asked for.
    """

    limit: str
    retry_after_us: int
    money: bool = False
    unknown: bool = False
    never: bool = False
