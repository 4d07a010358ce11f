"""What a named limit has spent: several buckets taken all or nothing, reservations, holds. Pure.

`script.py` says the same in Lua, for Redis; the conformance suite keeps the two equal, number for number.

A refund must not mint budget. What a bucket regained by waiting, a later refund cannot give again, so each
open reservation keeps a *mark*: the `tat` of a bucket that never saw this reservation, nor anything before
it. The exact state after a refund of x is then max(tat − x, mark), and likewise for the marks of older
reservations. Marks are bounded in number; a reservation whose mark is gone stays spent in full.

Below it: what a request, and its settlement, mean to each bucket.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.limits.bucket import FULL_RATE_PERMILLE, Bucket, Cost
from streams.limits.limiter import CostTooLarge

MAX_OPEN = 64
MIN_RATE_PERMILLE = 62
RESTORE_US = 600_000_000
"""Microseconds in which the rate grows from nothing to full: a halved one is restored in half of that."""
HOLD = "hold"
MAX_HOLD_S = 86_400.0


class Admitted(NamedTuple):
    """A reservation, and the rate (‰) that it was charged at."""

    reservation: int
    rate_permille: int


class Refused(NamedTuple):
    """Which bucket makes room last (`hold`: the provider said wait), and after how many microseconds."""

    bucket: str
    retry_after_us: int


class LimitLedger:
    """The state of one named limit. Every bucket starts empty at `now_us`.

    Costs and charges are one number a bucket, in the buckets' order. Calls must come one at a time.
    """

    def __init__(self, buckets: Sequence[Bucket], now_us: int) -> None:
        self.buckets = tuple(buckets)
        self._tats_us = [bucket.empty_at(now_us) for bucket in self.buckets]
        self._floors_us: dict[int, list[int]] = {}
        self._last_reservation = now_us
        self._held_until_us = 0
        self._rate_permille = FULL_RATE_PERMILLE
        self._slowed_at_us = now_us

    def fill(self, now_us: int) -> None:
        """Grant the full burst at once, forgetting what was spent: on purpose only."""
        self._tats_us = [now_us for _ in self.buckets]
        self._floors_us.clear()

    def rate_permille(self, now_us: int) -> int:
        restored = (now_us - self._slowed_at_us) * FULL_RATE_PERMILLE // RESTORE_US
        return min(FULL_RATE_PERMILLE, self._rate_permille + max(0, restored))

    def reserve(self, costs: Sequence[int], now_us: int) -> Admitted | Refused:
        """Take the costs from all buckets, or from none."""
        rate = self.rate_permille(now_us)
        refused = Refused(HOLD, max(0, self._held_until_us - now_us))
        tats_us = []
        for bucket, tat_us, cost in zip(self.buckets, self._tats_us, costs, strict=True):
            taken = bucket.take(tat_us, cost, now_us, rate)
            tats_us.append(taken.tat_us)
            if taken.retry_after_us > refused.retry_after_us:
                refused = Refused(bucket.name, taken.retry_after_us)
        if refused.retry_after_us > 0:
            return refused
        self._push_floors([b.charge_us(c, rate) for b, c in zip(self.buckets, costs, strict=True)], now_us)
        self._tats_us = tats_us
        return Admitted(self._open(), rate)

    def settle(self, reservation: int, deltas_us: Sequence[int], now_us: int) -> None:
        """Correct a reservation's charges: a negative delta is a refund, a positive one is owed from now on.

        Idempotent for refunds: an unknown or already settled reservation gets none.
        """
        floors_us = self._floors_us.pop(reservation, None)
        older = [floors for key, floors in self._floors_us.items() if key < reservation]
        for i, delta_us in enumerate(deltas_us):
            if delta_us < 0 and floors_us is not None:
                for state in (self._tats_us, *older):
                    state[i] = max(state[i] + delta_us, floors_us[i])
        owed_us = [max(0, delta_us) for delta_us in deltas_us]
        self._push_floors(owed_us, now_us)
        self._tats_us = _pushed(self._tats_us, owed_us, now_us)

    def hold(self, until_us: int, now_us: int) -> None:
        """Admit nothing before `until_us`, and halve the rate: once a hold, however many report it."""
        if self._held_until_us <= now_us:
            self._rate_permille = max(MIN_RATE_PERMILLE, self.rate_permille(now_us) // 2)
            self._slowed_at_us = now_us
        self._held_until_us = max(self._held_until_us, until_us)

    def absorb(self, charges_us: Sequence[int], floors_us: Sequence[int], now_us: int) -> None:
        """Charge what was spent elsewhere; each bucket ends at least `floor` microseconds in debt."""
        for state in (self._tats_us, *self._floors_us.values()):
            for i, (charge_us, floor_us) in enumerate(zip(charges_us, floors_us, strict=True)):
                state[i] = max(state[i] + charge_us, now_us + floor_us)

    def _open(self) -> int:
        self._last_reservation += 1
        self._floors_us[self._last_reservation] = [0 for _ in self.buckets]
        if len(self._floors_us) > MAX_OPEN:
            del self._floors_us[min(self._floors_us)]
        return self._last_reservation

    def _push_floors(self, charges_us: Sequence[int], now_us: int) -> None:
        for reservation, floors_us in self._floors_us.items():
            self._floors_us[reservation] = _pushed(floors_us, charges_us, now_us)


def _pushed(tats_us: Sequence[int], charges_us: Sequence[int], now_us: int) -> list[int]:
    return [
        max(tat_us, now_us) + charge_us if charge_us else tat_us
        for tat_us, charge_us in zip(tats_us, charges_us, strict=True)
    ]


def costs_of(buckets: Sequence[Bucket], cost: Cost) -> list[int]:
    """Units that `cost` takes from each bucket. Raises CostTooLarge where no wait would make room."""
    costs = [cost.of(bucket.unit) for bucket in buckets]
    for bucket, units in zip(buckets, costs, strict=True):
        if units > bucket.depth:
            raise CostTooLarge(bucket.name, units, bucket.depth)
    return costs


def deltas_us(buckets: Sequence[Bucket], reserved: Cost, used: Cost, rate_permille: int) -> list[int]:
    """Microseconds to add to (below zero: to take from) each bucket's charge for `reserved`."""
    return [
        bucket.charge_us(used.of(bucket.unit), rate_permille)
        - bucket.charge_us(reserved.of(bucket.unit), rate_permille)
        for bucket in buckets
    ]


def absorbed_us(buckets: Sequence[Bucket], spent: Cost, workers: int) -> tuple[list[int], list[int]]:
    """Charges and floors for `spent`, which a local share granted while nobody could reach these buckets.

    The floor is what all `workers` may hold of their bursts together: whoever comes back first covers those
    who are still out. Charges are cut to one share's burst: what was spent earlier has been refilled by time.
    """
    charges_us, floors_us = [], []
    for bucket in buckets:
        share = bucket.share(workers)
        burst = bucket.depth if share is None else share.depth
        charges_us.append(bucket.charge_us(min(spent.of(bucket.unit), burst)))
        floors_us.append(bucket.charge_us(max(bucket.depth, burst * workers if share else 0)))
    return charges_us, floors_us


def hold_us(seconds: float) -> int:
    """A wait that a provider named, in whole microseconds; at most a day, whatever it said."""
    if not seconds >= 0:  # also refuses NaN
        raise ValueError(f"a hold lasts at least 0 seconds, not {seconds}")
    return round(min(seconds, MAX_HOLD_S) * 1_000_000)
