"""Norms as a part of a worker: followed and made here, sums of its partitions sent."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable

from agents.delivery.step import PartitionWriter
from agents.display.plain import plain
from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from agents.norms.following import NormsFollower
from agents.norms.merger import NormsMerger
from agents.norms.owner import ShardSender
from agents.norms.shards import ShardTopic
from agents.norms.topic import NORMS_PARTITION
from agents.worker.norm_journals import NormJournals
from agents.worker.parts import WorkerParts
from agents.worker.work_thread import WorkThread
from streams.norms.publishing import NormTopic
from streams.norms.sealed import NormsUnreadable

_log = logging.getLogger(__name__)


class WorkerNorms:
    """Of one worker that keeps `journals`."""

    def __init__(
        self, parts: WorkerParts, follower: NormsFollower, journals: NormJournals, writer: PartitionWriter
    ) -> None:
        settings, app, metrics = parts.settings, parts.app, parts.metrics
        self._follower, self._journals, self._metrics = follower, journals, metrics
        self._owned = app.complete_partitions
        self._poll_s = settings.norms_poll_s
        self._shards = ShardTopic(settings)
        self._merger = NormsMerger(
            self._shards,
            parts.norms_topic.write,
            self._refused,
            NormTopic(settings.app_id, settings.partitions),
            parts.courses,
            settings.norms_every_s,
        )
        self._sender = ShardSender(
            journals,
            writer,
            self._shards.send,
            self._owned,
            self._clock_s,
            WorkThread("norm sums"),
            settings.norms_every_s,
            metrics,
        )
        self._unmerged: str | None = None

    def jobs(self) -> list[Coroutine[None, None, None]]:
        """What is to be run beside the stream."""
        return [self._sender.run(), self._follow()]

    def drop(self, partitions: Iterable[int]) -> None:
        """Forget those that move on."""
        self._sender.drop(partitions)

    def refresh(self) -> None:
        """Set the gauge of age, for `Metrics.before_render`."""
        clocks_s = [clock_s for at in self._owned() if (clock_s := self._journals.clock_s(at)) is not None]
        published_s = self._clock_s()
        if clocks_s and published_s is not None:
            self._metrics.norms_age_s.set(max(clocks_s) - published_s)

    def close(self) -> None:
        """Let go of the topic of sums."""
        self._shards.close()

    async def _follow(self) -> None:
        """Look for what is newer, and make what is next where partition 0 is ours, for ever."""
        while True:
            await asyncio.sleep(self._poll_s)
            await self._follower.look()
            if NORMS_PARTITION not in self._owned():
                self._merger.rest()
            elif not self._follower.is_unread:
                await self._merge()

    async def _merge(self) -> None:
        snapshot = self._follower.view.snapshot if self._follower.view is not None else None
        written_ms = self._follower.written_ms
        try:
            await asyncio.to_thread(self._merger.merge, snapshot, written_ms)
        except (NoSuchTopic, BrokerUnavailable, TopicForbidden, DamagedBatch, TopicStartedAnew) as error:
            if self._unmerged is None:
                _log.warning("Norms are not made, and will be: %s", error)
            self._unmerged = str(error)
        else:
            self._unmerged = None

    def _clock_s(self) -> int | None:
        view = self._follower.view
        return None if view is None else view.snapshot.clock_us // 1_000_000

    def _refused(self, error: NormsUnreadable) -> None:
        self._metrics.norms_refused.add(error.reason)
        _log.warning("Of what norms are made of some is of no use: %s", plain(str(error)))
