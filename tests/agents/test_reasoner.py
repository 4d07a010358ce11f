"""The task that spends the budget, without Kafka: what it does with students who are owed nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.writer import OutRecord
from agents.reasoning.task import Reasoner
from schemas.explanation import ReasoningResult
from schemas.reasoning_result import read_result
from streams.reasoning.policy.concurrency import Concurrency
from streams.reasoning.policy.queue import ReasoningQueue
from streams.reasoning.policy.settings import PendingPolicy
from streams.rows.codec import encode_row
from streams.rows.row import Pending, Row
from streams.rows.table import PartitionedRows
from tests.events import default_pipeline, raw, records
from tests.stepped import CHANNELS, Stepped, owning_partition

NOW_US = 1_000_000_000
TOPICS = Channels.of(Settings())
EXPLAINED = Row(offset=7, events=1)


@asynccontextmanager
async def serving(queue: ReasoningQueue, rows: PartitionedRows, writer: Any = None) -> AsyncIterator[None]:
    """A reasoner that serves the queue, and would fail if it came to ask anybody."""
    unused = cast(Any, None)
    reasoner = Reasoner(
        queue, rows, default_pipeline(), unused, writer, TOPICS, lambda: NOW_US, unused, Concurrency(1.0, 4)
    )
    task = asyncio.create_task(reasoner.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def offered(key: bytes, since_us: int) -> ReasoningQueue:
    queue = ReasoningQueue(PendingPolicy(), calls_per_s=1.0)
    queue.offer(0, key, (0, 7), Pending(since_us=since_us, value=0.5))
    return queue


async def until_let_go(queue: ReasoningQueue) -> None:
    async with asyncio.timeout(60):
        while len(queue) or queue.in_flight:  # noqa: ASYNC110  # nothing announces an empty queue
            await asyncio.sleep(0)


async def test_a_student_whose_row_is_gone_is_let_go_and_not_taken_again_and_again() -> None:
    queue = offered(b"gone", since_us=1)

    async with serving(queue, PartitionedRows()):
        await until_let_go(queue)

    assert queue.best(2 * NOW_US) is None


async def test_a_student_who_is_marked_waits_until_the_batch_that_did_so_is_stored() -> None:
    worker = Stepped()
    partition = owning_partition(b"ada") or 0
    events = records([raw(minute=minute, event_id=f"e{minute}") for minute in range(20)])

    result = (await worker.step(CHANNELS.activity, {partition: cast(Any, events)}))[partition]
    async with serving(worker.queue, worker.rows):
        for _ in range(100):
            await asyncio.sleep(0)
    before = len(worker.queue), worker.queue.in_flight
    worker.rows.put_many(partition, result.rows)
    result.stored()

    assert before == (0, 0)
    assert len(worker.queue) == 1


class _ReadBack:
    """A writer whose results are in the rows at once. `published` has the keys and results."""

    def __init__(self, queue: ReasoningQueue, rows: PartitionedRows) -> None:
        self.published: list[tuple[bytes, ReasoningResult]] = []
        self._queue, self._rows = queue, rows

    async def send(self, topic: str, partition: int, records: Sequence[OutRecord]) -> list[asyncio.Future[None]]:
        [record] = records
        assert topic == TOPICS.results
        assert record.key is not None
        self.published.append((record.key, read_result(record.value or b"")))
        self._rows.put(partition, record.key, encode_row(EXPLAINED))
        self._queue.settle(partition, record.key, (0, 7), Pending())
        return []


async def test_everybody_left_out_of_a_full_queue_is_come_back_to_and_given_up_past_the_horizon() -> None:
    queue, rows = ReasoningQueue(PendingPolicy(patience_s=1, horizon_s=1), calls_per_s=2), PartitionedRows()
    students = [f"s{number}".encode() for number in range(9)]
    for number, key in enumerate(students):
        pending = Pending(since_us=1 + number, value=0.5)
        rows.put(0, key, encode_row(Row(offset=7, events=1, pending=pending)))
        queue.offer(0, key, (0, 7), pending)
    writer = _ReadBack(queue, rows)
    left_out = len(students) - len(queue)

    async with serving(queue, rows, writer), asyncio.timeout(60):
        while len(writer.published) < len(students):  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0)

    assert left_out == 7
    assert sorted(key for key, _ in writer.published) == students
    assert {(result.outcome, len(result.explained or {})) for _, result in writer.published} == {("explained", 0)}
    assert queue.not_explained == len(students)


async def test_a_student_whose_stored_row_owes_nothing_is_let_go() -> None:
    queue, rows = offered(b"ada", since_us=NOW_US), PartitionedRows()
    rows.put(0, b"ada", encode_row(EXPLAINED))

    async with serving(queue, rows):
        await until_let_go(queue)

    assert queue.best(2 * NOW_US) is None


class _Scanned(ReasoningQueue):
    """`scans` are the partitions that were scanned, in order."""

    scans: list[int]

    def refill(self, partition: int, rows: Iterable[tuple[bytes, tuple[int, int], Pending]]) -> None:
        self.scans.append(partition)
        super().refill(partition, rows)


async def test_each_partition_is_sometimes_the_first_that_is_looked_through_again() -> None:
    queue, rows = _Scanned(PendingPolicy(patience_s=1, horizon_s=1), calls_per_s=2), PartitionedRows()
    queue.scans = []
    for partition in (0, 1):
        for number in range(6):
            pending = Pending(since_us=1 + number, value=0.5)
            rows.put(partition, b"%d" % number, encode_row(Row(offset=7, events=1, pending=pending)))
            queue.offer(partition, b"%d" % number, (0, 7), pending)
    writer = _ReadBack(queue, rows)

    async with serving(queue, rows, writer), asyncio.timeout(60):
        while len(writer.published) < 12:  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0)

    assert {queue.scans[0], queue.scans[2]} == {0, 1}
