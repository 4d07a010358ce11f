"""What a named limit has spent: several buckets taken all or nothing, reservations, holds. Pure.

`script.py` says the same in Lua, for Redis; the conformance suite keeps the two equal, number for number.

A reservation is named by the time of its grant, which no other grant has; its settlement corrects the logs and
the buckets. A refund may give the bucket what it regained by waiting a second time: the log, which holds the ceiling,
is exact.

Below it: what a request, and its settlement, mean to each bucket.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from streams.limits.bucket import FULL_RATE_PERMILLE, PACED, Bucket, Cost
from streams.limits.limiter import CostTooLarge
from streams.limits.window import Granted, WindowLog, room_wait_us, spread_wait_us, still_counting

MIN_RATE_PERMILLE: Final = 62
RESTORE_US: Final = 600_000_000
"""Microseconds in which the rate grows from nothing to full: a halved one is restored in half of that."""
HOLD: Final = "hold"
MAX_HOLD_S: Final = 86_400.0


class Admitted(NamedTuple):
    """The time of a grant, which names the reservation."""

    reservation: int


class Refused(NamedTuple):
    """Which bucket makes room last (`hold`: the provider said wait), and after how many microseconds."""

    bucket: str
    retry_after_us: int


class Portion(NamedTuple):
    """`held` of `of` equal parts of a limit: one who may spend only these counts its own grants by the inverse."""

    held: int
    of: int


WHOLE: Final = Portion(1, 1)


class BucketLedger:
    """One bucket's state. `own_after_us`: from then on grants are those of a portion of the limit, before it of all."""

    def __init__(self, bucket: Bucket, tat_us: int, log: WindowLog = (), own_after_us: int = 0) -> None:
        self.bucket = bucket
        self.tat_us = tat_us
        self.log = list(log)
        self._own_after_us = own_after_us

    def wait_us(self, cost: int, now_us: int, slowed_permille: int, portion: Portion) -> int:
        """Microseconds until `cost` units can be taken; 0 if now."""
        bucket, counted_us = self.bucket, self.bucket.counted_us
        if cost == 0:
            return 0
        pace_us = self._pace_wait_us(cost, now_us, slowed_permille, portion)
        log, cost = self._scaled(portion), cost * portion.of
        limit, at_once = bucket.limit * portion.held, bucket.at_once * portion.held
        waits = [
            0,
            bucket.refill_wait_us(self.tat_us, -(-cost // portion.held), now_us),
            pace_us,
            room_wait_us(log, limit, cost, now_us, counted_us),
        ]
        if at_once < limit:
            spread_us = spread_wait_us(log, limit, cost, now_us, counted_us)
            if cost <= at_once:
                spread_us = min(spread_us, room_wait_us(log, at_once, cost, now_us, counted_us))
            waits.append(spread_us)
        return max(waits)

    def take(self, units: int, at_us: int, now_us: int, portion: Portion = WHOLE) -> None:
        """Charge `units`, noted at `at_us`, which is later than every grant before. It owes a window at most."""
        if units == 0:
            return
        tat_us = max(self.tat_us, now_us) + self.bucket.charge_us(-(-units * portion.of // portion.held))
        self.tat_us = min(tat_us, now_us + 2 * self.bucket.window_us)
        if self.log and self.bucket.slot_us and self._same_slot(self.log[-1].at_us, at_us):
            units += self.log.pop().units
        self.log.append(Granted(at_us, units))

    def refund(self, reservation: int, reserved: int, used: int) -> None:
        """Give back what was not used, unless the grant counts no more."""
        for i, entry in enumerate(self.log):
            if entry.at_us >= reservation:
                if self._same_slot(entry.at_us, reservation) and entry.units >= reserved - used:
                    self.tat_us -= self.bucket.charge_us(reserved) - self.bucket.charge_us(used)
                    self.log[i] = Granted(entry.at_us, entry.units - reserved + used)
                break
        self.log = [entry for entry in self.log if entry.units > 0]

    def trim(self, now_us: int) -> None:
        """Let go of what counts no more."""
        self.log = still_counting(self.log, now_us, self.bucket.counted_us)

    def _pace_wait_us(self, cost: int, now_us: int, slowed_permille: int, portion: Portion) -> int:
        """While the rate is slowed, the distance from the newest grant is what `cost` takes to refill at that rate."""
        gap_us, back = self.bucket.pace_us, PACED
        if slowed_permille < FULL_RATE_PERMILLE:
            gap_us, back = -(-self.bucket.charge_us(cost) * FULL_RATE_PERMILLE // slowed_permille), 1
        if gap_us == 0 or len(self.log) < back:
            return 0
        return self.log[-back].at_us + -(-gap_us * portion.of // portion.held) - now_us

    def _scaled(self, portion: Portion) -> list[Granted]:
        if portion == WHOLE:
            return self.log
        return [
            Granted(entry.at_us, entry.units * (portion.of if entry.at_us > self._own_after_us else portion.held))
            for entry in self.log
        ]

    def _same_slot(self, one_us: int, other_us: int) -> bool:
        slot_us = self.bucket.slot_us
        return one_us // slot_us == other_us // slot_us if slot_us else one_us == other_us


class LimitLedger:
    """The state of one named limit. Every bucket starts empty at `now_us`.

    Costs are one number a bucket, in the buckets' order. Calls must come one at a time. A clock that goes back is taken
    to stand still, and to go on from there.
    """

    def __init__(self, buckets: Sequence[Bucket], now_us: int) -> None:
        self.buckets = tuple(buckets)
        self.states = [BucketLedger(bucket, bucket.empty_at(now_us)) for bucket in self.buckets]
        self.held_until_us = 0
        self.slowed_permille = FULL_RATE_PERMILLE
        self.slowed_at_us = now_us
        self.last_us = 0
        self._clock_us = now_us
        self._behind_us = 0

    def fill(self, now_us: int) -> None:
        """Fill the buckets: on purpose only. What is known to have been granted still counts."""
        now_us = self._now(now_us)
        for state in self.states:
            state.tat_us = now_us

    def rate_permille(self, now_us: int) -> int:
        restored = (now_us - self.slowed_at_us) * FULL_RATE_PERMILLE // RESTORE_US
        return min(FULL_RATE_PERMILLE, self.slowed_permille + max(0, restored))

    def reserve(
        self, costs: Sequence[int], now_us: int, portions: Sequence[Portion] | None = None
    ) -> Admitted | Refused:
        """Take the costs from all buckets, or from none; given `portions`, of each bucket only that much of it."""
        now_us = self._now(now_us)
        portions = portions or [WHOLE] * len(self.states)
        rate, refused = self.rate_permille(now_us), Refused(HOLD, max(0, self.held_until_us - now_us))
        for state, cost, portion in zip(self.states, costs, portions, strict=True):
            state.trim(now_us)
            wait_us = state.wait_us(cost, now_us, rate, portion)
            if wait_us > refused.retry_after_us:
                refused = Refused(state.bucket.name, wait_us)
        if refused.retry_after_us > 0:
            return refused
        return Admitted(self._take(costs, now_us, portions))

    def charge(self, costs: Sequence[int], now_us: int) -> int:
        """Take what was spent, whether there is room or not; the time of it."""
        return self._take(costs, self._now(now_us), [WHOLE] * len(self.states))

    def settle(self, reservation: int, reserved: Sequence[int], used: Sequence[int], now_us: int) -> None:
        """Correct a reservation: what was not used is given back, what was used beyond it is owed from now on."""
        now_us = self._now(now_us)
        for state, before, after in zip(self.states, reserved, used, strict=True):
            state.trim(now_us)
            if after < before:
                state.refund(reservation, before, after)
        owed = [max(0, after - before) for before, after in zip(reserved, used, strict=True)]
        if any(owed):
            self._take(owed, now_us, [WHOLE] * len(self.states))

    def hold(self, for_us: int, now_us: int) -> None:
        """Admit nothing for so long, and halve the rate: once a hold, however many report it."""
        now_us = self._now(now_us)
        if self.held_until_us <= now_us:
            self.slowed_permille = max(MIN_RATE_PERMILLE, self.rate_permille(now_us) // 2)
            self.slowed_at_us = now_us
        self.held_until_us = max(self.held_until_us, now_us + for_us)

    def _take(self, costs: Sequence[int], now_us: int, portions: Sequence[Portion]) -> int:
        self.last_us = max(now_us, self.last_us + 1)
        for state, cost, portion in zip(self.states, costs, portions, strict=True):
            state.take(cost, self.last_us, now_us, portion)
        return self.last_us

    def _now(self, now_us: int) -> int:
        self._behind_us += max(0, self._clock_us - now_us - self._behind_us)
        self._clock_us = now_us + self._behind_us
        return self._clock_us


def costs_of(buckets: Sequence[Bucket], cost: Cost) -> list[int]:
    """Units that `cost` takes from each bucket. Raises CostTooLarge where no wait would make room."""
    costs = [bucket.units(cost) for bucket in buckets]
    for bucket, units in zip(buckets, costs, strict=True):
        if units > bucket.limit:
            raise CostTooLarge(bucket.name, units, bucket.limit, bucket.whose)
    return costs


def whose_of(buckets: Sequence[Bucket], name: str) -> str:
    """Whose the bucket of that name is; nobody's for a hold."""
    return next((bucket.whose for bucket in buckets if bucket.name == name), "")


def hold_us(seconds: float) -> int:
    """A wait that a provider named, in whole microseconds; at most a day, whatever it said."""
    if not seconds >= 0:  # also refuses NaN
        raise ValueError(f"a hold lasts at least 0 seconds, not {seconds}")
    return round(min(seconds, MAX_HOLD_S) * 1_000_000)


def most_granted(buckets: Sequence[Bucket], bucket: Bucket, gap_us: int) -> int:
    """The most that `bucket`, which is one of `buckets`, can have granted within `gap_us`, all of them kept that are
    charged whatever it is.
    """
    same = [other for other in buckets if other.unit == bucket.unit and other.whose in ("", bucket.whose)]
    return min(bucket.limit, *(other.limit * (max(0, gap_us) // other.window_us + 1) for other in same))
