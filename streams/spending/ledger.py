"""What was spent, as a pure state: sums by scope and period, tokens of the last minute, holds. No clock, no I/O.

`script.py` says the same in Lua, for Redis; the conformance suite keeps the two equal, number for number.

A reservation adds the most that a call can use; its settlement, the difference to what was used. What is never settled
stays spent. For OPEN_S it counts as *open*: it may come back, so it raises no alert, and what would have room but for
it waits instead of being refused.

Sums belong to a *generation*: whoever loses them (Redis, flushed or restarted) begins another one, and every account
then vouches once for the sums that it saw last. Of these the largest counts, beside what was spent since:

    spent = base + since        base = the most that anybody vouched for

So that all have vouched before anybody spends, a new generation admits no money for GRACE_US: accounts look at the
ledger more often than that. A ledger that begins with nobody to vouch for it does not know what was spent before: its
periods are *unknown*, and count as spent in full until they end, somebody vouches, or a person says that nothing was
(`begin`).
"""

from dataclasses import dataclass, field, replace
from typing import Final

from streams.spending.answers import GRACE, PROVIDER, TOKENS, Crossed, NoRoom, Reserved, Spent, Sums
from streams.spending.limits import (
    ALL,
    MAX_SCHOOLS,
    NO_TENANT,
    OTHER_SCHOOLS,
    ScopeLimits,
    SpendingLimits,
    is_tenant,
    limit_of,
    name_of,
    tenant_scope,
)
from streams.spending.periods import PERIODS, Period, end_us, now_at
from streams.spending.slots import Slots

ALERT_LEVELS: Final = (50, 80, 100)
MAX_HOLD_US: Final = 3_600_000_000
GRACE_US: Final = 10_000_000
OPEN_S: Final = 120
SETTLING_US: Final = 1_000_000
_MINUTE_S: Final = 60
_SECOND_US: Final = 1_000_000


@dataclass(slots=True)
class _Sum:
    number: int
    nano_usd: int = 0
    base: int = 0
    level: int = 0
    generation: str | None = None


@dataclass(slots=True)
class SpendingLedger:
    """One deployment's ledger. Calls must come one at a time; times in µs.

    `full` are the periods, of the deployment and of tenants, that refused the last reservation.
    """

    generation: str | None = None
    held_until_us: int = 0
    grace_until_us: int = 0
    unknown: dict[Period, int] = field(default_factory=dict)
    full: dict[tuple[str, Period], int] = field(default_factory=dict)
    _sums: dict[tuple[str, Period], _Sum] = field(default_factory=dict)
    _minutes: Slots = field(default_factory=lambda: Slots(_MINUTE_S))
    _open: Slots = field(default_factory=lambda: Slots(OPEN_S))

    def open(self, nonce: str, limits: SpendingLimits, now_us: int) -> None:
        """Begin, if it has not begun: what was spent of the current periods is unknown, the minute counts as spent."""
        if self.generation is None:
            self.renew(nonce, now_us)
            self.unknown = dict(zip(PERIODS, now_at(now_us), strict=True))
            if limits.deployment.tokens_per_minute is not None:
                self._minutes.fill(ALL, now_us // _SECOND_US, limits.deployment.tokens_per_minute)

    def begin(self) -> None:
        """Nothing was spent before: a person says so, or a deployment that has never asked."""
        self.unknown.clear()
        self.grace_until_us = 0
        self._minutes.clear(ALL)

    def renew(self, nonce: str, now_us: int) -> None:
        """Begin another generation: sums may be older than those that were seen."""
        self.generation = nonce
        self.grace_until_us = now_us + GRACE_US

    def vouch(self, sums: Sums, now_us: int) -> None:
        """Count at least what an account saw last, of the periods that are not over."""
        current = now_at(now_us)
        for scope, spent in sums.items():
            for period, number, seen in zip(PERIODS, current, spent, strict=True):
                if seen.number != number:
                    continue
                if scope == ALL and self.unknown.get(period) == number:
                    del self.unknown[period]
                found = self._sum(scope, period, number)
                found.nano_usd += max(0, seen.nano_usd - found.base)
                found.base = max(found.base, seen.nano_usd)
                self._sums[scope, period] = found

    def reserve(
        self, school: str, tokens: int, nano_usd: int, limits: SpendingLimits, now_us: int, tenant: str = NO_TENANT
    ) -> tuple[Reserved | NoRoom, list[Crossed]]:
        """Take tokens and money from the deployment, from `school` and from `tenant`, or from none of them."""
        scope, current, second = self.scope_of(school), now_at(now_us), now_us // _SECOND_US
        held_us = min(self.held_until_us - now_us, MAX_HOLD_US)
        refused = NoRoom(PROVIDER, held_us) if held_us > 0 else None
        crossed: list[Crossed] = []
        for each in _scopes(scope, tenant):
            for no in self._refusals(each, tokens, nano_usd, limits.of(each), now_us, crossed):
                if refused is None or (no.never, no.retry_after_us) > (refused.never, refused.retry_after_us):
                    refused = no
        if refused is not None:
            return refused, crossed
        for each in _scopes(scope, tenant):
            self.full = {key: number for key, number in self.full.items() if key[0] != each}
            self._minutes.add(each, second, tokens, second)
            self._open.add(each, second, nano_usd, second)
            for period, number in zip(PERIODS, current, strict=True):
                found = self._sum(each, period, number)
                found.nano_usd += nano_usd
                self._sums[each, period] = found
            crossed += self._crossed(each, limits.of(each), now_us)
        return Reserved(scope, second, current, nano_usd, tenant), crossed

    def settle(
        self, reserved: Reserved, tokens: int, nano_usd: int, limits: SpendingLimits, now_us: int
    ) -> list[Crossed]:
        """Add the difference to what was used: below zero it comes back to the minute and the periods that it was taken
        from, if they are not over; above zero it is spent now.
        """
        current, second, crossed = now_at(now_us), now_us // _SECOND_US, list[Crossed]()
        for each in _scopes(reserved.scope, reserved.tenant):
            self._minutes.add(each, reserved.second if tokens < 0 else second, tokens, second)
            self._open.add(each, reserved.second, -reserved.nano_usd, second)
            for period, number, taken in zip(PERIODS, current, reserved.periods, strict=True):
                found = self._sum(each, period, number)
                if nano_usd > 0 or found.number == taken:
                    found.nano_usd = max(0, found.nano_usd + nano_usd)
                self._sums[each, period] = found
            crossed += self._crossed(each, limits.of(each), now_us)
        return crossed

    def hold(self, for_us: int, now_us: int) -> None:
        """Admit nothing for that long, at most MAX_HOLD_US: the provider says that its own limit is used up."""
        self.held_until_us = max(self.held_until_us, now_us + min(for_us, MAX_HOLD_US))

    def sums(self, scope: str, now_us: int) -> tuple[Spent, Spent, Spent]:
        """What is spent of the scope's day, week and month."""
        day, week, month = (
            Spent(found.number, found.nano_usd)
            for period, number in zip(PERIODS, now_at(now_us), strict=True)
            for found in [self._sum(scope, period, number)]
        )
        return day, week, month

    def is_full(self, scope: str, now_us: int) -> tuple[bool, bool, bool]:
        """Whether the scope's day, week and month refused its last reservation."""
        day, week, month = (
            self.full.get((scope, period)) == number for period, number in zip(PERIODS, now_at(now_us), strict=True)
        )
        return day, week, month

    def tokens(self, scope: str, now_us: int) -> int:
        """Tokens of the last minute, to the second: never fewer than any 60 s hold."""
        return self._minutes.total(scope, now_us // _SECOND_US)

    def open_nano_usd(self, scope: str, now_us: int) -> int:
        """What is reserved and may still come back."""
        return self._open.total(scope, now_us // _SECOND_US)

    def scope_of(self, school: str) -> str:
        """The scope that a school counts in: its own, or OTHER_SCHOOLS beyond MAX_SCHOOLS of them."""
        known = {scope for scope, _ in self._sums if scope != ALL and not is_tenant(scope)}
        return school if school in known or len(known) < MAX_SCHOOLS else OTHER_SCHOOLS

    def _refusals(
        self, scope: str, tokens: int, nano_usd: int, limits: ScopeLimits, now_us: int, crossed: list[Crossed]
    ) -> list[NoRoom]:
        refusals = []
        most = limits.tokens_per_minute
        if most is not None and tokens > 0 and self.tokens(scope, now_us) + tokens > most:
            never = tokens > most
            wait_us = 0 if never else self._minutes.wait_us(scope, most - tokens, now_us)
            refusals.append(NoRoom(limit_of(scope, TOKENS), wait_us, never=never))
        grace_us = min(self.grace_until_us - now_us, GRACE_US)
        if grace_us > 0 and nano_usd > 0 and limits.of_money:
            refusals.append(NoRoom(limit_of(scope, GRACE) if is_tenant(scope) else GRACE, grace_us))
        for period, number in zip(PERIODS, now_at(now_us), strict=True):
            limit, found = limits.money(period), self._sum(scope, period, number)
            if limit is None or nano_usd == 0:
                continue
            unknown = self.unknown.get(period) == number
            if not unknown and found.nano_usd + nano_usd <= limit:
                continue
            if not unknown and found.nano_usd - self.open_nano_usd(scope, now_us) + nano_usd <= limit:
                refusals.append(NoRoom(name_of(scope, period), SETTLING_US))
                continue
            if found.level < 100 and not unknown and nano_usd <= limit:
                found.level = 100
                self._sums[scope, period] = found
                crossed.append(Crossed(scope, period, 100))
            if (scope == ALL or is_tenant(scope)) and not unknown and nano_usd <= limit:
                self.full[scope, period] = number
            wait_us = end_us(period, found.number) - now_us
            never = nano_usd > limit
            refusals.append(NoRoom(name_of(scope, period), wait_us, money=True, unknown=unknown, never=never))
        return refusals

    def _crossed(self, scope: str, limits: ScopeLimits, now_us: int) -> list[Crossed]:
        crossed, open_nano_usd = [], self.open_nano_usd(scope, now_us)
        for period, number in zip(PERIODS, now_at(now_us), strict=True):
            limit, found = limits.money(period), self._sum(scope, period, number)
            if limit is None:
                continue
            percent = (found.nano_usd - open_nano_usd) * 100
            level = max((level for level in ALERT_LEVELS if percent >= level * limit), default=0)
            if level > found.level:
                found.level = level
                self._sums[scope, period] = found
                crossed.append(Crossed(scope, period, level))
        return crossed

    def _sum(self, scope: str, period: Period, number: int) -> _Sum:
        """A copy of the current sum. A clock that went back leaves the later period in force; one that was far ahead
        does not.
        """
        found = self._sums.get((scope, period))
        if found is None or found.number < number:
            return _Sum(number, generation=self.generation)
        found = replace(found, number=number if found.number > number + 1 else found.number)
        if found.generation != self.generation:
            found.base, found.generation = found.nano_usd, self.generation
        return found


def _scopes(school: str, tenant: str) -> tuple[str, ...]:
    """The scopes that a call is paid from: all's, the school's and, where there are tenants, the tenant's."""
    return (ALL, school, tenant_scope(tenant)) if tenant else (ALL, school)
