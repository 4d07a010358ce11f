"""Ends a table's recovery where its log ends, even if the last offsets hold no record.

Faust 0.15.3 waits until a record with the log's last offset comes. It never comes where the end is a marker of a
transaction, was aborted, or was compacted away: the worker would recover for ever. Private parts of Faust in use:

* `TableManager._recovery`: the only way to put another class in its place.
* `active_offsets`, `active_highwaters`, `signal_recovery_end`, `_set_recovery_ended`: what Faust's own loop ends by.
"""

from typing import TYPE_CHECKING, Final, cast

from aiokafka.errors import KafkaError
from faust.tables.recovery import Recovery
from faust.types import TP
from mode import Service

if TYPE_CHECKING:
    from agents.delivery.app import DeliveryApp
    from agents.delivery.consumer import BatchConsumer

_EVERY_S: Final = 0.5


class PositionRecovery(Recovery):
    """Faust's recovery, which also ends when the consumer has passed the end and all that was read is applied."""

    @Service.task
    async def _watch_the_end(self) -> None:
        while not self.should_stop:
            await self.sleep(_EVERY_S)
            try:
                await self._skip_what_holds_no_record()
            except (KafkaError, TimeoutError) as error:
                self.log.warning("Can't tell how far the changelog was read: %r", error)

    async def _skip_what_holds_no_record(self) -> None:
        generation = self._generation_id
        waits = self.in_recovery and self.need_recovery()
        for tp in [tp for tp, left in self.active_remaining().items() if left > 0] if waits else []:
            passed = await self._passed_the_end(tp)
            if not self.in_recovery or self._generation_id != generation or self.signal_recovery_start.is_set():
                return  # another rebalance: it seeks, and reads again
            if passed:
                self.log.warning("The last offsets of %s, up to %d, hold no record", tp, self.active_highwaters[tp])
                self._reach_the_end(tp)
        if waits and not self.need_recovery():
            self.flush_buffers()
            self._set_recovery_ended()
            self.signal_recovery_end.set()

    async def _passed_the_end(self, tp: TP) -> bool:
        consumer = cast("BatchConsumer", self.app.consumer)
        fetched, position = await consumer.read_of_log(tp)
        applied = self.active_offsets[tp]
        return position > self.active_highwaters[tp] and (fetched is None or applied >= fetched)

    def _reach_the_end(self, tp: TP) -> None:
        end = self.active_highwaters[tp]
        self.active_offsets[tp] = end
        cast("DeliveryApp", self.app).table.positions.reach(tp.partition, end)
