"""Two workers, one after the other the owner of a student's partition, while a call about that student goes on."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

import pytest

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.writer import OutRecord
from agents.reasoning.task import Reasoner
from streams.limits import MemoryLimiter, Registry, calls_per_minute
from streams.limits.redis import connect
from streams.reasoning.explainer import Explainer
from streams.reasoning.model.reasoning_model import ModelUnavailable, Reply
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.concurrency import Concurrency
from streams.reasoning.policy.pending import owed
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import LIMITER, PendingPolicy
from streams.reasoning.request.prompt import Prompt, Request
from streams.reasoning.shared.flights import CallNote, Flights, MemoryFlights
from streams.reasoning.shared.keyed_hash import KeyedHash
from streams.reasoning.shared.redis_flights import RedisFlights
from streams.rows.row import Pending
from tests.events import NOW_US, raw, records
from tests.servers.redis import RealRedis
from tests.stepped import CHANNELS, Stepped, owning_partition

TOPICS = Channels.of(Settings())
PARTITION = owning_partition(b"ada")
FAR_US = NOW_US + 86_000_000_000


class Gated(ScriptedModel):
    """Answers when `gate` is open, or fails then. Counts requests."""

    def __init__(self) -> None:
        self.asked, self.gate, self.fails = 0, asyncio.Event(), False

    async def explain(self, request: Request) -> Reply:
        self.asked += 1
        await self.gate.wait()
        if self.fails:
            raise ModelUnavailable("away")
        return await super().explain(request)


class Spied:
    """Implements Flights by another one. `waits` are the seconds that it said, 0 for a call that may be made; `ended`
    counts notes taken back.
    """

    def __init__(self, flights: Flights) -> None:
        self.waits: list[float] = []
        self.ended = 0
        self._flights = flights

    async def begin(self, student: bytes, seq: tuple[int, int], explained: tuple[int, int]) -> float:
        self.waits.append(await self._flights.begin(student, seq, explained))
        return self.waits[-1]

    async def end(self, student: bytes) -> None:
        await self._flights.end(student)
        self.ended += 1

    async def aclose(self) -> None:
        await self._flights.aclose()


class Workers:
    """Workers with the table and the model in common, and the topics in `published`."""

    def __init__(self, stepped: Stepped) -> None:
        self.stepped, self.model = stepped, Gated()
        self.published: list[str] = []
        self._registry = Registry()

    async def prepare(self) -> None:
        limiter = MemoryLimiter(LIMITER, [calls_per_minute(1000)])
        await limiter.fill()
        self._registry.register(limiter)

    async def send(self, topic: str, partition: int, records: Sequence[OutRecord]) -> list[asyncio.Future[None]]:
        self.published.append(topic)
        return []

    def owner(self) -> ReasoningQueue:
        """The queue of a worker that has just got the partition."""
        queue = ReasoningQueue(PendingPolicy(), calls_per_s=1.0)
        queue.rebuild(PARTITION, owed(self.stepped.rows.items(PARTITION)))
        assert len(queue) == 1
        return queue

    @asynccontextmanager
    async def serving(self, queue: ReasoningQueue, flights: Flights) -> AsyncIterator[None]:
        skill_set = self.stepped.pipeline.skill_set
        explainer = Explainer(self.model, Prompt(skill_set), lambda: NOW_US, random.Random(1), registry=self._registry)
        reasoner = Reasoner(
            queue,
            self.stepped.rows,
            self.stepped.pipeline,
            explainer,
            cast(Any, self),
            TOPICS,
            lambda: NOW_US,
            lambda explanation: None,
            Concurrency(1.0, 4),
            flights,
        )
        task = asyncio.create_task(reasoner.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0.001)


@pytest.fixture
async def workers() -> Workers:
    stepped = Stepped()
    events = records([raw(minute=minute, event_id=f"e{minute}") for minute in range(20)])
    results = await stepped.step(CHANNELS.activity, {PARTITION: cast(Any, events)})
    stepped.rows.put_many(PARTITION, results[PARTITION].rows)
    workers = Workers(stepped)
    await workers.prepare()
    return workers


@pytest.fixture(params=["memory", "redis"])
async def flights(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Flights, Flights]]:
    """Of the worker before, and of the one after."""
    if request.param == "memory":
        noted: dict[bytes, CallNote] = {}
        yield MemoryFlights(60, noted=noted), MemoryFlights(60, noted=noted)
        return
    with RealRedis() as redis:
        client, prefix = connect(redis.url, timeout_s=30), uuid4().hex
        yield (
            RedisFlights(client, KeyedHash("s"), 60, prefix=prefix),
            RedisFlights(client, KeyedHash("s"), 60, prefix=prefix),
        )
        await client.aclose()


async def test_a_call_that_goes_on_at_the_worker_before_is_not_made_again(
    workers: Workers, flights: tuple[Flights, Flights]
) -> None:
    before, after = workers.owner(), workers.owner()
    async with workers.serving(before, flights[0]):
        await until(lambda: workers.model.asked == 1)
        before.drop(PARTITION)
        spied = Spied(flights[1])
        async with workers.serving(after, spied):
            await until(lambda: spied.waits and after.in_flight == 0)
            assert after.best(NOW_US) is None
            workers.model.gate.set()
            await until(lambda: TOPICS.results in workers.published)
            assert workers.published == [TOPICS.reasoning, TOPICS.results]
            assert workers.model.asked == 1

            after.settle(PARTITION, b"ada", (0, 19), Pending())  # its result is read back
            assert after.best(FAR_US) is None


async def test_without_a_place_in_common_it_is_made_once_more_at_most(workers: Workers) -> None:
    before, after = workers.owner(), workers.owner()
    workers.model.gate.set()
    async with workers.serving(before, MemoryFlights(60)), workers.serving(after, MemoryFlights(60)):
        await until(lambda: workers.published.count(TOPICS.results) == 2)
    assert workers.model.asked == 2


async def test_a_call_that_failed_may_be_made_by_the_worker_after(
    workers: Workers, flights: tuple[Flights, Flights]
) -> None:
    before, after = workers.owner(), workers.owner()
    workers.model.fails = True
    workers.model.gate.set()
    spied = Spied(flights[0])
    async with workers.serving(before, spied):
        await until(lambda: spied.ended == 1)
    assert workers.published == [TOPICS.results]
    async with workers.serving(after, flights[1]):
        await until(lambda: workers.model.asked == 2)


async def test_a_call_that_ended_with_its_worker_may_be_made_by_the_one_after(
    workers: Workers, flights: tuple[Flights, Flights]
) -> None:
    """Regression: after an orderly stop the students whose calls were cancelled waited for two minutes."""
    before, after = workers.owner(), workers.owner()
    async with workers.serving(before, flights[0]):
        await until(lambda: workers.model.asked == 1)
    assert workers.published == []
    async with workers.serving(after, flights[1]):
        await until(lambda: workers.model.asked == 2)


async def test_who_is_waited_for_is_taken_once_the_longest_call_is_over(
    workers: Workers, flights: tuple[Flights, Flights]
) -> None:
    queue, spied = workers.owner(), Spied(flights[1])
    await flights[0].begin(b"ada", (0, 19), (0, -1))
    async with workers.serving(queue, spied):
        await until(lambda: spied.waits and queue.in_flight == 0)
    assert 30 < spied.waits[0] <= 60, "60 s, but for what this process stood still"
    free_us = NOW_US + round(spied.waits[0] * 1e6)
    assert queue.best(free_us - 1) is None
    assert queue.best(free_us) is not None
