"""Which part of a limit a worker may spend alone: its partitions' part of all, so that workers' parts never overlap."""

from collections.abc import Callable, Collection
from typing import Final

_BACK_WITHIN_US: Final = 60_000_000


class PartitionShare:
    """The partitions that this worker has, and since when. Starts with none; times are µs of `clock_us`.

    A partition that comes back within a minute was nobody else's meanwhile: every rebalance takes all away first.
    """

    def __init__(self, partitions: int, clock_us: Callable[[], int]) -> None:
        """Raises ValueError where there is no partition."""
        if partitions < 1:
            raise ValueError(f"partitions must be at least 1, not {partitions}")
        self.of = partitions
        self._clock_us = clock_us
        self._since_us: dict[int, int] | None = None
        self._revoked: dict[int, int] = {}
        self._revoked_at_us = 0

    @classmethod
    def all(cls, clock_us: Callable[[], int]) -> "PartitionShare":
        """Of a worker that is alone."""
        share = cls(1, clock_us)
        share.assign([0])
        return share

    def assign(self, owned: Collection[int]) -> None:
        """These are this worker's now. The first ones of all count as if it had always had them."""
        now_us = self._clock_us()
        if self._since_us is None:
            self._since_us = dict.fromkeys(owned, 0)
            return
        before = dict(self._since_us)
        if now_us - self._revoked_at_us <= _BACK_WITHIN_US:
            before |= self._revoked
        self._since_us = {partition: before.get(partition, now_us) for partition in owned}
        self._revoked = {}

    def revoke(self, partitions: Collection[int]) -> None:
        """These are not this worker's any more, or not for now."""
        since_us = self._since_us or {}
        self._revoked = {partition: since_us.pop(partition) for partition in partitions if partition in since_us}
        self._revoked_at_us = self._clock_us()

    def held(self, since_us: int) -> list[int]:
        """The partitions that have been this worker's ever since then."""
        return sorted(partition for partition, at_us in (self._since_us or {}).items() if at_us <= since_us)

    def part(self, since_us: int) -> tuple[int, int]:
        """How many these are, and of how many."""
        return len(self.held(since_us)), self.of
