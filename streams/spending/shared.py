"""The account in Redis, and while that is away this worker's share of what was left when it was last seen.

A share is the worker's partitions' part of all, of those that it has had since then: shares never overlap. What was
spent meanwhile is added to the ledger before it is used again. A worker that alone is cut off spends its share beside
the others, who cannot know: all together then exceed a limit by at most that.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from streams.limits import CostTooLarge, LimitUnavailable, PartitionShare
from streams.limits.memory import monotonic_us
from streams.spending.account import (
    ACCOUNT,
    Balance,
    MoneySpent,
    RecordRow,
    Reservation,
    Used,
    rows_of_reservation,
    rows_of_settlement,
)
from streams.spending.limits import NO_TENANT, SpendingLimits
from streams.spending.memory import MemoryAccount, wall_us
from streams.spending.redis import RedisAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfShare(Reservation):
    """A reservation that a share admitted."""

    share: MemoryAccount


class _Owed(NamedTuple):
    """What is to be added to the ledger; below zero it is a refund."""

    school: str
    nano_usd: int
    rows: list[RecordRow]
    tenant: str


class SharedAccount:
    """Implements SpendingAccount. `partitions` says which part is this worker's, by its own clock `since_us`."""

    def __init__(
        self,
        redis: RedisAccount,
        partitions: PartitionShare,
        *,
        clock_us: Callable[[], int] = wall_us,
        since_us: Callable[[], int] = monotonic_us,
    ) -> None:
        self.redis = redis
        self._partitions = partitions
        self._since_us = since_us
        self._clock_us = clock_us
        self._share: MemoryAccount | None = None
        self._held_until_us = 0
        self._hold_is_untold = False
        self._owed: list[_Owed] = []
        self._turn = asyncio.Lock()

    @property
    def limits(self) -> SpendingLimits:
        return self.redis.limits

    @property
    def balance(self) -> Balance | None:
        return self.redis.balance

    @property
    def owed_nano_usd(self) -> int:
        """What was spent and is not in the ledger yet."""
        return sum(owed.nano_usd for owed in self._owed)

    async def reserve(
        self, school: str, model: str, tokens: int, nano_usd: int, tenant: str = NO_TENANT
    ) -> Reservation:
        try:
            await self._repay()
            return await self.redis.reserve(school, model, tokens, nano_usd, tenant)
        except LimitUnavailable as unavailable:
            return await self._reserve_share(unavailable, school, model, tokens, nano_usd, tenant)

    async def settle(self, reservation: Reservation, used: Used) -> None:
        more_nano_usd, tenant = used.nano_usd * used.sent - reservation.nano_usd, reservation.admitted.tenant
        if isinstance(reservation, _OfShare):
            await reservation.share.settle(reservation, used)
            rows = rows_of_settlement(reservation, used)
            self._owed.append(_Owed(reservation.school, more_nano_usd, rows, tenant))
            return
        try:
            await self.redis.settle(reservation, used)
        except LimitUnavailable:  # whether it was done nobody knows: a refund is not repeated, a debt is
            if more_nano_usd > 0:
                self._owed.append(_Owed(reservation.school, more_nano_usd, [], tenant))
            raise

    async def hold(self, seconds: float) -> None:
        """Hold all workers, or this one while the others cannot be told; they are told when Redis is back."""
        self._held_until_us = max(self._held_until_us, self._clock_us() + round(seconds * 1e6))
        self._hold_is_untold = True
        if self._share is not None:
            await self._share.hold(seconds)
        await self._tell_held()

    async def begin(self) -> None:
        await self.redis.begin()

    async def look(self) -> Balance:
        await self._repay()
        return await self.redis.look()

    async def aclose(self) -> None:
        await self.redis.aclose()

    async def _repay(self) -> None:
        """Add what is owed to the ledger, in order. What a lost answer leaves in doubt is added again, unless it is a
        refund: so it counts twice at most, never less than once.
        """
        async with self._turn:
            while self._owed:
                owed = self._owed[0]
                if owed.nano_usd < 0:
                    self._owed.pop(0)
                await self.redis.absorb(owed.school, owed.nano_usd, owed.rows, owed.tenant)
                if owed.nano_usd >= 0:
                    self._owed.pop(0)
            await self._tell_held()
            self._share = None

    async def _tell_held(self) -> None:
        held_us = self._held_until_us - self._clock_us()
        if self._hold_is_untold and held_us > 0:
            await self.redis.hold(held_us / 1e6)
        self._hold_is_untold = False

    async def _reserve_share(
        self, unavailable: LimitUnavailable, school: str, model: str, tokens: int, nano_usd: int, tenant: str
    ) -> Reservation:
        if self._share is None:
            self._share = await self._new_share()
        share = self._share
        try:
            local = await share.reserve(school, model, tokens, nano_usd, tenant)
        except (MoneySpent, CostTooLarge) as error:
            raise LimitUnavailable(ACCOUNT, f"{unavailable}; of this worker's share: {error}", error.whose) from error
        self._owed.append(_Owed(school, nano_usd, rows_of_reservation(model, nano_usd), tenant))
        return _OfShare(school, model, tokens, nano_usd, local.admitted, local.part, share=share)

    async def _new_share(self) -> MemoryAccount:
        """A share of what is left of the limits; of nothing where the ledger was never seen."""
        part = partial(self._partitions.part, self._since_us())
        share = MemoryAccount(self.redis.limits, part=part, clock_us=self._clock_us)
        share.vouch(self.redis.seen)
        await share.hold(max(0, self._held_until_us - self._clock_us()) / 1e6)
        return share
