"""Looks at a group's lag from outside, whether workers run or not."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.health.lag import BrokerOffsets, Lag, LagMonitor
from agents.kafka.clients import open_first_admin
from agents.kafka.errors import BrokerUnavailable, NoSuchTopic
from agents.kafka.topics import describe_cluster

_ALL_OF_THEM = 1_000
_TRY_S = 5.0


async def lag_looks(settings: Settings, every_s: float, for_s: float | None) -> AsyncIterator[Lag]:
    """The lag now, and every `every_s` until `for_s` have passed, for ever if that is None; the status is of that time.

    Raises BrokerUnavailable where Kafka does not answer at first, NoSuchTopic where it has not the input topic; a later
    look without an answer has a `problem`.
    """
    channels = Channels.of(settings)
    partitions = await asyncio.to_thread(_partitions, settings, channels.activity)
    reader = BrokerOffsets(settings.broker, settings.app_id, channels.sources, partitions, _TRY_S)
    window_s = settings.lag_window_s if for_s is None else min(settings.lag_window_s, for_s)
    monitor = LagMonitor(reader, interval_s=every_s, window_s=window_s, looks=_ALL_OF_THEM)
    async for lag in watch(monitor, every_s, for_s):
        yield lag


async def watch(
    monitor: LagMonitor,
    every_s: float,
    for_s: float | None,
    clock_s: Callable[[], float] = monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Lag]:
    """What `monitor` measures now and every `every_s`; the last look begins `for_s` after the first was done.

    A look that began earlier, and was slow, is not the last: its samples would not span `for_s`.
    Raises BrokerUnavailable where the first look has a problem.
    """
    await monitor.measure()
    lag = monitor.current()
    if lag.problem is not None:
        raise BrokerUnavailable(lag.problem)
    yield lag
    began_s = clock_s()
    ends_s = math.inf if for_s is None else began_s + for_s
    while began_s < ends_s:
        await sleep(min(every_s, max(0.0, ends_s - clock_s())))
        began_s = clock_s()
        await monitor.measure()
        yield monitor.current()


def _partitions(settings: Settings, topic: str) -> int:
    cluster = describe_cluster(open_first_admin(settings.broker), settings.broker, settings.start_timeout_s)
    if topic not in cluster.topics:
        raise NoSuchTopic(
            f"there is no topic {topic} at {settings.broker}: are app_id and topic_prefix those of the workers?"
        )
    return len(cluster.topics[topic].partitions)
