"""Explanations, as a part of a worker: queue, limits, model and the tasks that serve, started and stopped together.

Nothing that is wrong with them keeps a worker from scoring: it starts without them, and they are tried for again.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from random import Random
from typing import Final

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.config.spending import limits_of
from agents.config.tenants import Tenants
from agents.delivery.faust.app import DeliveryApp
from agents.health import ReasoningState, Server
from agents.logs import lifecycle
from agents.metrics import Metrics
from agents.reasoning.setup import (
    calls_per_s,
    count_call,
    make_account,
    make_answer_cache,
    make_explainer,
    make_flights,
    make_limiter,
    make_model,
    now_us,
    policy_of,
    redis_address,
    share_of,
)
from agents.reasoning.spending import SpendingWatch, begin_if_never_asked, has_asked
from agents.reasoning.task import Reasoner
from agents.tracing import Traced
from schemas.errors import Retryable
from schemas.explanation import Explanation
from streams.limits import LimitUnavailable
from streams.pipeline import Pipeline
from streams.reasoning.model.bulkhead import bulkhead
from streams.reasoning.model.outcome import Called, Tried
from streams.reasoning.model.reasoning_model import ModelBlocked, ModelFailed
from streams.reasoning.policy.backoff import Backoff
from streams.reasoning.policy.concurrency import Concurrency
from streams.reasoning.policy.pending import owed
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.resting import RestingTenants
from streams.spending.prices import NANO_USD

_REDIS_WATCH_S: Final = 3.0
_PREPARE_AGAIN: Final = Backoff(first_s=10.0, most_s=600.0)
_log = logging.getLogger(__name__)


class ReasoningRefused(Retryable):
    """The model's server refuses what is set, and explanations are required."""


class Explanations:
    """Not made where reasoning is off. Raises SettingsError or Fatal for settings that could never work."""

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        app: DeliveryApp,
        channels: Channels,
        metrics: Metrics,
        traced: Traced | None = None,
    ) -> None:
        self._settings = settings
        self._rows = app.table.rows
        self._metrics = metrics
        self._share = share_of(settings)
        tenants = Tenants.of(settings)
        self._limiter = make_limiter(settings, tenants, metrics, self._share)
        self._model = make_model(settings)
        self._spending = SpendingWatch(limits_of(settings, tenants), metrics)
        self._account = make_account(settings, tenants, self._spending.crossed, self._share)
        self._answers = make_answer_cache(settings, metrics)
        self._flights = make_flights(settings)
        self._concurrency = Concurrency(settings.calls_per_minute / 60, settings.calls_at_once)
        self._results_topic = channels.results
        self._explainer = make_explainer(
            settings, tenants, pipeline.skill_set, self._model, self._account, _log.error, self._called, self._answers
        )
        self._redis_lost_s: float | None = None
        self._tenant_of = tenants.of_student
        self.queue = ReasoningQueue(
            policy_of(settings), calls_per_s(settings), settings.school_separator, self._tenant_of
        )
        self._reasoner = Reasoner(
            self.queue,
            app.table.rows,
            pipeline,
            self._explainer,
            app.writer,
            channels,
            now_us,
            self._published,
            self._concurrency,
            self._flights,
            traced,
            RestingTenants(self._tenant_of),
        )

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[None]:
        """Look for Redis, and let go of it and of the model after. Raises ReasoningRefused where they are required."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._limiter.aclose)
            stack.push_async_callback(self._account.aclose)
            stack.push_async_callback(self._model.aclose)
            stack.push_async_callback(self._flights.aclose)
            if self._answers is not None:
                stack.push_async_callback(self._answers.aclose)
            await self._look_for_redis()
            if self._settings.reasoning_required:
                await self._require_model()
            yield

    async def serve(self) -> None:
        """Serve the queue until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._prepare())
            group.create_task(self._reasoner.run())

    async def watch_redis(self) -> None:
        """Say in the log when Redis is lost, and when it is back. Runs for ever; asks nobody where there is none."""
        while self._settings.redis_url:
            await asyncio.sleep(_REDIS_WATCH_S)
            try:
                async with asyncio.timeout(_REDIS_WATCH_S):
                    await self._ask_redis()
            except (LimitUnavailable, ModelFailed, TimeoutError) as error:
                self._redis_is_lost(error)
            else:
                if self._redis_lost_s is not None:
                    where = redis_address(self._settings.redis_url)
                    lifecycle.server_back("Redis", where, time.monotonic() - self._redis_lost_s)
                    self._redis_lost_s = None

    def rebuild(self, partitions: Collection[int]) -> None:
        """Take up what the rows of these partitions, all that are this worker's now, say is pending: after recovery."""
        self._share.assign(partitions)
        for partition in partitions:
            self.queue.rebuild(partition, owed(self._rows.items(partition)))

    def drop(self, partitions: Collection[int]) -> None:
        """Let go of partitions that another worker has now."""
        self._share.revoke(partitions)
        for partition in partitions:
            self.queue.drop(partition)

    def refresh(self) -> None:
        """Set the gauges."""
        self._metrics.limits_degraded.set(float(getattr(self._limiter, "degraded", False)))
        self._metrics.reasoning_paused.set(float(self._explainer.paused_because is not None))
        self._metrics.pending_students.set(len(self.queue))
        self._metrics.calls_in_flight.set(self.queue.in_flight)
        self._metrics.calls_at_once.set(self._concurrency.allowed)
        self._metrics.budget_owed_usd.set(getattr(self._account, "owed_nano_usd", 0) / NANO_USD)
        self._spending.refresh(self._account.balance)
        self._metrics.left_out.raise_to(self.queue.times_left_out)
        self._metrics.not_explained.raise_to(self.queue.not_explained)

    @property
    def redis(self) -> Server | None:
        """Redis, for the health page; None where limits are kept in this process."""
        url = self._settings.redis_url
        return Server(redis_address(url), self._limiter.ping) if url else None

    def state(self) -> ReasoningState:
        """How explanations are made, and why not, for the health page."""
        return ReasoningState(
            mode=self._settings.explained_by,
            key_present=bool(self._settings.openai_api_key),
            blocked=self._explainer.paused_because,
            failing=self._explainer.trouble,
            unpaid=self._spending.problem(self._account.balance),
            spent=self._spending.said(self._account.balance),
            unpaid_tenants=self._spending.spent_tenants(self._account.balance),
        )

    async def _look_for_redis(self) -> None:
        """Seed the limits where that is set. Without Redis this worker spends its own share, as in every outage of
        Redis.
        """
        try:
            await self._ask_redis(fill=self._settings.seed_limits)
            with bulkhead("opening the ledger of spending"):
                await begin_if_never_asked(self._account, partial(has_asked, self._settings, self._results_topic))
        except (LimitUnavailable, ModelFailed) as error:
            self._redis_is_lost(error)

    async def _ask_redis(self, *, fill: bool = False) -> None:
        with bulkhead("asking Redis"):
            await self._limiter.ping()
            await self._account.look()
            if fill:
                await self._limiter.fill()

    def _redis_is_lost(self, error: Exception) -> None:
        if self._redis_lost_s is None:
            self._redis_lost_s = time.monotonic()
            where = redis_address(self._settings.redis_url or "")
            lifecycle.server_lost("Redis", where, str(error), "only this worker's share may be spent")

    async def _require_model(self) -> None:
        error = await self._explainer.prepare()
        if isinstance(error, ModelBlocked):
            raise ReasoningRefused(f"{error} (without SKILLSTREAM_REASONING_REQUIRED a worker would score)")

    async def _prepare(self) -> None:
        """Look whether the model can be asked, until it can."""
        failures = 0
        while await self._explainer.prepare() is not None:
            failures += 1
            await asyncio.sleep(_PREPARE_AGAIN.wait_s(failures, Random()))

    def _called(self, event: Called | Tried) -> None:
        count_call(self._metrics, event)
        if isinstance(event, Called):
            self._concurrency.note(event.duration_s)

    def _published(self, explanation: Explanation) -> None:
        self._metrics.explanations.add(explanation.generator)
        if tenant := self._tenant_of(explanation.student_id):
            self._metrics.tenant_explanations.add(tenant, _outcome_of(explanation))
        if explanation.reused is True:
            self._metrics.reused_answers.add()
        if explanation.generator == "template":
            self._metrics.templates.add(explanation.reason or "unknown")


def _outcome_of(explanation: Explanation) -> str:
    if explanation.generator == "template":
        return f"template_{explanation.reason or 'unknown'}"
    return "reused" if explanation.reused else explanation.generator
