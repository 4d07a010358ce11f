"""The task that spends the budget tells what changed since the last explanation, and notes what is counted now."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.writer import OutRecord
from agents.reasoning.task import Reasoner
from schemas.explanation import Explanation, read_explanation
from schemas.reasoning_result import read_result
from streams.limits import MemoryLimiter, Registry, calls_per_minute
from streams.reasoning.explainer import Explainer
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.concurrency import Concurrency
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import LIMITER, PendingPolicy
from streams.reasoning.request.prompt import Prompt
from streams.rows.codec import encode_row
from streams.rows.explanations import LastExplanation, explanations_section
from streams.rows.row import Pending, Row, SkillState, Totals
from streams.rows.table import PartitionedRows
from streams.vocabulary import Fact, skill_code
from tests.events import NOW_US, default_pipeline

TOPICS = Channels.of(Settings())
DAY_US = 86_400_000_000
ADA = b"ada"
RESILIENCE = skill_code("resilience")
FOUR_FAILED = {int(Fact.FAILED): (4, 4.0), int(Fact.GAVE_UP): (3, 3.0)}


def failed_since() -> Row:
    """Explained two days ago, when three of four failures were given up on; five more since, none given up on."""
    now_s = NOW_US // 1_000_000
    return Row(
        offset=7,
        events=9,
        reference_us=NOW_US,
        first_us=NOW_US - 9 * DAY_US,
        as_of_us=NOW_US,
        facts={
            Fact.FAILED: Totals(9, 9.0, 9.0, 9.0, 9.0, now_s),
            Fact.GAVE_UP: Totals(3, 3.0, 3.0, 3.0, 3.0, now_s),
        },
        skills={RESILIENCE: SkillState(score=0.4, confidence=0.5, explained=0.9)},
        explanations=explanations_section(
            {RESILIENCE: LastExplanation((NOW_US - 2 * DAY_US) // 1_000_000, FOUR_FAILED)}
        ),
        pending=Pending(since_us=NOW_US - 1_000_000, value=0.5),
    )


class _Published:
    """A writer that keeps what is sent, by topic."""

    def __init__(self) -> None:
        self.by_topic: dict[str, bytes] = {}

    async def send(self, topic: str, partition: int, records: Sequence[OutRecord]) -> list[asyncio.Future[None]]:
        [record] = records
        self.by_topic[topic] = record.value or b""
        return []


async def published() -> dict[str, bytes]:
    rows, queue, writer = PartitionedRows(), ReasoningQueue(PendingPolicy(), calls_per_s=1.0), _Published()
    rows.put(0, ADA, encode_row(failed_since()))
    queue.offer(0, ADA, (0, 7), failed_since().pending)
    limiter = MemoryLimiter(LIMITER, [calls_per_minute(60)], clock_us=lambda: NOW_US)
    await limiter.fill()
    registry = Registry()
    registry.register(limiter)
    pipeline = default_pipeline()
    explainer = Explainer(
        ScriptedModel(), Prompt(pipeline.skill_set), lambda: NOW_US, random.Random(1), registry=registry
    )
    seen: list[Explanation] = []
    reasoner = Reasoner(
        queue, rows, pipeline, explainer, cast(Any, writer), TOPICS, lambda: NOW_US, seen.append, Concurrency(1.0, 1)
    )
    task = asyncio.create_task(reasoner.run())
    async with asyncio.timeout(60):
        while TOPICS.results not in writer.by_topic:  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return writer.by_topic


async def test_what_changed_is_told_and_what_is_counted_now_goes_back_with_the_result() -> None:
    by_topic = await published()
    explanation = read_explanation(by_topic[TOPICS.reasoning])
    result = read_result(by_topic[TOPICS.results])

    [facts] = [skill.facts for skill in explanation.skills if skill.skill == "resilience"]
    told = {fact.id: fact.text for fact in facts}
    assert told["resilience.gives_up.since"] == (
        "gave up on 0 of 5 failed tasks since last time, 2 days ago, before that 3 of 4, less often than before"
    )
    assert result.as_of_us == NOW_US
    assert (result.counts or {})["resilience"] == {"failed": (9, 9.0), "gave_up": (3, 3.0)}
    assert msgspec.json.decode(by_topic[TOPICS.results])["version"] == 1
