"""Explanations, as a part of a worker: queue, limits, model and the task that serves, started and stopped together."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from agents import lifecycle
from agents.channels import Channels
from agents.delivery.app import DeliveryApp
from agents.explaining import (
    calls_per_s,
    make_explainer,
    make_limiter,
    make_model,
    now_us,
    policy_of,
    redis_address,
)
from agents.health import ReasoningState, Server
from agents.metrics import Metrics
from agents.reasoning import Reasoner
from agents.settings import Settings
from schemas.errors import Retryable
from schemas.explanation import Explanation
from streams.limits import LimitUnavailable
from streams.pipeline import Pipeline
from streams.reasoning.model import ModelUnavailable
from streams.reasoning.pending import owed
from streams.reasoning.queue import ReasoningQueue

_REDIS_START_POLL_S: Final = 0.25
_REDIS_WATCH_S: Final = 3.0
_log = logging.getLogger(__name__)


class RedisUnreachable(Retryable):
    """No Redis answers at the start."""


class Explanations:
    """Not made where reasoning is off. Raises SettingsError or Fatal for settings that could never work."""

    def __init__(
        self, settings: Settings, pipeline: Pipeline, app: DeliveryApp, channels: Channels, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._rows = app.table.rows
        self._metrics = metrics
        self._limiter = make_limiter(settings, metrics)
        self._model = make_model(settings)
        self._explainer = make_explainer(settings, pipeline.skill_set, self._model, metrics, _log.error)
        self.queue = ReasoningQueue(policy_of(settings), calls_per_s(settings))
        self._reasoner = Reasoner(
            self.queue, app.table.rows, pipeline, self._explainer, app.writer, channels, now_us, self._published
        )

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[None]:
        """Redis and the model are asked first, and let go of after. Raises RedisUnreachable, or the model's Fatal."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._limiter.aclose)
            await self._await_redis()
            if self._settings.seed_limits:
                await self._limiter.fill()
            stack.push_async_callback(self._model.aclose)
            try:
                await self._model.prepare()
            except ModelUnavailable as error:
                _log.warning("No explanations for now: %s", error)
            yield

    async def serve(self) -> None:
        """Serve the queue until cancelled."""
        await self._reasoner.run()

    async def watch_redis(self) -> None:
        """Say in the log when Redis is lost, and when it is back. Runs for ever; asks nobody where there is none."""
        where, lost_s = redis_address(self._settings.redis_url or ""), None
        while self._settings.redis_url:
            await asyncio.sleep(_REDIS_WATCH_S)
            try:
                async with asyncio.timeout(_REDIS_WATCH_S):
                    await self._limiter.ping()
            except (LimitUnavailable, TimeoutError) as error:
                if lost_s is None:
                    lost_s = time.monotonic()
                    lifecycle.server_lost("Redis", where, str(error), "only this worker's share may be spent")
            else:
                if lost_s is not None:
                    lifecycle.server_back("Redis", where, time.monotonic() - lost_s)
                    lost_s = None

    def rebuild(self, partitions: Iterable[int]) -> None:
        """Take up what the rows of these partitions say is pending: after recovery."""
        for partition in partitions:
            self.queue.rebuild(partition, owed(self._rows.items(partition)))

    def drop(self, partitions: Iterable[int]) -> None:
        """Let go of partitions that another worker has now."""
        for partition in partitions:
            self.queue.drop(partition)

    def refresh(self) -> None:
        """Set the gauges."""
        self._metrics.limits_degraded.set(float(getattr(self._limiter, "degraded", False)))
        self._metrics.pending_students.set(len(self.queue))
        self._metrics.calls_in_flight.set(self.queue.in_flight)
        self._metrics.not_explained.raise_to(self.queue.not_explained)

    @property
    def redis(self) -> Server | None:
        """Redis, for the health page; None where limits are kept in this process."""
        url = self._settings.redis_url
        return Server(redis_address(url), self._limiter.ping) if url else None

    def state(self) -> ReasoningState:
        """How explanations are made, and why not, for the health page."""
        return ReasoningState(
            mode=self._settings.reasoning,
            key_present=bool(self._settings.openai_api_key),
            blocked=self._explainer.paused_because,
        )

    async def _await_redis(self) -> None:
        """Raise RedisUnreachable if it does not answer within the start's bound; away later, it is only degraded."""
        timeout_s = self._settings.start_timeout_s
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                return await self._limiter.ping()
            except LimitUnavailable as error:
                if time.monotonic() >= deadline_s:
                    raise RedisUnreachable(
                        f"no Redis answers at {redis_address(self._settings.redis_url or '')} "
                        f"(waited {timeout_s:.0f} s): {error}. Is it running, and is SKILLSTREAM_REDIS_URL right?"
                    ) from error
            await asyncio.sleep(_REDIS_START_POLL_S)

    def _published(self, explanation: Explanation) -> None:
        self._metrics.explanations.add(explanation.generator)
