"""Between costs and charges: what a request means to each bucket of a limit. Pure."""

from collections.abc import Sequence

from streams.limits.bucket import Bucket
from streams.limits.cost import Cost
from streams.limits.errors import CostTooLarge

MAX_HOLD_S = 86_400.0


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
