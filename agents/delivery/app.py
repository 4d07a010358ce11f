"""The Faust app, wired for batch delivery.

Private parts of Faust that are replaced, and why:

* `_new_transport`, `_new_producer_transport`: there is no setting for a transport class.
* `_consumer_wait_empty`: Faust waits without bound for un-acked work, at a rebalance and at the stop.
* `_producer_flush`: the same; every send is awaited by the agent that made it.
* `_on_partitions_revoked`: to tell the hooks, after the drain; `_on_partitions_assigned`: to say it in the log.
* `_crash`: Faust marks services as crashed from several places and threads, and may still exit with 0.
* `_create_directories`: Faust keeps nothing on disk.
* `tables._recovery`: see `recovery`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import faust
from aiokafka.errors import KafkaError
from faust.tables.manager import TableManager
from faust.types import TP
from faust.types.transports import ConsumerT, TransportT

from agents.delivery.agent import BatchStep, TableAgent
from agents.delivery.consumer import BatchConsumer
from agents.delivery.errors import BrokerAway, DrainTimedOut, SessionLost
from agents.delivery.fence import Fence
from agents.delivery.gap_reader import GapReader
from agents.delivery.guard import ChangelogGuard
from agents.delivery.outage import Outage, may_pass
from agents.delivery.recovery import PositionRecovery
from agents.delivery.schema import BatchSchema
from agents.delivery.settings import DeliverySettings
from agents.delivery.table import RowTable
from agents.delivery.transport import BatchTransport, IdempotentProducer
from agents.delivery.writer import RecordBatchWriter
from agents.logs import lifecycle
from agents.stores import MemoryStore, Store

logger = logging.getLogger(__name__)
_OUTAGE_CHECK_S: Final = 1.0
_IDLE_S: Final = 1_000.0

Partitions = frozenset[int]
PartitionsHook = Callable[[Partitions], Awaitable[None]]
RepairedHook = Callable[[int, int], None]
JumpedHook = Callable[[str, int, int, int], None]


async def _nothing(_partitions: Partitions) -> None:
    """The default hook."""


def _not_counted(_partition: int, _rows: int) -> None:
    """The default hook."""


def _not_told(_topic: str, _partition: int, _came_from: int, _goes_to: int) -> None:
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
    on_jumped: JumpedHook = _not_told


class DeliveryApp(faust.App):
    """Faust's app with one table and one agent; made by `create_app`, run by `run_worker`."""

    def __init__(self, settings: DeliverySettings, store: Store) -> None:
        super().__init__(settings.app_id, **faust_options(settings))
        self.settings = settings
        self.hooks = DeliveryHooks()
        self.failure: BaseException | None = None
        self.halted = asyncio.Event()
        self.longest_block_s = 0.0
        self.active_partitions: Partitions = frozenset()
        self.standby_partitions: Partitions = frozenset()
        self.table_recovered = False
        self._moves = 0
        self._is_revoking = False
        self.fence = Fence(settings.session_timeout_s)
        self.outage = Outage(settings.broker, settings.broker_wait_s)
        self.writer = RecordBatchWriter(
            lambda: cast(IdempotentProducer, self.producer).batch_producer(), settings.max_send_bytes
        )
        self.table = cast(
            RowTable,
            self.tables.add(RowTable(self, partitions=settings.partitions, writer=self.writer, rows=store)),
        )
        tables = cast(TableManager, self.tables)
        tables._recovery = PositionRecovery(self, tables, beacon=tables.beacon)
        self.delivery_agent: TableAgent | None = None

    def attach(self, step: BatchStep, hooks: DeliveryHooks | None = None) -> None:
        """Run `step` over all the source topics. To be called once, before the start."""
        agent = TableAgent(self, self.table, self.writer, step, self.settings)
        topic = self.topic(*self.settings.sources, schema=BatchSchema(), partitions=self.settings.partitions)

        async def students(stream: Any) -> None:
            with self.guard("the table's agent"):
                await agent.consume(stream)

        self.agent(topic, name="students")(students)
        self.delivery_agent = agent
        self.hooks = hooks or self.hooks
        self.task(self._watch_changelog)

    def last_progress_s(self) -> Mapping[int, float]:
        """When a batch was last confirmed, by partition, in seconds of `time.monotonic`."""
        return self.delivery_agent.last_progress_s if self.delivery_agent else {}

    def restored_offsets(self) -> Mapping[int, int]:
        """How far memory holds the changelog, by partition: what advances while the table is restored."""
        return self.table.positions.all()

    # -- stopping

    @contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """The one place that catches everything: an exception inside stops the worker, un-acked."""
        try:
            yield
        except Exception as error:
            self.halt(error, what)

    def halt(self, reason: BaseException, what: str = "delivery") -> None:
        """Stop the worker with a non-zero exit code.

        Nothing more is delivered, written or committed. From any thread.
        """
        self.fence.lose(reason)
        if self.failure is not None:
            return
        self.failure = reason
        logger.critical("Stopping un-acked: %s failed", what, exc_info=reason)
        if self._consumer is not None:
            cast(BatchConsumer, self._consumer).freeze()
        self.loop.call_soon_threadsafe(self.halted.set)

    def loop_blocked(self, for_s: float) -> None:
        """The event loop stood still for longer than ever since the start."""
        self.longest_block_s = for_s

    def session_lost(self, lost: SessionLost) -> None:
        """The group has put this worker out. From any thread."""
        self.halt(lost, "the membership in the group")

    def jumped(self, topic: str, partition: int, came_from: int, goes_to: int) -> None:
        """A position was reset, since the topic does not hold what was due. From any thread."""
        with self.guard("the position in a topic"):
            self.hooks.on_jumped(topic, partition, came_from, goes_to)

    def _crash(self, reason: BaseException) -> None:
        super()._crash(reason)
        if isinstance(reason, KafkaError) and may_pass(reason):  # a client that could not be started
            reason = BrokerAway(f"the broker {self.settings.broker} is away: {reason!r}")
        self.halt(reason, "a service of the worker")

    async def _consumer_wait_empty(self, consumer: ConsumerT, logger: Any) -> None:
        agent = self.delivery_agent
        if agent is None:
            return
        if self.failure is not None:
            agent.abandon()
            return
        lifecycle.drains(agent.in_flight)
        from_s = time.monotonic()
        if not await agent.drain(self.settings.drain_timeout_s):
            self.halt(self._drain_failed(f"{agent.in_flight} batches are still in flight"), "the drain")
            agent.abandon()
            return
        await cast(BatchConsumer, consumer).commit_all()
        lifecycle.drained(time.monotonic() - from_s)

    def _drain_failed(self, left: str) -> BaseException:
        away = self.outage.reason
        return DrainTimedOut(left) if away is None else BrokerAway(f"{left}, and the broker is away: {away}")

    async def _producer_flush(self, logger: Any) -> None:
        """Nothing: every send is awaited by who made it."""

    async def _watch_changelog(self) -> None:
        consumer, agent = cast(BatchConsumer, self.consumer), cast(TableAgent, self.delivery_agent)
        reader = GapReader(self.settings.broker, self.settings.changelog_topic)
        guard = ChangelogGuard(self.table, agent, consumer.changelog_ends, reader, self.hooks.on_repaired)
        with self.guard("the changelog's guard"):
            await guard.watch(lambda: self.active_partitions, self.settings.guard_interval_s)

    async def watch_outage(self) -> None:
        """Halt when the broker was waited for long enough; returns then. Faust's own tasks begin after a recovery."""
        with self.guard("the wait for the broker"):
            while True:
                self.outage.check()
                await asyncio.sleep(_OUTAGE_CHECK_S)

    @property
    def broker_away(self) -> str | None:
        """What the broker does not answer, while it is waited for."""
        return self.outage.reason

    # -- ownership

    async def recovered(self, active: Partitions, standby: Partitions) -> None:
        """Called by the table when the rows of `active` are complete."""
        self.active_partitions, self.standby_partitions = active, standby
        self._moves += 1
        move = self._moves
        with self.guard("on_recovered"):
            await self.hooks.on_recovered(active)
            if self._moves != move or self._is_revoking:
                return  # the partitions move on, and another recovery follows
            self.table_recovered = True
            if self.delivery_agent is not None:
                self.delivery_agent.resume(active)

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        if not self.should_stop:
            read = {tp.partition for tp in assigned if tp.topic in self.settings.sources}
            lifecycle.assigned(read, {tp.partition for tp in assigned} - read)
        await super()._on_partitions_assigned(assigned, generation_id)

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        self._is_revoking = True  # a recovery that ends during the drain must not undo it
        try:
            await super()._on_partitions_revoked(revoked)
        finally:
            self._is_revoking = False
            self._moves += 1
        given_up, self.active_partitions = self.active_partitions, frozenset()
        self.standby_partitions = frozenset()
        self.table_recovered = False
        with self.guard("on_revoked"):
            await self.hooks.on_revoked(given_up)

    # -- wiring

    def _new_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""


def faust_options(settings: DeliverySettings) -> dict[str, Any]:
    """Faust's settings for `settings`. Its web server and all its views are off."""
    return {
        "broker": "kafka://" + ";".join(part.strip() for part in settings.broker.split(",")),
        "broker_client_id": settings.client_name,
        "store": "memory://",
        "autodiscover": False,
        "worker_redirect_stdouts": False,
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "table_standby_replicas": settings.standby_replicas,
        "stream_wait_empty": False,
        "stream_buffer_maxsize": settings.max_in_flight_batches,
        "stream_recovery_delay": 0.0,
        "broker_commit_interval": settings.commit_interval_s,
        "broker_request_timeout": settings.request_timeout_s,
        "broker_session_timeout": settings.session_timeout_s,
        "broker_heartbeat_interval": settings.heartbeat_interval_s,
        "broker_rebalance_timeout": settings.rebalance_timeout_s,
        # aiokafka leaves a group when nothing was fetched for so long: not while the broker is waited for.
        "broker_max_poll_interval": _IDLE_S + settings.broker_wait_s,
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": settings.group_instance_id,
        "consumer_max_fetch_size": settings.fetch_bytes,
        "producer_acks": -1,
        "producer_linger": 0.0,
        "producer_max_batch_size": settings.produce_batch_bytes,
        "producer_max_request_size": settings.max_send_bytes,
        "producer_compression_type": None if settings.compression == "none" else settings.compression,
        "producer_request_timeout": settings.request_timeout_s,
        "web_enabled": False,
        "web_stats_enabled": False,
        "web_graph_enabled": False,
        "web_router_enabled": False,
        "web_tables_enabled": False,
        "web_metrics_enabled": False,
    }


def create_app(settings: DeliverySettings, store: Store | None = None) -> DeliveryApp:
    """A worker's app, to be given its step by `attach`. Rows are in memory without a `store`."""
    return DeliveryApp(settings, MemoryStore() if store is None else store)
