"""Watches the changelog partitions that this worker owns for records that it did not write.

A paused worker can append rows after its partitions moved on (what was on its way when it was paused, see `fence`), and
compaction keeps the last append of a key, not the best. Memory is the truth of a partition's owner: where a foreign
record differs from it, the owner's row is appended again, under the write lock, so that no batch comes in
between.

    suspected: a confirmed batch of ours didn't begin where memory ended     at once, while we write
    or the partition ends behind that                                        every few seconds, while we don't
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from typing import Protocol

from agents.delivery.log_positions import Confirmation, LogPositions
from agents.kafka.errors import BrokerUnavailable

logger = logging.getLogger(__name__)

Gap = Mapping[bytes, bytes | None]
"""The last value of each key in a part of the log."""
Ends = Callable[[Collection[int]], Awaitable[Mapping[int, int]]]
"""The offset after the last record, by partition. Raises BrokerUnavailable."""
ReadGap = Callable[[int, int, int], Awaitable[Gap]]
"""Reads a partition from an offset up to, without, another. Raises BrokerUnavailable."""


class WriteLock(Protocol):
    """Runs work as the only writer of rows: TableAgent."""

    async def exclusive(self, partition: int, work: Callable[[], Awaitable[None]]) -> None: ...
    async def confirmed(self, sent: Collection[Confirmation]) -> None: ...


class Log(Protocol):
    """The table, as far as its changelog goes: RowTable."""

    positions: LogPositions

    def held(self, partition: int, key: bytes) -> bytes | None: ...
    async def put_again(self, partition: int, keys: Collection[bytes]) -> Collection[Confirmation]: ...


class ChangelogGuard:
    """One a worker. `repaired(partition, rows)` is called with how many rows were appended again."""

    def __init__(
        self, log: Log, lock: WriteLock, ends: Ends, read_gap: ReadGap, repaired: Callable[[int, int], None]
    ) -> None:
        self._log = log
        self._lock = lock
        self._ends = ends
        self._read_gap = read_gap
        self._repaired = repaired

    async def watch(self, owned: Callable[[], Collection[int]], every_s: float) -> None:
        """Check the `owned` partitions until cancelled. An unreachable broker delays the check."""
        news = self._log.positions.news
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), every_s)
            news.clear()
            try:
                await self.check(owned())
            except BrokerUnavailable as error:
                logger.warning("The changelog can't be watched now: %s", error)

    async def check(self, owned: Collection[int]) -> None:
        """Look at the ends of `owned`, and repair what is suspected. Raises BrokerUnavailable."""
        if not owned:
            return
        ends = await self._ends(owned)
        for partition in owned:
            busy = bool(self._log.positions.unconfirmed(partition))  # then its own confirmations tell
            behind = ends.get(partition, 0) > self._log.positions.next_offset(partition)
            if partition in self._log.positions.suspected or (behind and not busy):
                await self._lock.exclusive(partition, lambda owned=partition: self._try_repair(owned))  # type: ignore[misc]

    async def _try_repair(self, partition: int) -> None:
        try:
            await self._repair(partition)
        except BrokerUnavailable as error:
            self._log.positions.suspected.add(partition)
            logger.warning("Partition %d of the changelog can't be checked now: %s", partition, error)

    async def _repair(self, partition: int) -> None:
        positions = self._log.positions
        await self._lock.confirmed(positions.unconfirmed(partition))
        first, end = positions.next_offset(partition), (await self._ends([partition])).get(partition, 0)
        if end <= first:
            positions.suspected.discard(partition)
            return
        gap = await self._read_gap(partition, first, end)
        positions.reach(partition, end - 1)
        foreign = {key for key, row in gap.items() if row != self._log.held(partition, key)}
        if not foreign:
            logger.info("Offsets %d..%d of changelog partition %d agree with memory", first, end - 1, partition)
            return
        logger.error(
            "Another worker wrote to changelog partition %d, which is ours (offsets %d..%d): appending %d rows again",
            partition,
            first,
            end - 1,
            len(foreign),
        )
        await self._lock.confirmed(await self._log.put_again(partition, foreign))
        self._repaired(partition, len(foreign))
