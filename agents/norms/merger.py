"""Makes the next snapshot of the shards of all partitions; of the owner of partition 0 alone.

    norm-shards ──► the newest shard of each partition ──all, or some after a while──► publish ──► norms

Two that take themselves for the owner may write one number twice: the first on the topic is in force.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agents.kafka.followed import TopicStartedAnew
from agents.norms.shards import BEFORE_ALL, ShardLog, ShardPosition, ShardSource, position_of
from streams.norms.publishing import NormTopic, publish
from streams.norms.sealed import NormsUnreadable
from streams.norms.shard import NormShard
from streams.norms.snapshot import NormSnapshot

_DAY_MS: Final = 86_400_000
WRITTEN_AGAIN_MS: Final = 30 * _DAY_MS
"""No update that names a snapshot outlives it: updates are kept for 365 days, snapshots for 400."""
_LEAST_WAIT_S: Final = 2.0


@dataclass(slots=True)
class NormsMerger:
    """Of one worker. `write` appends a snapshot; `refused` hears of what is of no use; `courses` as for `publish`.

    Shards of every partition are waited for, but no longer than a hundredth of `every_s`.
    """

    source: ShardSource
    write: Callable[[NormSnapshot], None]
    refused: Callable[[NormsUnreadable], None]
    topic: NormTopic
    courses: Mapping[str, str]
    every_s: float
    clock_s: Callable[[], float] = time.monotonic
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    _log: ShardLog | None = None
    _seen: dict[int, ShardPosition] = field(default_factory=dict)
    _waits_since_s: float | None = None

    def merge(self, previous: NormSnapshot | None, written_ms: int | None) -> None:
        """Write the snapshot after `previous`, which the topic has since `written_ms`, where one is due; or that one
        once more. Blocks. Raises what reading and writing do, and may then be called again.
        """
        log = self._read_on()
        new = self._new(previous, log.shards)
        if self._is_due(new):
            snapshot = publish(previous, log.shards, self.courses, self.topic)
            if snapshot is not None:
                self._write(snapshot)
            self._seen.update(new)
            self._waits_since_s = None
        elif previous is not None and (written_ms is None or self.now_ms() - written_ms > WRITTEN_AGAIN_MS):
            self._write(previous)

    def rest(self) -> None:
        """Partition 0 is another's: begin anew when it is ours again."""
        self._log, self._waits_since_s = None, None
        self._seen.clear()

    def _read_on(self) -> ShardLog:
        log = self._log
        if log is None:
            log = ShardLog(self.topic.app_id, self.topic.partitions)
            self.source.rewind()
        try:
            records = self.source.read_on()
        except TopicStartedAnew:
            records = self.source.read_on()
        self._log = log
        for error in log.note_all(records):
            self.refused(error)
        return log

    def _new(self, previous: NormSnapshot | None, shards: Mapping[int, NormShard]) -> dict[int, ShardPosition]:
        """Positions of shards that are neither in `previous` nor were seen before."""
        covered = (
            {each.partition: ShardPosition(each.epoch, each.offset) for each in previous.offsets} if previous else {}
        )
        found = {partition: position_of(shard) for partition, shard in shards.items()}
        return {
            partition: position
            for partition, position in found.items()
            if position > max(covered.get(partition, BEFORE_ALL), self._seen.get(partition, BEFORE_ALL))
        }

    def _is_due(self, new: Mapping[int, ShardPosition]) -> bool:
        if not new:
            self._waits_since_s = None
            return False
        if self._waits_since_s is None:
            self._waits_since_s = self.clock_s()
        waited_s = self.clock_s() - self._waits_since_s
        return len(new) == self.topic.partitions or waited_s >= max(_LEAST_WAIT_S, self.every_s / 100)

    def _write(self, snapshot: NormSnapshot) -> None:
        try:
            self.write(snapshot)
        except NormsUnreadable as error:
            self.refused(error)
