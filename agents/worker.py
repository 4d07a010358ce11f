"""A worker, put together: delivery, the students' step, reasoning, web pages; started and stopped in order."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from agents.channels import MAX_RECORD_BYTES, Channels
from agents.delivery.app import DeliveryApp, DeliveryHooks, create_app
from agents.delivery.run import run_worker
from agents.delivery.settings import DeliverySettings, changelog_spec
from agents.explaining import (
    calls_per_s,
    make_explainer,
    make_limiter,
    make_model,
    now_us,
    policy_of,
    redis_address,
)
from agents.health import BrokerPing, Health, ReasoningState, Server, SourceFailures
from agents.lag import BrokerOffsets, LagMonitor
from agents.metrics import Metrics
from agents.reasoning import Reasoner
from agents.settings import Settings, require_key
from agents.students import StudentStep
from agents.topics import ensure_topics
from agents.web import WebServer
from schemas.errors import Retryable
from schemas.explanation import Explanation
from schemas.update import SkillUpdate
from streams.accounting import Counts
from streams.artifacts import load_artifact
from streams.limits import Limiter, LimitUnavailable
from streams.partitioner import partitioner
from streams.pipeline import Pipeline
from streams.reasoning.model import ModelUnavailable, ReasoningModel
from streams.reasoning.queue import ReasoningQueue
from streams.row import decode_row
from streams.skills import load_skills

_REDIS_START_POLL_S: Final = 0.25
_log = logging.getLogger(__name__)


class RedisUnreachable(Retryable):
    """No Redis answers at the start."""


class Worker:
    """One worker. Raises SettingsError, SkillsError or Fatal where it could never do its job; connects to nothing."""

    def __init__(self, settings: Settings) -> None:
        require_key(settings)
        self.settings = settings
        self.channels = Channels.of(settings)
        self.metrics = Metrics()
        self._failures = SourceFailures()
        skill_set = load_skills(settings.skills)
        self.pipeline = Pipeline(skill_set, load_artifact(settings.model), on_failure=self._source_failed)
        self._delivery = _delivery_settings(settings, self.channels)
        self.app: DeliveryApp = create_app(self._delivery)
        home = partitioner(settings.partitioner).home_partition
        reasoning = settings.reasoning != "off"
        self._queue = ReasoningQueue(policy_of(settings), calls_per_s(settings)) if reasoning else None
        step = StudentStep(
            self.pipeline,
            self.app.table.rows,
            self.channels,
            lambda key: home(key, settings.partitions),
            queue=self._queue,
            policy=policy_of(settings),
            now_us=now_us,
            epoch=settings.epoch,
            observe=self._folded,
        )
        self.app.attach(step, DeliveryHooks(self._recovered, self._revoked))
        self._limiter: Limiter | None = make_limiter(settings, self.metrics) if reasoning else None
        self._model: ReasoningModel | None = make_model(settings) if reasoning else None
        self._reasoner, self._explainer = None, None
        if self._queue is not None and self._model is not None:
            self._explainer = make_explainer(settings, skill_set, self._model, self.metrics, _log.error)
            self._reasoner = Reasoner(
                self._queue,
                self.app.table.rows,
                self.pipeline,
                self._explainer,
                self.app.writer,
                self.channels,
                now_us,
                self._explained,
            )
        self._lag = LagMonitor(
            BrokerOffsets(settings.broker, settings.app_id, self.channels.sources, settings.partitions)
        )
        self._health = self._make_health()
        self.web = WebServer(
            settings.web_host,
            settings.web_port,
            health=self._health,
            lag=self._lag,
            metrics=self.metrics,
            token=settings.web_token,
        )

    def run(self) -> int:
        """Make or check the topics, then work until SIGTERM, SIGINT or a fatal error. Returns the exit code. Blocks."""
        specs = [*self.channels.specs(self.settings), changelog_spec(self._delivery)]
        ensure_topics(self.settings.broker, specs, self.settings.start_timeout_s)
        self.metrics.built(self.pipeline.writer.config_version, self.pipeline.artifact.id)
        self.metrics.before_render(self._refresh)
        return run_worker(self.app, self._beside)

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[None]:
        """What runs beside delivery, from before its start until after its stop."""
        async with AsyncExitStack() as stack:
            if self._limiter is not None:
                stack.push_async_callback(self._limiter.aclose)
                await self._await_redis(self._limiter)
                if self.settings.seed_limits:
                    await self._limiter.fill()
            if self._model is not None:
                stack.push_async_callback(self._model.aclose)
                await _prepare(self._model)
            await self.web.start()
            stack.push_async_callback(self.web.stop)
            _log.info("Pages at %s", self.web.url)
            running = [self._lag.run(), self._health.watch(self.app.halt)]
            if self._reasoner is not None:
                running.append(self._reasoner.run())
            tasks = [asyncio.create_task(self._guarded(job)) for job in running]
            try:
                yield
            finally:
                await _cancel(tasks)

    async def _guarded(self, job: Coroutine[Any, Any, None]) -> None:
        with self.app.guard("a task beside delivery"):
            await job

    async def _await_redis(self, limiter: Limiter) -> None:
        """Raise RedisUnreachable if it does not answer within the start's bound; away later, it is only degraded."""
        timeout_s = self.settings.start_timeout_s
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                return await limiter.ping()
            except LimitUnavailable as error:
                if time.monotonic() >= deadline_s:
                    where = redis_address(self.settings.redis_url or "")
                    raise RedisUnreachable(
                        f"no Redis answers at {where} (waited {timeout_s:.0f} s): {error}. "
                        "Is it running, and is SKILLSTREAM_REDIS_URL right?"
                    ) from error
            await asyncio.sleep(_REDIS_START_POLL_S)

    async def _recovered(self, active: frozenset[int]) -> None:
        if self._queue is None:
            return
        for partition in active:
            rows = ((key, decode_row(stored)) for key, stored in self.app.table.rows.items(partition))
            pending = [(key, (row.epoch, row.offset), row.pending) for key, row in rows]
            self._queue.rebuild(partition, pending)

    async def _revoked(self, partitions: frozenset[int]) -> None:
        self.metrics.rebalances.add()
        for partition in partitions if self._queue is not None else ():
            assert self._queue is not None
            self._queue.drop(partition)

    def _folded(self, counts: Counts, updates: Sequence[SkillUpdate]) -> None:
        self.metrics.add_counts(counts)
        self.metrics.batches.add()
        self.metrics.batch_records.observe(counts.records_in)
        self.metrics.updates.add(len(updates))
        self.metrics.degraded_updates.add(sum(bool(update.degraded) for update in updates))

    def _explained(self, explanation: Explanation) -> None:
        self.metrics.explanations.add(explanation.generator)

    def _source_failed(self, source: str, error: BaseException) -> None:
        self.metrics.source_failures.add(source)
        self._failures.note(source)
        _log.warning("Source %s failed, scores go on without it: %r", source, error)

    def _refresh(self) -> None:
        self._lag.publish(self.metrics)
        self.metrics.students.set(len(self.app.table.rows))
        self.metrics.partitions_owned.set(len(self.app.active_partitions))
        self.metrics.table_recovered.set(float(self.app.table_recovered))
        self.metrics.limits_degraded.set(float(getattr(self._limiter, "degraded", False)))
        if self._queue is not None:
            self.metrics.pending_students.set(len(self._queue))
            self.metrics.calls_in_flight.set(self._queue.in_flight)
            self.metrics.not_explained.raise_to(self._queue.not_explained)

    def _make_health(self) -> Health:
        redis = None
        if self.settings.redis_url and self._limiter is not None:
            redis = Server(redis_address(self.settings.redis_url), self._limiter.ping)
        return Health(
            worker=self.app,
            lag=self._lag,
            broker=Server(self.settings.broker, BrokerPing(self.settings.broker, self.channels.activity)),
            redis=redis,
            reasoning=self._reasoning_state,
            model=self.pipeline.artifact.id,
            model_skills=len(self.pipeline.artifact.models),
            failures=self._failures,
            stall_after_s=self.settings.stall_after_s,
        )

    def _reasoning_state(self) -> ReasoningState:
        return ReasoningState(
            mode=self.settings.reasoning,
            key_present=bool(self.settings.openai_api_key),
            blocked=self._explainer.paused_because if self._explainer is not None else None,
        )


def _delivery_settings(settings: Settings, channels: Channels) -> DeliverySettings:
    return DeliverySettings(
        app_id=settings.app_id,
        broker=settings.broker,
        sources=channels.sources,
        partitions=settings.partitions,
        replication=settings.replication,
        standby_replicas=settings.standby_replicas,
        group_instance_id=settings.instance_id,
        drain_timeout_s=settings.drain_timeout_s,
        stop_timeout_s=settings.drain_timeout_s + 15.0,
        start_timeout_s=settings.start_timeout_s,
        max_batch_records=settings.max_batch_records,
        max_record_bytes=MAX_RECORD_BYTES,
    )


async def _prepare(model: ReasoningModel) -> None:
    try:
        await model.prepare()
    except ModelUnavailable as error:
        _log.warning("No explanations for now: %s", error)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
