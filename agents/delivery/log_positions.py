"""How far memory holds each partition of the changelog, and where somebody else wrote in between.

    log      … 40 41 │ 42 43 44 │ 45 46 │ 47 48        ours: 42-44, 47-48
    reached       41 │       44 │       │              45-46 are not ours: stay at 44, suspect the partition

Transaction markers and retries take offsets too: what lies in between is only suspected, and read by the guard.
"""

import asyncio
from collections import defaultdict

from aiokafka.structs import RecordMetadata

_NOTHING = -1

Confirmation = asyncio.Future[RecordMetadata]


class LogPositions:
    """Of one worker, owned partitions and standbys. In the event loop's thread; nothing here waits or raises."""

    def __init__(self) -> None:
        self._reached: dict[int, int] = {}
        self._unconfirmed: defaultdict[int, set[Confirmation]] = defaultdict(set)
        self.suspected: set[int] = set()
        self.news = asyncio.Event()
        """Set when a partition comes under suspicion; for the guard to clear."""

    def reached(self, partition: int) -> int | None:
        """The last offset up to which memory holds all of the partition's log; None for nothing."""
        return self._reached.get(partition)

    def next_offset(self, partition: int) -> int:
        """Where what memory doesn't hold begins."""
        return self._reached.get(partition, _NOTHING) + 1

    def reach(self, partition: int, last: int) -> None:
        """Memory holds the log up to `last`: it was read."""
        self._reached[partition] = last
        self.suspected.discard(partition)

    def sent(self, partition: int, confirmed: Confirmation, records: int) -> None:
        """A batch of ours is on its way; memory holds its rows already."""
        unconfirmed = self._unconfirmed[partition]
        unconfirmed.add(confirmed)

        def settle(done: Confirmation) -> None:
            unconfirmed.discard(done)
            failed = done.cancelled() or done.exception() is not None
            if failed or self._unconfirmed.get(partition) is not unconfirmed:
                return
            first, expected = done.result().offset, self.next_offset(partition)
            if 0 <= first <= expected:
                self._reached[partition] = max(first + records, expected) - 1
            else:  # somebody wrote in between; or a retry, of which the broker no longer knew the offset (-1)
                self.suspected.add(partition)
                self.news.set()

        confirmed.add_done_callback(settle)

    def unconfirmed(self, partition: int) -> frozenset[Confirmation]:
        """Batches of ours that the broker has not confirmed."""
        return frozenset(self._unconfirmed.get(partition, ()))

    def all(self) -> dict[int, int]:
        """The last offset reached, by partition."""
        return dict(self._reached)

    def partitions(self) -> frozenset[int]:
        """Partitions of which memory holds something."""
        return frozenset(self._reached)

    def forget(self, partition: int) -> None:
        """The partition moves away. What is on its way still settles, and changes nothing here."""
        self._reached.pop(partition, None)
        self._unconfirmed.pop(partition, None)
        self.suspected.discard(partition)
