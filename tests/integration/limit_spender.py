"""A process that spends a limit in Redis as fast as it may, and notes when.

Arguments: Redis's URL, the folder of the log, which of how many processes, for how many seconds. A line of the log is
two readings of the machine's monotonic clock in µs: before asking for a grant, and after it was given.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any, Final, cast

from redis.asyncio import Redis

from streams.limits import Bucket, FallbackLimiter, LimitUnavailable, PartitionShare, RateLimitExceeded
from streams.limits.memory import monotonic_us
from streams.limits.redis import RedisLimiter, connect

BUCKETS: Final = (Bucket("calls/2s", 40, 2, pace=8), Bucket("calls/10s", 120, 10, burst=24))
AHEAD_S: Final = "clock_ahead_s"
_HEARTBEAT_S: Final = 0.25
_TIME: Final = "local clock = redis.call('TIME')"


class WrongClock:
    """A client whose server's clock is ahead by what the key AHEAD_S says, as far as a limiter uses one."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self.aclose = client.aclose

    def register_script(self, script: str) -> Any:
        """The script, to be called."""
        assert _TIME in script
        ahead = f"{_TIME} clock[1] = clock[1] + (redis.call('GET', '{AHEAD_S}') or 0)"
        return self._client.register_script(script.replace(_TIME, ahead))


async def spend(url: str, folder: Path, number: int, of: int, seconds: float) -> None:
    """Ask for grants and for nothing else, until the time is over."""
    share = PartitionShare(of, monotonic_us)
    share.assign([number])
    client = cast(Redis, WrongClock(connect(url)))
    shared = RedisLimiter(client, "gpt", BUCKETS, share=share)
    limiter = FallbackLimiter(shared, share, probe_s=0.1)
    if number == 0:
        await limiter.fill()
    end_us = monotonic_us() + round(seconds * 1e6)
    with (folder / f"{number}.log").open("w", buffering=1, encoding="ascii") as log:
        heart = asyncio.create_task(_beat(limiter))
        while (asked_us := monotonic_us()) < end_us:
            try:
                await limiter.acquire()
            except RateLimitExceeded as spent:
                await asyncio.sleep(min(spent.retry_after_s, 0.5))
            except LimitUnavailable:
                await asyncio.sleep(0.05)
            else:
                log.write(f"{asked_us} {monotonic_us()}\n")
        heart.cancel()
    await limiter.aclose()


async def _beat(limiter: FallbackLimiter) -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT_S)
        try:
            await limiter.ping()
        except LimitUnavailable:
            continue


if __name__ == "__main__":
    asyncio.run(spend(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])))
