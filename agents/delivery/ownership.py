"""Which partitions this worker owns, and the hooks that are called when that changes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agents.delivery.kill_switch import KillSwitch

Partitions = frozenset[int]
PartitionsHook = Callable[[Partitions], Awaitable[None]]
RepairedHook = Callable[[int, int], None]
JumpedHook = Callable[[str, int, int, int], None]


async def _nothing(_partitions: Partitions) -> None:
    """The default hook."""


def _not_counted(_partition: int, _rows: int) -> None:
    """The default hook."""


def _not_notified(_topic: str, _partition: int, _came_from: int, _goes_to: int) -> None:
    """The default hook."""


@dataclass(frozen=True, slots=True)
class DeliveryHooks:
    """What to call when ownership changes; an exception from either stops the worker.

    `on_recovered(active)` comes after every recovery, before any record of these partitions;
    `on_revoked(partitions)` when they are given up, after their work in flight was drained. Rows may be read
    in both. `on_repaired(partition, rows)`: another worker had overwritten rows of ours; they were appended again.
    `on_jumped(topic, partition, came_from, goes_to)`: what was due there is not on the topic any more; comes before
    anything is read at the new position, from another thread; an exception stops the worker.
    """

    on_recovered: PartitionsHook = _nothing
    on_revoked: PartitionsHook = _nothing
    on_repaired: RepairedHook = _not_counted
    on_jumped: JumpedHook = _not_notified


class Ownership:
    """Of one worker, in the event loop's thread. `resume` is called with partitions whose records may be folded."""

    def __init__(self, switch: KillSwitch) -> None:
        self.active: Partitions = frozenset()
        self.standby: Partitions = frozenset()
        self.table_recovered = False
        self.hooks = DeliveryHooks()
        self.resume: Callable[[Partitions], None] = lambda _partitions: None
        self._switch = switch
        self._moves = 0
        self._is_revoking = False

    async def recovered(self, active: Partitions, standby: Partitions) -> None:
        """The rows of `active` are complete."""
        self.active, self.standby = active, standby
        self._moves += 1
        move = self._moves
        with self._switch.guard("on_recovered"):
            await self.hooks.on_recovered(active)
            if self._moves != move or self._is_revoking:
                return  # the partitions move on, and another recovery follows
            self.table_recovered = True
            self.resume(active)

    @asynccontextmanager
    async def revoking(self) -> AsyncIterator[None]:
        """While what is in flight is drained; all partitions are given up after it."""
        self._is_revoking = True  # a recovery that ends during the drain must not undo it
        try:
            yield
        finally:
            self._is_revoking = False
            self._moves += 1
        given_up, self.active, self.standby = self.active, frozenset(), frozenset()
        self.table_recovered = False
        with self._switch.guard("on_revoked"):
            await self.hooks.on_revoked(given_up)

    def jumped(self, topic: str, partition: int, came_from: int, goes_to: int) -> None:
        """A position was reset, since the topic does not hold what was due. From any thread."""
        with self._switch.guard("the position in a topic"):
            self.hooks.on_jumped(topic, partition, came_from, goes_to)
