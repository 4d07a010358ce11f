"""A worker's situation, whole or broken piece by piece, and the web pages that tell of it, asked over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from agents.health import ConfigState, Health, HealthBounds, NormsState, ReasoningState, Server, SourceFailures, Watched
from agents.health.lag import LagMonitor
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.group_members import GroupDescription
from agents.kafka.offsets import Offsets, SourcePartition
from agents.metrics import Metrics
from agents.web import RoleTokens, WebServer

TOPIC = "student-activity"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Worker:
    """A worker's state, as told."""

    table_recovered: bool = True
    active_partitions: frozenset[int] = frozenset({0, 1})
    failure: BaseException | None = None
    broker_outage: str | None = None
    progress_s: dict[int, float] = field(default_factory=dict)
    restored: dict[int, int] = field(default_factory=dict)

    def last_progress_s(self) -> Mapping[int, float]:
        return self.progress_s

    def restored_offsets(self) -> Mapping[int, int]:
        return dict(self.restored)


@dataclass
class Situation:
    """All that health looks at, to be broken piece by piece."""

    clock: Clock = field(default_factory=Clock)
    worker: Worker = field(default_factory=Worker)
    offsets: dict[SourcePartition, Offsets] = field(
        default_factory=lambda: {(TOPIC, p): Offsets(0, 5, 5) for p in range(2)}
    )
    offsets_known: bool = True
    broker_problem: str | None = None
    redis_problem: str | None = None
    redis_hangs: bool = False
    reasoning: ReasoningState = field(default_factory=lambda: ReasoningState("openai", key_present=True))
    metrics: Metrics = field(default_factory=Metrics)
    beyond_horizon: int = 0
    config: ConfigState = field(default_factory=lambda: ConfigState("0bffd27fa203-00000000"))
    norms: NormsState = field(default_factory=NormsState)

    def __post_init__(self) -> None:
        self.failures = SourceFailures(clock_s=self.clock)
        self.lag = LagMonitor(self, clock_s=self.clock)
        self.metrics.before_render(lambda: self.lag.publish(self.metrics))
        self.broker = Server("127.0.0.1:9092", self.answer_as_broker)
        watched = Watched(
            worker=self.worker,
            lag=self.lag,
            broker=self.broker,
            redis=Server("127.0.0.1:6379", self.answer_as_redis),
            reasoning=lambda: self.reasoning,
            model="default@0123abcd",
            model_skills=1,
            config=lambda: self.config,
            norms=lambda: self.norms,
            failures=self.failures,
            beyond_horizon=lambda: self.beyond_horizon,
        )
        self.health = Health(watched, HealthBounds(stall_after_s=60, deadline_s=0.2, max_age_s=0.0), self.clock)

    async def read(self) -> Mapping[SourcePartition, Offsets]:
        if not self.offsets_known:
            raise BrokerUnavailable("no answer")
        return dict(self.offsets)

    async def ages_s(self, positions: Mapping[SourcePartition, int]) -> Mapping[SourcePartition, float | None]:
        return {}

    async def group(self) -> GroupDescription | None:
        return None

    async def answer_as_broker(self) -> None:
        if self.broker_problem is not None:
            raise BrokerUnavailable(self.broker_problem)

    async def answer_as_redis(self) -> None:
        if self.redis_hangs:
            await asyncio.Event().wait()
        if self.redis_problem is not None:
            raise BrokerUnavailable(self.redis_problem)

    async def pass_time(self, seconds: int) -> None:
        """Seconds go by, each with a look at the lag and the worker."""
        for _ in range(seconds):
            self.clock.now_s += 1
            await self.lag.measure()
            self.health.observe()


@pytest.fixture
async def seen() -> Situation:
    situation = Situation()
    await situation.lag.measure()
    return situation


@asynccontextmanager
async def served(situation: Situation, token: str = "", **given: Any) -> AsyncIterator[aiohttp.ClientSession]:
    server = WebServer(
        "127.0.0.1",
        0,
        health=situation.health,
        lag=situation.lag,
        metrics=situation.metrics,
        **{"tokens": RoleTokens(token), **given},
    )
    await server.start()
    try:
        async with aiohttp.ClientSession(server.url) as session:
            yield session
    finally:
        await server.stop()


async def get(situation: Situation, path: str) -> tuple[int, dict[str, object]]:
    async with served(situation) as session, session.get(path) as response:
        return response.status, await response.json()


async def statuses(situation: Situation) -> dict[str, int]:
    found = {}
    async with served(situation) as session:
        for path in ("/live", "/ready", "/health", "/health/detailed"):
            async with session.get(path) as response:
                found[path] = response.status
    return found


def all_of(status: int, **other: int) -> dict[str, int]:
    return dict.fromkeys(("/live", "/ready", "/health", "/health/detailed"), status) | {
        f"/{path}": code for path, code in other.items()
    }
