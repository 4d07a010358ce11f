"""An account within one process: for tests, for a single worker, for a worker's share while Redis is away."""

import secrets
import time
from collections.abc import Callable

from streams.limits import LimitUnavailable
from streams.spending.account import (
    ACCOUNT,
    Balance,
    OnCrossed,
    Reservation,
    TenantBalance,
    Used,
    ignore_crossed,
    refusal,
    tokens_used,
)
from streams.spending.answers import Crossed, NoRoom, Sums
from streams.spending.ledger import SpendingLedger
from streams.spending.limits import ALL, NO_TENANT, SpendingLimits, tenant_scope
from streams.spending.periods import PERIODS, now_at


def wall_us() -> int:
    return time.time_ns() // 1_000


def _all() -> tuple[int, int]:
    return 1, 1


def _of_all(amount: int, part: tuple[int, int]) -> int:
    own, of = part
    return -(-amount * of // own)


class MemoryAccount:
    """Implements SpendingAccount for the tasks of one event loop; forgets all at exit.

    Workers that cannot see each other have parts of the limits: `part` says how many this one has, and of how many. It
    counts what it spends as if whoever has the others did the same.
    """

    def __init__(
        self,
        limits: SpendingLimits,
        *,
        part: Callable[[], tuple[int, int]] = _all,
        clock_us: Callable[[], int] = wall_us,
        on_crossed: OnCrossed = ignore_crossed,
    ) -> None:
        self.limits = limits
        self._part = part
        self._clock_us = clock_us
        self._on_crossed = on_crossed
        self._ledger = SpendingLedger()
        self._ledger.open(secrets.token_hex(8), limits, clock_us())

    @property
    def balance(self) -> Balance | None:
        now_us = self._clock_us()
        current = now_at(now_us)
        day, week, month = (self._ledger.unknown.get(p) == n for p, n in zip(PERIODS, current, strict=True))
        return Balance(
            now_us,
            self._ledger.sums(ALL, now_us),
            self._ledger.tokens(ALL, now_us),
            (day, week, month),
            self._ledger.is_full(ALL, now_us),
            {name: self._balance_of(tenant_scope(name), now_us) for name in self.limits.tenants_of_money},
        )

    async def reserve(
        self, school: str, model: str, tokens: int, nano_usd: int, tenant: str = NO_TENANT
    ) -> Reservation:
        part = self._part() if self.limits != SpendingLimits() else _all()
        if part[0] == 0:
            raise LimitUnavailable(ACCOUNT, "this worker has no part of the limits")
        asked = _of_all(tokens, part), _of_all(nano_usd, part)
        answer, crossed = self._ledger.reserve(school, *asked, self.limits, self._clock_us(), tenant)
        self._notify(crossed)
        if isinstance(answer, NoRoom):
            raise refusal(answer, *asked, self.limits, tenant)
        return Reservation(school, model, tokens, nano_usd, answer, part)

    async def settle(self, reservation: Reservation, used: Used) -> None:
        part = reservation.part
        tokens = _of_all(tokens_used(reservation, used), part) - _of_all(reservation.tokens, part)
        nano_usd = _of_all(used.nano_usd * used.sent, part) - _of_all(reservation.nano_usd, part)
        self._notify(self._ledger.settle(reservation.admitted, tokens, nano_usd, self.limits, self._clock_us()))

    async def hold(self, seconds: float) -> None:
        self._ledger.hold(round(seconds * 1e6), self._clock_us())

    async def begin(self) -> None:
        self._ledger.begin()

    async def look(self) -> Balance:
        balance = self.balance
        assert balance is not None
        return balance

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def vouch(self, sums: Sums) -> None:
        """Count at least what another account saw last, and wait for nobody else's."""
        self._ledger.vouch(sums, self._clock_us())
        self._ledger.grace_until_us = 0

    def _balance_of(self, scope: str, now_us: int) -> TenantBalance:
        return TenantBalance(self._ledger.sums(scope, now_us), self._ledger.is_full(scope, now_us))

    def _notify(self, crossed: list[Crossed]) -> None:
        for each in crossed:
            self._on_crossed(each)
