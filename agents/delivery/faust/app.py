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
from collections.abc import Mapping
from typing import Any, Final, cast

import faust
from aiokafka.errors import KafkaError
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust.tables.manager import TableManager
from faust.types import TP
from faust.types.transports import ConsumerT, TransportT

from agents.delivery.context import DeliveryContext
from agents.delivery.errors import AgentEnded, BrokerWaitExceeded, DrainTimedOut
from agents.delivery.faust.agent import TableAgent
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.recovery import PositionRecovery
from agents.delivery.faust.schema import BatchSchema
from agents.delivery.faust.table import RowTable
from agents.delivery.faust.transport import BatchTransport, IdempotentProducer
from agents.delivery.fence import Fence
from agents.delivery.gap_reader import GapReader
from agents.delivery.guard import ChangelogGuard
from agents.delivery.kill_switch import KillSwitch
from agents.delivery.outage import Outage, may_pass
from agents.delivery.ownership import DeliveryHooks, Ownership, Partitions
from agents.delivery.settings import DeliverySettings
from agents.delivery.step import BatchStep
from agents.delivery.writer import RecordBatchWriter
from agents.kafka.connection import BrokerAccess, access_of
from agents.kafka.rotation import OPEN_CLIENTS
from agents.logs import lifecycle
from agents.stores import MemoryStore, Store
from schemas.topics import MAX_SENT_BYTES

logger = logging.getLogger(__name__)
_OUTAGE_CHECK_S: Final = 1.0
_IDLE_S: Final = 1_000.0


class DeliveryApp(faust.App):
    """Faust's app with one table and one agent; made by `create_app`, run by `run_worker`."""

    def __init__(self, settings: DeliverySettings, store: Store) -> None:
        super().__init__(settings.app_id, **faust_options(settings))
        self.conf.broker_credentials = _credentials(settings.broker)
        fence = Fence(settings.session_timeout_s)
        self.switch = KillSwitch(fence, self._pulled)
        self.ownership = Ownership(self.switch)
        self.longest_block_s = 0.0
        self.outage = Outage(settings.broker, settings.broker_wait_s)
        self.delivery = DeliveryContext(settings, fence, self.outage, self.switch, self.ownership)
        self.writer = RecordBatchWriter(
            lambda: cast(IdempotentProducer, self.producer).batch_producer(), MAX_SENT_BYTES
        )
        table = RowTable(self, delivery=self.delivery, writer=self.writer, rows=store)
        self.table = cast(RowTable, self.tables.add(table))
        tables = cast(TableManager, self.tables)
        tables._recovery = PositionRecovery(
            self, tables, beacon=tables.beacon, delivery=self.delivery, table=self.table
        )
        self.delivery_agent: TableAgent | None = None

    def attach(self, step: BatchStep, hooks: DeliveryHooks | None = None) -> TableAgent:
        """Run `step` over all the source topics. To be called once, before the start. Returns who writes their rows."""
        agent = TableAgent(self.delivery, self.table, self.writer, step, lambda: cast(BatchConsumer, self.consumer))
        settings = self.delivery.settings
        topic = self.topic(*settings.sources, schema=BatchSchema(), partitions=settings.partitions)

        async def students(stream: Any) -> None:
            with self.switch.guard("the table's agent"):
                await agent.consume(stream)
                if not self.should_stop:
                    self.switch.halt(AgentEnded("the table's stream ended"))

        self.agent(topic, name="students")(students)
        self.delivery_agent = agent
        self.ownership.hooks = hooks or self.ownership.hooks
        self.ownership.resume = agent.resume
        self.task(self._watch_changelog)
        return agent

    def last_progress_s(self) -> Mapping[int, float]:
        """When a batch was last confirmed, by partition, in seconds of `time.monotonic`."""
        return self.delivery_agent.last_progress_s if self.delivery_agent else {}

    def restored_offsets(self) -> Mapping[int, int]:
        """How far memory holds the changelog, by partition: what advances while the table is restored."""
        return self.table.positions.all()

    # -- stopping

    @property
    def failure(self) -> BaseException | None:
        """Why the worker stops un-acked; None while it works, and after a stop that was asked for."""
        return self.switch.failure

    def _pulled(self) -> None:
        """From any thread."""
        if self._consumer is not None:
            cast(BatchConsumer, self._consumer).freeze()
        self.loop.call_soon_threadsafe(self.switch.halted.set)

    def loop_blocked(self, for_s: float) -> None:
        """The event loop stood still for longer than ever since the start."""
        self.longest_block_s = for_s

    def _crash(self, reason: BaseException) -> None:
        super()._crash(reason)
        if isinstance(reason, KafkaError) and may_pass(reason):  # a client that could not be started
            reason = BrokerWaitExceeded(f"the broker {self.delivery.settings.broker} is away: {reason!r}")
        self.switch.halt(reason, "a service of the worker")

    async def _consumer_wait_empty(self, consumer: ConsumerT, logger: Any) -> None:
        agent = self.delivery_agent
        if agent is None:
            return
        if self.failure is not None:
            agent.abandon()
            return
        lifecycle.drains(agent.in_flight)
        from_s = time.monotonic()
        if not await agent.drain(self.delivery.settings.drain_timeout_s):
            self.switch.halt(self._drain_failed(f"{agent.in_flight} batches are still in flight"), "the drain")
            agent.abandon()
            return
        await cast(BatchConsumer, consumer).commit_all()
        lifecycle.drained(time.monotonic() - from_s)

    def _drain_failed(self, left: str) -> BaseException:
        outage_reason = self.outage.reason
        return (
            DrainTimedOut(left)
            if outage_reason is None
            else BrokerWaitExceeded(f"{left}, and the broker is away: {outage_reason}")
        )

    async def _producer_flush(self, logger: Any) -> None:
        """Nothing: every send is awaited by who made it."""

    async def _watch_changelog(self) -> None:
        consumer, agent = cast(BatchConsumer, self.consumer), cast(TableAgent, self.delivery_agent)
        reader = GapReader(self.delivery.settings.broker, self.delivery.settings.changelog_topic)
        guard = ChangelogGuard(self.table, agent, consumer.changelog_ends, reader, self.ownership.hooks.on_repaired)
        with self.switch.guard("the changelog's guard"):
            await guard.watch(lambda: self.ownership.active, self.delivery.settings.guard_interval_s)

    async def watch_outage(self) -> None:
        """Halt when the broker was waited for long enough; returns then. Faust's own tasks begin after a recovery."""
        with self.switch.guard("the wait for the broker"):
            while True:
                self.outage.check()
                await asyncio.sleep(_OUTAGE_CHECK_S)

    @property
    def broker_outage(self) -> str | None:
        """What the broker does not answer, while it is waited for."""
        return self.outage.reason

    # -- ownership

    @property
    def active_partitions(self) -> Partitions:
        """Those that this worker owns."""
        return self.ownership.active

    def complete_partitions(self) -> Partitions:
        """Those that this worker owns, once their rows are complete; from any thread."""
        return self.ownership.active if self.ownership.table_recovered else frozenset()

    @property
    def table_recovered(self) -> bool:
        """Whether their rows are complete, and their records are folded."""
        return self.ownership.table_recovered

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        if not self.should_stop:
            read = {tp.partition for tp in assigned if tp.topic in self.delivery.settings.sources}
            lifecycle.assigned(read, {tp.partition for tp in assigned} - read)
        await super()._on_partitions_assigned(assigned, generation_id)

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        async with self.ownership.revoking():
            await super()._on_partitions_revoked(revoked)

    # -- wiring

    def _new_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_consumer, self, delivery=self.delivery)

    def _new_producer_transport(self) -> TransportT:
        return BatchTransport(self.conf.broker_producer, self, delivery=self.delivery)

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
        "producer_max_request_size": MAX_SENT_BYTES,
        "producer_compression_type": None if settings.compression == "none" else settings.compression,
        "producer_request_timeout": settings.request_timeout_s,
        "web_enabled": False,
        "web_stats_enabled": False,
        "web_graph_enabled": False,
        "web_router_enabled": False,
        "web_tables_enabled": False,
        "web_metrics_enabled": False,
    }


def _credentials(broker: str) -> Credentials | None:
    """What the address carries, for Faust, which hands it to aiokafka."""
    access = access_of(broker)
    credentials: SASLCredentials | SSLCredentials
    if access.sasl:
        user, password = access.log_in
        credentials = SASLCredentials(
            username=user, password=password, ssl_context=access.tls(), mechanism=access.mechanism
        )
    elif access.encrypted:
        credentials = SSLCredentials(access.tls())
    else:
        return None
    OPEN_CLIENTS.add(broker, credentials, _use_access)
    return credentials


def _use_access(credentials: SASLCredentials | SSLCredentials, access: BrokerAccess) -> None:
    if isinstance(credentials, SASLCredentials):
        credentials.username, credentials.password = access.log_in
        credentials.ssl_context = access.tls()
    elif (context := access.tls()) is not None:
        credentials.context = context


def create_app(settings: DeliverySettings, store: Store | None = None) -> DeliveryApp:
    """A worker's app, to be given its step by `attach`. Rows are in memory without a `store`."""
    return DeliveryApp(settings, MemoryStore() if store is None else store)
