"""An account within one process: for tests, for a single worker, for a worker's share while Redis is away."""

import secrets
import time
from collections.abc import Callable

from streams.spending.account import (
    Balance,
    OnCrossed,
    Reservation,
    Used,
    ignore_crossed,
    refusal,
    tokens_used,
)
from streams.spending.ledger import Crossed, NoRoom, SpendingLedger, Sums
from streams.spending.limits import ALL, SpendingLimits
from streams.spending.periods import PERIODS, now_at


def wall_us() -> int:
    return time.time_ns() // 1_000


class MemoryAccount:
    """Implements SpendingAccount for the tasks of one event loop; forgets all at exit.

    `workers` that cannot see each other share the limits: each counts what it spends as if all did the same.
    """

    def __init__(
        self,
        limits: SpendingLimits,
        *,
        workers: int = 1,
        clock_us: Callable[[], int] = wall_us,
        on_crossed: OnCrossed = ignore_crossed,
    ) -> None:
        self.limits = limits
        self._workers = workers
        self._clock_us = clock_us
        self._on_crossed = on_crossed
        self._ledger = SpendingLedger()
        self._ledger.open(secrets.token_hex(8), limits, clock_us())

    @property
    def balance(self) -> Balance | None:
        now_us = self._clock_us()
        current = now_at(now_us)
        day, week, month = (self._ledger.unknown.get(p) == n for p, n in zip(PERIODS, current, strict=True))
        full_day, full_week, full_month = (self._ledger.full.get(p) == n for p, n in zip(PERIODS, current, strict=True))
        return Balance(
            now_us,
            self._ledger.sums(ALL, now_us),
            self._ledger.tokens(ALL, now_us),
            self._ledger.held_until_us,
            (day, week, month),
            (full_day, full_week, full_month),
        )

    async def reserve(self, school: str, model: str, tokens: int, nano_usd: int) -> Reservation:
        asked = tokens * self._workers, nano_usd * self._workers
        answer, crossed = self._ledger.reserve(school, *asked, self.limits, self._clock_us())
        self._notify(crossed)
        if isinstance(answer, NoRoom):
            raise refusal(answer, *asked)
        return Reservation(school, model, tokens, nano_usd, answer)

    async def settle(self, reservation: Reservation, used: Used) -> None:
        assert reservation.admitted is not None
        tokens = (tokens_used(reservation, used) - reservation.tokens) * self._workers
        nano_usd = (used.nano_usd * used.sent - reservation.nano_usd) * self._workers
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

    def _notify(self, crossed: list[Crossed]) -> None:
        for each in crossed:
            self._on_crossed(each)
