"""What is held of tenants, in a worker: known before anything is folded, written before anything behind it is.

    recovered ──► the topic read to its end ──► what was released meanwhile ends
    too many bad records ──► hold written, confirmed ──► the batch is processed again, under it
    release read ──► end written, as the partition's only writer: where the partition ends now

The end is where the partition ends: whoever worked on the partition before cannot have held anything behind that.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from agents.delivery.context import DeliveryContext
from agents.delivery.patience import Patience, until_fresh
from agents.delivery.step import BatchResult, PartitionWriter
from agents.kafka.errors import BrokerUnavailable, DamagedBatch, NoSuchTopic, TopicForbidden
from agents.kafka.followed import TopicStartedAnew
from agents.kafka.input_topic import InputTopic
from agents.logs import lifecycle
from agents.tenants.topic import HoldTopic, end_record, hold_record
from schemas.tenant_hold import TenantHoldRecord
from streams.input.tenant_decoding import TenantDecoding
from streams.input.tenant_hold import Hold

_POLL_S: Final = 2.0
_log = logging.getLogger(__name__)


class TenantHolding:
    """Of one worker. In the event loop's thread, but for what it reads and writes. `active` tells its partitions."""

    def __init__(
        self,
        topic: HoldTopic,
        activity: InputTopic,
        decoding: TenantDecoding,
        delivery: DeliveryContext,
        active: Callable[[], frozenset[int]],
    ) -> None:
        self.decoding = decoding
        self._topic, self._activity = topic, activity
        self._delivery, self._active = delivery, active
        self._patience = Patience(delivery.outage, "tenant holds")

    @property
    def standing(self) -> list[Hold]:
        """What is held now, on any partition, as far as this worker knows."""
        return self.decoding.held.standing

    def by_tenant(self) -> Mapping[str, list[int]]:
        """The partitions that each is held on."""
        found = defaultdict[str, list[int]](list)
        for hold in self.standing:
            found[hold.tenant].append(hold.partition)
        return found

    async def recovered(self, active: frozenset[int]) -> None:
        """Read what is held, and end what was released. Before anything of `active` is folded. Waits for the broker."""
        known = await self._patience.ask(self._activity.describe)
        self.decoding.held = await self._patience.ask(lambda: self._topic.read(known.topic_id))
        for hold in self.decoding.held.released(active):
            await self._end(hold)

    async def hold(self, tenant: str, partition: int, start: int, why: str) -> None:
        """Hold a tenant from an offset on; returns when that is confirmed."""
        begun = Hold(self.decoding.held.topic_id, partition, start, tenant)
        await self._write(hold_record(begun, why))
        lifecycle.tenant_held(tenant, partition, start, why)

    async def follow(self, writer: PartitionWriter) -> None:
        """Look for releases every few seconds, for ever. What cannot be read leaves all as it is."""
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                async with self._patience.lock:
                    records = await asyncio.to_thread(self._topic.read_on)
            except TopicStartedAnew:
                _log.warning("%s was deleted and created again: what was held stays so until the next start", self.name)
                continue
            except (NoSuchTopic, BrokerUnavailable, TopicForbidden, DamagedBatch) as error:
                _log.warning("%s cannot be read: %s", self.name, error)
                continue
            for record in records:
                self.decoding.held.note(record)
            for hold in self.decoding.held.released(self._active()):
                await writer.apply(hold.partition, partial(self._ended, hold))

    @property
    def name(self) -> str:
        """The topic's."""
        return self._topic.name

    def close(self) -> None:
        """Let go of the clients."""
        self._topic.close()

    async def _ended(self, hold: Hold) -> BatchResult:
        if hold in self.decoding.held.released([hold.partition]):  # not by a recovery meanwhile
            await self._end(hold)
        return BatchResult({}, ())

    async def _end(self, hold: Hold) -> None:
        extents = await self._patience.ask(lambda: self._activity.extents([hold.partition]))
        end = max(hold.start, extents[hold.partition].high or 0)
        await self._write(end_record(hold, end))
        lifecycle.tenant_released(hold.tenant, hold.partition, hold.start, end)

    async def _write(self, said: TenantHoldRecord) -> None:
        """As the partition's owner: not while the group may have given it to another."""
        await until_fresh(self._delivery.fence, "a tenant was not held")
        await self._patience.ask(lambda: self._topic.write(said))
        self.decoding.held.note_said(said)
