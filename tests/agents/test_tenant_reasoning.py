"""The task that spends the budget, where tenants have budgets of their own: who is out of calls waits alone."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from msgspec.structs import replace

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.writer import OutRecord
from agents.reasoning.task import Reasoner
from schemas.explanation import Explanation
from streams.input.tenancy import Tenancy
from streams.limits import Bucket, Limiter, MemoryLimiter, PartitionShare, Registry
from streams.reasoning.explainer import Explainer
from streams.reasoning.model.outcome import Called, Tried
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.concurrency import Concurrency
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.resting import RestingTenants
from streams.reasoning.policy.settings import LIMITER, ExplainSettings, PendingPolicy
from streams.reasoning.request.prompt import Prompt
from streams.rows.codec import encode_row
from streams.rows.row import Pending
from streams.rows.table import PartitionedRows
from streams.spending.account import Used
from streams.spending.limits import NO_SCHOOL, ScopeLimits, SpendingLimits
from streams.spending.memory import MemoryAccount
from streams.spending.prices import NANO_USD, Price, Prices
from streams.spending.usage import TokenUsage
from tests.agents.inference_pages import until
from tests.agents.test_reasoner_changes import failed_since
from tests.events import NOW_US, default_pipeline
from tests.unit.limits.clock import ManualClock

TOPICS = Channels.of(Settings())
OF_STUDENT = Tenancy({"north": "north:", "south": "south:"}).of_student
ALL = Bucket("calls/minute", 50, 60)
PRICES = ExplainSettings(prices=Prices({"scripted-1": Price(10.0, 10.0, 10.0)}, ("scripted-1",)))


class School:
    """Students of tenants who are all owed an explanation, and a reasoner that serves them until `explained`."""

    def __init__(self, limiter: Limiter, clock: ManualClock, account: MemoryAccount | None = None) -> None:
        self.explained: list[Explanation] = []
        self.calls: list[Called | Tried] = []
        self.queue = ReasoningQueue(PendingPolicy(), calls_per_s=1.0, tenant_of=OF_STUDENT)
        self._rows, self._registry, pipeline = PartitionedRows(), Registry(), default_pipeline()
        self._registry.register(limiter)
        explainer = Explainer(
            ScriptedModel(),
            Prompt(pipeline.skill_set),
            clock,
            random.Random(1),
            PRICES,
            registry=self._registry,
            account=account,
            observe=self.calls.append,
            tenant_of=OF_STUDENT,
        )
        self.explainer = explainer
        self._reasoner = Reasoner(
            self.queue,
            self._rows,
            pipeline,
            explainer,
            cast(Any, self),
            TOPICS,
            clock,
            self.explained.append,
            Concurrency(1.0, 1),
            resting=RestingTenants(OF_STUDENT),
        )

    def owe(self, *students: str) -> None:
        for number, student in enumerate(students):
            row = failed_since()
            pending = replace(row.pending, since_us=row.pending.since_us + number)
            self._rows.put(0, student.encode(), encode_row(replace(row, pending=pending)))
            self.queue.offer(0, student.encode(), (0, 7), pending)

    async def send(self, topic: str, partition: int, records: Sequence[OutRecord]) -> list[asyncio.Future[None]]:
        """Results are read back at once: nothing more is owed."""
        [record] = records
        if topic == TOPICS.results and record.key is not None:
            self.queue.settle(partition, record.key, (0, 7), Pending())
        return []

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._reasoner.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def who(self) -> list[str]:
        return [explanation.student_id for explanation in self.explained]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_US)


async def filled(clock: ManualClock, *buckets: Bucket, share: PartitionShare | None = None) -> MemoryLimiter:
    limiter = MemoryLimiter(LIMITER, buckets, clock_us=clock, share=share)
    await limiter.fill()
    return limiter


async def test_a_tenant_out_of_calls_waits_alone_and_comes_back_when_there_is_room(clock: ManualClock) -> None:
    school = School(await filled(clock, ALL, Bucket("north calls/minute", 1, 20, whose="north")), clock)
    school.owe("north:a", "north:b", "north:c", "south:a", "south:b", "else")

    async with school.served():
        await until(lambda: len(school.explained) == 4)
        assert sorted(school.who) == ["else", "north:a", "south:a", "south:b"]
        assert len(school.queue) == 2
        clock.advance(seconds=31)
        await until(lambda: len(school.explained) == 5)
    assert school.who[-1] == "north:b"
    assert school.explainer.trouble is None


async def test_a_tenant_whose_share_is_too_small_without_redis_keeps_nobody_waiting(clock: ManualClock) -> None:
    share = PartitionShare(4, clock)
    share.assign([0])
    school = School(await filled(clock, ALL, Bucket("north calls/minute", 2, 60, whose="north"), share=share), clock)
    school.owe("north:a", "north:b", "south:a", "south:b")

    async with school.served():
        await until(lambda: len(school.explained) == 2)
    assert sorted(school.who) == ["south:a", "south:b"]
    assert school.explainer.trouble is None


async def test_a_tenant_out_of_money_gets_the_template_with_the_reason_and_the_others_the_model(
    clock: ManualClock,
) -> None:
    account = MemoryAccount(SpendingLimits(tenants={"north": ScopeLimits(day=NANO_USD)}), clock_us=clock)
    await account.begin()
    reserved = await account.reserve(NO_SCHOOL, "scripted-1", 0, NANO_USD, "north")
    await account.settle(reserved, Used("scripted-1", TokenUsage(1, 0), NANO_USD - 1))
    school = School(await filled(clock, ALL), clock, account)
    school.owe("north:a", "south:a")

    async with school.served():
        await until(lambda: len(school.explained) == 2)
    told = {explanation.student_id: (explanation.generator, explanation.reason) for explanation in school.explained}
    assert told == {"north:a": ("template", "spent"), "south:a": ("scripted", None)}
    assert [call.tenant for call in school.calls if isinstance(call, Called)] == ["south"]
