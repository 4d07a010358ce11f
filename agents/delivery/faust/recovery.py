"""Restores the table's partitions from its changelog: done when their positions say so, whatever was interrupted.

    revoked ──► what is being restored is interrupted       assigned ──► the ends of the log are asked ──► seek, read
                what memory holds stays, with its positions              ──► every partition has reached its end
                                                                         ──► the rows are judged, sources are read on

Faust 0.15.3 counts a wait that ended for a recovery that did: an interrupted one was told to the table as complete, a
question that timed out counted as answered, and where the log's last offset holds no record (a marker of a
transaction, or compacted away) it waited for ever. Private parts of Faust that are replaced:

* `TableManager._recovery`: the only way to put another class in its place.
* `_restart_recovery`, `_slurp_changelogs`: the two loops. Flow is resumed before anything is sought: resuming empties
  the queue of the changelog, and a batch of a standby that was in it would be missing.
* `on_partitions_revoked`: to interrupt.
* `_publish_stats`: counts that are not kept here.
* `active_tps`, `standby_tps`, `signal_recovery_start`, `_set_recovery_started`, `_set_recovery_ended`, `completed`: as
  they were.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final, TypeVar, cast

from aiokafka.errors import IllegalStateError, KafkaError
from faust.tables.recovery import Recovery
from faust.transport.consumer import ensure_TP
from faust.types import TP
from mode import Service

from agents.delivery.context import DeliveryContext
from agents.delivery.errors import GroupLost, LogCut
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.table import RowTable
from agents.delivery.outage import may_pass

LOOK_EVERY_S: Final = 0.5
_SAY_EVERY_S: Final = 30.0
RETRY_S: Final = 0.5
_Answer = TypeVar("_Answer")


class PositionRecovery(Recovery):
    """Of one worker. In the event loop's thread; what it raises stops the worker."""

    def __init__(self, *args: Any, delivery: DeliveryContext, table: RowTable, **options: Any) -> None:
        super().__init__(*args, **options)
        self._delivery = delivery
        self._table = table
        self._applied = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @Service.task
    async def _restart_recovery(self) -> None:
        while not await self.wait_for_stopped(cast(Any, self.signal_recovery_start)):
            self.signal_recovery_start.clear()
            self._running = asyncio.create_task(self._recover(self._generation_id))
            await asyncio.wait([self._running])

    @Service.task
    async def _slurp_changelogs(self) -> None:
        while not self.should_stop:
            event = await self.tables.changelog_queue.get()
            with self._delivery.switch.guard("applying the changelog"):
                await self._table.on_changelog_event(event)
            self._applied.set()

    @Service.task
    async def _publish_stats(self) -> None:
        """Nothing: what is left is said while it is waited for."""

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Interrupt: the next assignment begins anew, with what memory holds."""
        self.signal_recovery_start.clear()
        self._interrupt()

    async def on_stop(self) -> None:
        """Interrupt."""
        self._interrupt()

    def _interrupt(self) -> None:
        if self._running is not None:
            self._running.cancel()

    async def _recover(self, generation: int) -> None:
        with self._delivery.switch.guard("the recovery"):
            active, standby = frozenset(self.active_tps), frozenset(self.standby_tps)
            self._set_recovery_started()
            await self.restore(active)
            self._set_recovery_ended()
            self._flow_on()
            await self._table.on_recovery_completed(set(active), set(standby))
            await self._read_sources()
            await self._follow(standby)
            self.completed.set()
            self.tables.on_actives_ready()
            self.tables.on_standbys_ready()
            self.app.on_rebalance_end()
            self.log.info("Reading on, generation %d of the group", generation)

    # -- the owned partitions

    async def restore(self, active: Collection[TP]) -> None:
        """Read the changelog of `active` to its end. Raises LogCut where it ends before what memory holds."""
        asked = await self.answered(lambda: self._consumer.highwaters(*active)) if active else {}
        ends = {ensure_TP(tp): end or 0 for tp, end in asked.items()}
        self._require_whole(ends)
        left = self._left(ends)
        self.log.info("Restoring %d partitions: %d records of the changelog to read", len(active), sum(left.values()))
        if not left:
            return
        self._flow_on()
        await self._seek(left)
        self._consumer.resume_partitions(left)
        await cast(Any, self.app)._fetcher.maybe_start()
        await self._until_reached(ends)
        self._consumer.pause_partitions(active)

    def _require_whole(self, ends: Mapping[TP, int]) -> None:
        """Raises LogCut. To be asked before anything is read: what is appended meanwhile is read, too."""
        positions = self._table.positions
        for tp, end in ends.items():
            if positions.next_offset(tp.partition) > end:
                raise LogCut(
                    f"{tp.topic}/{tp.partition} ends at offset {end}, and memory or the local store holds it up "
                    f"to {positions.reached(tp.partition)}: its newest records were lost. Restart the worker; if it "
                    "still refuses, delete its folder in SKILLSTREAM_STORE_DIR, so that the log is read whole"
                )

    def _left(self, ends: Mapping[TP, int]) -> dict[TP, int]:
        """Offsets to read, by partition; only those that have some."""
        positions = self._table.positions
        left = {tp: end - positions.next_offset(tp.partition) for tp, end in ends.items()}
        return {tp: behind for tp, behind in left.items() if behind > 0}

    async def _until_reached(self, ends: Mapping[TP, int]) -> None:
        say_at_s = monotonic() + _SAY_EVERY_S
        while left := self._left(ends):
            self._applied.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._applied.wait(), LOOK_EVERY_S)
                continue
            for tp in left:
                await self._skip_what_has_no_record(tp, ends[tp])
            if monotonic() > say_at_s:
                self.log.info("Restoring: %d records of the changelog are left", sum(left.values()))
                say_at_s = monotonic() + _SAY_EVERY_S

    async def _skip_what_has_no_record(self, tp: TP, end: int) -> None:
        positions = self._table.positions
        fetched, position = await self.answered(lambda: self._consumer.read_of_log(tp))
        is_applied = fetched is None or positions.next_offset(tp.partition) > fetched
        if position >= end and is_applied and positions.next_offset(tp.partition) < end:
            self.log.warning("The last offsets of %s, up to %d, hold no record", tp, end - 1)
            positions.reach(tp.partition, end - 1)

    # -- standbys, sources

    async def _follow(self, standby: Collection[TP]) -> None:
        if standby:
            await self._seek(standby)
            self._consumer.resume_partitions(standby)

    async def _read_sources(self) -> None:
        log = self._delivery.settings.changelog_topic
        self._consumer.resume_partitions({tp for tp in self._consumer.assignment() if tp.topic != log})
        await cast(Any, self.app)._fetcher.maybe_start()
        await self.answered(self._consumer.perform_seek)

    async def _seek(self, partitions: Collection[TP]) -> None:
        """To where what memory holds ends, or the log begins."""
        starts = await self.answered(lambda: self._consumer.earliest_offsets(*partitions))
        positions = self._table.positions
        next_offsets = {tp: max(positions.next_offset(tp.partition), starts.get(tp) or 0) for tp in partitions}
        await self.answered(lambda: self._consumer.seek_wait(next_offsets))

    def _flow_on(self) -> None:
        """Let fetches come again. It empties the queues: nothing that was sought may be in them."""
        self.app.flow_control.resume()
        self._consumer.resume_flow()

    async def answered(self, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The broker's answer, however long it takes: who waits is interrupted, or ended by the outage's bound.

        Raises GroupLost where the assignment has changed, and no rebalance interrupts in its time.
        """
        moved_s: float | None = None
        try:
            while True:
                asked_s = monotonic()
                try:
                    return await ask()
                except IllegalStateError as error:  # the assignment has changed, and a rebalance is on its way
                    if moved_s is None or self._delivery.outage.reason is not None:
                        self.log.info("Waiting for a rebalance: %r", error)
                        moved_s = asked_s
                    self._require_rebalance(asked_s - moved_s, error)
                except (KafkaError, TimeoutError) as error:
                    if not may_pass(error) and not self.app.should_stop:
                        raise
                    self._delivery.outage.begin("changelog", error, monotonic() - asked_s)
                await asyncio.sleep(RETRY_S)
        finally:
            self._delivery.outage.back("changelog")

    def _require_rebalance(self, waited_s: float, error: IllegalStateError) -> None:
        settings = self._delivery.settings
        if waited_s > settings.session_timeout_s + settings.rebalance_timeout_s:
            raise GroupLost(
                f"the partitions to be restored are not assigned any more, and no rebalance came for {waited_s:.0f} s"
            ) from error

    @property
    def _consumer(self) -> BatchConsumer:
        return cast(BatchConsumer, self.app.consumer)
