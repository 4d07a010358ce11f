"""What every account of spending offers, whichever place its ledger is in: reserve before a call, settle after it.

    reserved = await account.reserve("north", "gpt-4.1", tokens=9_000, nano_usd=43_000_000)
    ...the call...
    await account.settle(reserved, used)

A reservation that is never settled stays spent: a call whose end nobody saw may have been billed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from schemas.errors import Retryable
from streams.limits import CostTooLarge, RateLimitExceeded
from streams.spending.answers import Crossed, NoRoom, Reserved, Spent
from streams.spending.limits import NO_TENANT, SpendingLimits
from streams.spending.usage import NO_TOKENS, TokenUsage

ACCOUNT: Final = "openai_reasoning"


class MoneySpent(Retryable):
    """A limit of money leaves no room before `retry_after_s`, when its period ends.

    `unknown`: the ledger does not know what was spent before it began, and counts all of the period as spent. `whose`
    the limit is, where it is a tenant's.
    """

    def __init__(self, limit: str, retry_after_s: float, *, unknown: bool, whose: str = NO_TENANT) -> None:
        why = "what was spent before is unknown" if unknown else "it is spent"
        super().__init__(f"limit {limit}: {why}; room in {retry_after_s:.0f} s")
        self.limit = limit
        self.retry_after_s = retry_after_s
        self.unknown = unknown
        self.whose = whose


@dataclass(frozen=True, slots=True)
class Used:
    """What a call by `model` came to. `usage` is None where the provider did not say: `nano_usd` is then what was
    reserved. `priced` is False where no price is known; `sent` where the call was made at all.
    """

    model: str
    usage: TokenUsage | None
    nano_usd: int
    priced: bool = True
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a call may use at most, taken from the ledger in `admitted`.

    `part` is the part of a limit, own and all, that it was taken from.
    """

    school: str
    model: str
    tokens: int
    nano_usd: int
    admitted: Reserved
    part: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class RecordRow:
    """What a day's record of `model` grows by, by name; see `rows_of_reservation` and `rows_of_settlement`."""

    model: str
    add: dict[str, int]


class TenantBalance(NamedTuple):
    """What is spent of a tenant's periods, and which of them refused its last reservation."""

    sums: tuple[Spent, Spent, Spent]
    full: tuple[bool, bool, bool] = (False, False, False)


@dataclass(frozen=True, slots=True)
class Balance:
    """What is spent of the deployment's periods, as it was last seen; which are unknown, and which refused the last
    reservation; the same of `tenants` by name, of those whose money is limited.
    """

    now_us: int
    sums: tuple[Spent, Spent, Spent]
    tokens: int
    unknown: tuple[bool, bool, bool]
    full: tuple[bool, bool, bool] = (False, False, False)
    tenants: Mapping[str, TenantBalance] = field(default_factory=dict)


class SpendingAccount(Protocol):
    """Safe to share among tasks. Everything may raise LimitUnavailable: the ledger is out of reach."""

    @property
    def limits(self) -> SpendingLimits: ...

    @property
    def balance(self) -> Balance | None:
        """As of the last answer of the ledger; None before the first."""
        ...

    async def reserve(
        self, school: str, model: str, tokens: int, nano_usd: int, tenant: str = NO_TENANT
    ) -> Reservation:
        """Reserve at once or not at all, from what all, the school and the tenant have.

        Raises RateLimitExceeded (tokens of a minute; the provider's own limits), MoneySpent, CostTooLarge.
        """
        ...

    async def settle(self, reservation: Reservation, used: Used) -> None:
        """Replace what was reserved by what was used. To be called once."""
        ...

    async def hold(self, seconds: float) -> None:
        """Admit nothing for so long, for all who share the ledger."""
        ...

    async def begin(self) -> None:
        """Count what was spent before the ledger began as nothing."""
        ...

    async def look(self) -> Balance:
        """See what is spent now."""
        ...

    async def aclose(self) -> None:
        """Let go of connections. Idempotent."""
        ...


OnCrossed = Callable[[Crossed], None]


def ignore_crossed(_crossed: Crossed) -> None:
    """The observer that nobody asked for."""


def refusal(refused: NoRoom, tokens: int, nano_usd: int, limits: SpendingLimits, tenant: str) -> Exception:
    """The error that a refusal is raised as."""
    wait_s = refused.retry_after_us / 1e6
    whose = tenant if refused.limit.startswith("tenant ") else NO_TENANT
    if refused.never:
        asked = nano_usd if refused.money else tokens
        return CostTooLarge(refused.limit, asked, limits.named(refused.limit, tenant), whose)
    if refused.money:
        return MoneySpent(refused.limit, wait_s, unknown=refused.unknown, whose=whose)
    return RateLimitExceeded(ACCOUNT, refused.limit, wait_s, whose)


def rows_of_reservation(model: str, nano_usd: int) -> list[RecordRow]:
    """A call that is under way: `reserved` is the part of `nano_usd` that no provider has confirmed."""
    return [RecordRow(model, {"calls": 1, "nano_usd": nano_usd, "reserved": nano_usd})]


def rows_of_settlement(reservation: Reservation, used: Used) -> list[RecordRow]:
    """The same call, replaced by what was used; of a call without a usage what was reserved stays."""
    usage = used.usage or NO_TOKENS
    if not used.sent:
        used_row = RecordRow(used.model, {})
    else:
        used_row = RecordRow(
            used.model,
            {
                "calls": 1,
                "nano_usd": used.nano_usd,
                "reserved": used.nano_usd if used.usage is None else 0,
                "unpriced": 0 if used.priced else 1,
                "input_tokens": usage.input_tokens,
                "cached_tokens": usage.cached_tokens,
                "output_tokens": usage.output_tokens,
                "reasoning_tokens": usage.reasoning_tokens,
            },
        )
    taken = rows_of_reservation(reservation.model, reservation.nano_usd)
    return [*(RecordRow(row.model, {name: -by for name, by in row.add.items()}) for row in taken), used_row]


def tokens_used(reservation: Reservation, used: Used) -> int:
    """Tokens that the call counts for: those reserved where nobody knows."""
    if not used.sent:
        return 0
    return reservation.tokens if used.usage is None else used.usage.total_tokens


def sums_by_model(rows: Iterable[RecordRow]) -> dict[str, dict[str, int]]:
    """Rows added up, by model; zeros left out."""
    by_model: dict[str, dict[str, int]] = {}
    for row in rows:
        sums = by_model.setdefault(row.model, {})
        for name, by in row.add.items():
            sums[name] = sums.get(name, 0) + by
    return {model: {name: by for name, by in sums.items() if by} for model, sums in by_model.items()}
