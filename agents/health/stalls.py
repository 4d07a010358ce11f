"""Finds partitions that are owned and behind, and on which nothing advances: an agent can die while its worker lives.

An idle partition doesn't advance either, and one just taken over was behind before: so time counts from when the
partition was last seen to advance, to have nothing to do, or not to be ours. While a table is restored, partitions are
not judged; the restoring is.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from agents.health.lag import Lag

ProgressSeen = tuple[float | None, tuple[tuple[str, int | None], ...]]
"""Last confirmed batch, and committed offset by topic: what changes when a partition advances."""


@dataclass(slots=True)
class StallWatch:
    """To be called every second or so with each partition's progress. Times in seconds of one monotonic clock."""

    stall_after_s: float
    _since_s: dict[int, float] = field(default_factory=dict)
    _progress: dict[int, ProgressSeen] = field(default_factory=dict)

    def observe(self, now_s: float, owned: Set[int], progress_s: Mapping[int, float], lag: Lag) -> None:
        """Note how it is now. Where the lag isn't known, nothing is held against a partition."""
        behind = {partition for (_, partition), records in lag.records.items() if records > 0}
        for partition in self._since_s.keys() - (owned & behind):
            del self._since_s[partition], self._progress[partition]
        for partition in owned & behind:
            progress = progress_s.get(partition), _committed(partition, lag)
            if self._progress.get(partition) != progress:
                self._progress[partition], self._since_s[partition] = progress, now_s

    def stalled(self, now_s: float) -> dict[int, float]:
        """For how many seconds nothing has advanced, by partition; only those beyond `stall_after_s`."""
        standing = {partition: now_s - since_s for partition, since_s in sorted(self._since_s.items())}
        return {partition: seconds for partition, seconds in standing.items() if seconds >= self.stall_after_s}


@dataclass(slots=True)
class RecoveryWatch:
    """Finds a table that is not restored, and of which nothing more is read. Times as above."""

    stall_after_s: float
    _since_s: float | None = None
    _restored: Mapping[int, int] = field(default_factory=dict)

    def observe(self, now_s: float, recovered: bool, restored: Mapping[int, int], lag: Lag) -> None:
        """Note the progress of now. While the broker does not answer, no time counts: then a restart would not help."""
        if recovered or lag.problem is not None:
            self._since_s = None
        elif self._since_s is None or restored != self._restored:
            self._since_s, self._restored = now_s, restored

    def stalled_s(self, now_s: float) -> float | None:
        """For how many seconds nothing was restored, if that is beyond `stall_after_s`."""
        standing_s = 0.0 if self._since_s is None else now_s - self._since_s
        return standing_s if standing_s >= self.stall_after_s else None


def _committed(partition: int, lag: Lag) -> tuple[tuple[str, int | None], ...]:
    return tuple(sorted((topic, at.committed) for (topic, number), at in lag.offsets.items() if number == partition))
