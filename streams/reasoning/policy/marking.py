"""Marking who is owed an explanation: in the rows of a scored batch, and in the worker's queue."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from streams.reasoning.policy.pending import note_pending, values_of
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.row import Pending
from streams.rows.row_batch import RowBatch
from streams.rows.segments import StoredKey
from streams.scoring.fusion import ScoredBatch
from streams.skills.skill_set import Levels


class PendingMarker:
    """Implements NotePending. `levels` are those in force, `now_us` is the worker's clock, used for pending work only.

    The queue hears of a batch's students by `offer`, when their rows are stored: until then there is no row to explain.
    """

    def __init__(
        self, queue: ReasoningQueue, policy: PendingPolicy, levels: Callable[[], Levels], now_us: Callable[[], int]
    ) -> None:
        self._queue = queue
        self._policy = policy
        self._levels = levels
        self._now_us = now_us
        self._marked = defaultdict[int, list[tuple[bytes, tuple[int, int], Pending]]](list)

    def __call__(self, keys: Sequence[StoredKey], scored: ScoredBatch) -> RowBatch:
        """Mark the rows of `keys`, the first of those scored."""
        policy, now_us = self._policy, self._now_us()
        rows, noted = scored.rows, list[Pending]()
        self._marked.clear()
        values = values_of(scored.fused, rows.skill_states["explained"], self._levels(), policy).tolist()
        positions = zip(rows.headers["epoch"].tolist(), rows.headers["offset"].tolist(), strict=True)
        for index, ((partition, key), value, position) in enumerate(zip(keys, values, positions, strict=False)):
            pending = rows.pending(index)
            note_pending(pending, value, now_us, policy)
            noted.append(pending)
            self._marked[partition].append((key, position, pending))
        return rows.with_pending(noted)

    def offer(self, partition: int) -> None:
        """Offer the students to the queue whom the partition's last batch marked."""
        for key, position, pending in self._marked.pop(partition, ()):
            self._queue.offer(partition, key, position, pending)
