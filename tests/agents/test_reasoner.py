"""The task that spends the budget, without Kafka: what it does with students who are owed nothing."""

import asyncio
from typing import Any, cast

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.reasoning.task import Reasoner
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.row import Pending
from streams.rows.table import PartitionedRows
from tests.events import default_pipeline


async def test_a_student_whose_row_is_gone_is_let_go_and_not_taken_again_and_again() -> None:
    queue = ReasoningQueue(PendingPolicy(), calls_per_s=1.0)
    queue.offer(0, b"gone", (0, 7), Pending(since_us=1, value=0.5))
    unused = cast(Any, None)
    reasoner = Reasoner(
        queue, PartitionedRows(), default_pipeline(), unused, unused, Channels.of(Settings()), lambda: 10, unused
    )

    serving = asyncio.create_task(reasoner.run())
    async with asyncio.timeout(10):
        while len(queue) or queue.in_flight:  # noqa: ASYNC110  # nothing announces an empty queue
            await asyncio.sleep(0)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)

    assert queue.best(20) is None
