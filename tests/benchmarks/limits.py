"""Rate limits: how much of them is used, how long a class waits, what is spent where Redis goes; by simulated clocks.

The ledger is the one that Redis's script is held equal to. The outages are of a real Redis, cut off and back again.
"""

import asyncio
from itertools import pairwise
from typing import Final

from streams.limits import Bucket, calls_per_hour, calls_per_minute
from streams.limits.bucket import Spending
from streams.limits.ledger import Admitted, LimitLedger
from streams.limits.redis import connect
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.sizes import Sizes
from tests.contract.fleet import Fleet, filled
from tests.servers.redis import RealRedis
from tests.unit.limits.promise import most_in_any_window

NAME: Final = "limits"
_HOUR_US: Final = 3_600_000_000
_MINUTE_US: Final = 60_000_000
_CALL_US: Final = 2_000_000
_AT_ONCE: Final = 4


def measure(_sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """All of it, once: nothing depends on the moment."""
    minute = _eager(24, calls_per_minute())
    even, burst = _day("even"), _day("burst")
    of_two, of_four = (asyncio.run(_outage(workers)) for workers in (2, 4))
    both = "calls, 500 an hour and 50 a minute"

    def figure(name: str, unit: str, value: float, target: Target | None = None) -> Figure:
        return rounds.figure(f"{NAME}_{name}", unit, [value], target=target)

    return [
        figure("minute_used", "% of 50 a minute, saturated, alone", len(minute) / (24 * 30), _at_least(99.5)),
        figure("hour_used", f"% of {both}, hours 2-4, even", _used(even), _at_least(99.5)),
        figure("hour_used_burst", f"% of {both}, hours 2-4, burst", _used(burst), _at_least(99.5)),
        figure("silence", "s between two calls at most, even", _silence_s(even), _at_most(60)),
        figure("silence_burst", "s between two calls at most, burst", _silence_s(burst)),
        figure("class", "s until 30 who end at once are explained, 2 s a call, 4 at once", _class_s(), _at_most(60)),
        figure("most_in_minute", "calls in the fullest minute of the day", _most(burst, _MINUTE_US), _at_most(50)),
        figure("most_in_hour", "calls in the fullest hour of the day", _most(burst, _HOUR_US), _at_most(500)),
        figure("outage_minute", "calls in the fullest minute, 2 workers", _most(of_two, _MINUTE_US), _at_most(50)),
        figure("outage_hour", "calls in the fullest hour, 4 workers", _most(of_four, _HOUR_US), _at_most(500)),
    ]


def _at_least(bound: float) -> Target:
    return Target("at least", bound, of="value")


def _at_most(bound: float) -> Target:
    return Target("at most", bound, of="value")


def _eager(hours: int, *buckets: Bucket) -> list[int]:
    """When somebody is granted a call who asks again as soon as a refusal says, from full buckets at 0 on."""
    ledger, now_us, granted_us = LimitLedger(buckets, 0), 0, []
    ledger.fill(0)
    while now_us < hours * _HOUR_US:
        answer = ledger.reserve([1] * len(buckets), now_us)
        if isinstance(answer, Admitted):
            granted_us.append(now_us)
        else:
            now_us += answer.retry_after_us
    return granted_us


def _day(spending: Spending) -> list[int]:
    return _eager(24, calls_per_minute(), calls_per_hour(spending=spending))


def _used(granted_us: list[int]) -> float:
    return sum(_HOUR_US <= at_us < 4 * _HOUR_US for at_us in granted_us) / 15


def _silence_s(granted_us: list[int]) -> float:
    return max(after - before for before, after in pairwise(granted_us)) / 1e6


def _class_s() -> float:
    free_us = [0] * _AT_ONCE
    for granted_us in _eager(1, calls_per_minute(), calls_per_hour())[:30]:
        free_us.sort()
        free_us[0] = max(free_us[0], granted_us) + _CALL_US
    return max(free_us) / 1e6


def _most(granted_us: list[int], window_us: int) -> int:
    return most_in_any_window([(at_us, 1) for at_us in granted_us], window_us)


async def _outage(workers: int) -> list[int]:
    """When workers are granted calls who always want some: an hour with Redis, an hour without, an hour with it."""
    with RealRedis() as redis:
        client = connect(redis.url, timeout_s=30)
        buckets = (calls_per_minute(), calls_per_hour(spending="burst"))
        fleet = await filled(Fleet(client, "bench", buckets, size=workers))
        for cut in (False, True, False):
            fleet.cut(cut=cut)
            await fleet.demand(3600, step_s=10.0)
        await client.aclose()
    return [at_us for at_us, _ in fleet.granted]
