"""Gathers a health snapshot: asks the servers, each within a deadline, and looks at the worker."""

import asyncio
from collections.abc import Callable
from time import monotonic

from confluent_kafka import KafkaException

from agents.health.assessment import assess
from agents.health.report import HealthReport
from agents.health.snapshot import Probe, Snapshot
from agents.health.stalls import RecoveryWatch, StallWatch
from agents.health.watched import HealthBounds, Server, Watched
from agents.kafka.clients import open_admin
from agents.kafka.errors import BrokerUnavailable, message_of
from agents.kafka.renewed import Renewed
from schemas.errors import Fatal, SkillstreamError


class Stalled(Fatal):
    """Records wait, and nothing advances."""


class Health:
    """Answers for one worker. `check` asks the servers, at most once in `max_age_s`; `stalled` asks nobody."""

    def __init__(
        self, watched: Watched, bounds: HealthBounds | None = None, clock_s: Callable[[], float] = monotonic
    ) -> None:
        self._watched = watched
        self._bounds = bounds or HealthBounds()
        self._stalls = StallWatch(self._bounds.stall_after_s)
        self._recovery = RecoveryWatch(self._bounds.stall_after_s)
        self._clock_s = clock_s
        self._turn = asyncio.Lock()
        self._asked: tuple[float, Probe, Probe | None] | None = None

    async def check(self) -> HealthReport:
        """How the worker is now; takes `deadline_s` at most. Many may ask at once: the servers are asked once."""
        async with self._turn:
            if self._asked is None or self._clock_s() - self._asked[0] >= self._bounds.max_age_s:
                broker, redis = await asyncio.gather(
                    self._probe(self._watched.broker), self._probe_if_any(self._watched.redis)
                )
                self._asked = self._clock_s(), broker, redis
            _, broker, redis = self._asked
        return assess(self._snapshot(broker, redis)).shown()

    def live(self) -> bool:
        """False where only a restart helps. Asks no server: an unreachable broker is no reason to restart."""
        self.observe()
        return self._watched.worker.failure is None and self._stall() is None

    def observe(self) -> None:
        """Look whether the worker advances. Wants to be called often."""
        now_s, worker, lag = self._clock_s(), self._watched.worker, self._watched.lag.current()
        is_unavailable = worker.broker_outage is not None  # what bounds the wait is not the watchdog
        owned = worker.active_partitions if worker.table_recovered and not is_unavailable else frozenset()
        self._stalls.observe(now_s, owned, worker.last_progress_s(), lag)
        self._recovery.observe(now_s, worker.table_recovered or is_unavailable, worker.restored_offsets(), lag)

    def _stall(self) -> Stalled | None:
        now_s = self._clock_s()
        if partitions := self._stalls.stalled(now_s):
            seconds = max(partitions.values())
            return Stalled(f"no progress for {seconds:.0f} s on partitions {sorted(partitions)}, with records waiting")
        if (standing_s := self._recovery.stalled_s(now_s)) is not None:
            return Stalled(f"nothing of the table was restored for {standing_s:.0f} s, and it is not complete")
        return None

    async def watch(self, halt: Callable[[BaseException], None], every_s: float = 1.0) -> None:
        """The watchdog: `halt` the worker when it stalls, so that it ends and is started anew. Returns after that."""
        while True:
            self.observe()
            if (stalled := self._stall()) is not None:
                break
            await asyncio.sleep(every_s)
        halt(stalled)

    def _snapshot(self, broker: Probe, redis: Probe | None) -> Snapshot:
        self.observe()
        now_s = self._clock_s()
        return Snapshot(
            broker=broker,
            redis=redis,
            reasoning=self._watched.reasoning(),
            model=self._watched.model,
            model_skills=self._watched.model_skills,
            config=self._watched.config(),
            failing_sources=self._watched.failures.recent(),
            failure=self._watched.worker.failure,
            broker_outage=self._watched.worker.broker_outage,
            table_recovered=self._watched.worker.table_recovered,
            owned=self._watched.worker.active_partitions,
            stalled_s=self._stalls.stalled(now_s),
            recovery_stalled_s=self._recovery.stalled_s(now_s),
            lag=self._watched.lag.current(),
            beyond_horizon=self._watched.beyond_horizon(),
            jumped=self._watched.jumped(),
            held_bearable_s=self._bounds.held_bearable_s,
            lag_bounds=self._bounds.lag,
            norms=self._watched.norms(),
            held=self._watched.held(),
            identities=self._watched.identities(),
        )

    async def _probe_if_any(self, server: Server | None) -> Probe | None:
        return await self._probe(server) if server is not None else None

    async def _probe(self, server: Server) -> Probe:
        try:
            async with asyncio.timeout(self._bounds.deadline_s):
                await server.ask()
        except TimeoutError:
            return Probe(server.where, f"no answer within {self._bounds.deadline_s:g} s")
        except SkillstreamError as error:
            return Probe(server.where, str(error))
        return Probe(server.where)


class BrokerPing:
    """Asks the broker for `topic`'s metadata, with a client of its own."""

    def __init__(self, broker: str, topic: str, timeout_s: float = 2.0) -> None:
        self._admin = Renewed(lambda: open_admin(broker))
        self._topic = topic
        self._timeout_s = timeout_s

    async def __call__(self) -> None:
        """Raises BrokerUnavailable after `timeout_s`."""
        await asyncio.to_thread(self._ask)

    def _ask(self) -> None:
        # All of the round: opening a client and letting go of a replaced one block, too.
        try:
            with self._admin.round() as admin:
                admin.list_topics(self._topic, timeout=self._timeout_s)
        except KafkaException as error:
            raise BrokerUnavailable(f"no answer ({message_of(error)})") from error
