"""Looks at a group's lag from outside, whether workers run or not."""

import asyncio
from collections.abc import AsyncIterator

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.health.lag import BrokerOffsets, Lag, LagMonitor
from agents.kafka.clients import open_admin
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
    loop = asyncio.get_running_loop()
    await monitor.measure()
    begun_s = loop.time()
    lag = monitor.current()
    if lag.problem is not None:
        raise BrokerUnavailable(lag.problem)
    while True:
        yield lag
        left_s = every_s if for_s is None else begun_s + for_s - loop.time()
        if left_s <= 0:
            return
        await asyncio.sleep(min(every_s, left_s))
        await monitor.measure()
        lag = monitor.current()


def _partitions(settings: Settings, topic: str) -> int:
    cluster = describe_cluster(open_admin(settings.broker), settings.broker, settings.start_timeout_s)
    if topic not in cluster.topics:
        raise NoSuchTopic(
            f"there is no topic {topic} at {settings.broker}: are app_id and topic_prefix those of the workers?"
        )
    return len(cluster.topics[topic].partitions)
