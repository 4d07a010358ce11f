"""The agent gives all partitions of a fetch to one step, and acknowledges each when what it led to is confirmed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.structs import ConsumerRecord
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.acks import AckLedger
from agents.delivery.faust.agent import TableAgent
from agents.delivery.faust.app import create_app
from agents.delivery.faust.message import FetchMessage, SourceBatch, even_parts
from agents.delivery.settings import DeliverySettings
from agents.delivery.step import Batches, BatchResult, BatchStep, Output

SETTINGS = DeliverySettings(app_id="app", broker="127.0.0.1:1", sources=("events", "results"), partitions=3)


class Consumer:
    """Notes what the agent is done with, and what may be committed."""

    def __init__(self) -> None:
        self.finished: list[FetchMessage] = []
        self.acknowledged: list[TP] = []

    def is_current(self, _batch: SourceBatch) -> bool:
        return True

    def finish(self, message: FetchMessage) -> None:
        self.finished.append(message)

    def acknowledge(self, batch: SourceBatch) -> None:
        self.acknowledged.append(batch.tp)

    def ack(self, _message: FetchMessage) -> bool:
        return True


class Writer:
    """Sends nothing; a send is confirmed when the test says so."""

    def __init__(self) -> None:
        self.sent: defaultdict[int, list[asyncio.Future[Any]]] = defaultdict(list)

    async def send(self, _topic: str, partition: int, _records: object) -> list["asyncio.Future[Any]"]:
        self.sent[partition].append(asyncio.get_running_loop().create_future())
        return self.sent[partition][-1:]

    def confirm(self, partition: int) -> None:
        for future in self.sent.pop(partition, []):
            future.set_result(None)


class Step:
    """Takes at most `most` records of all partitions together, the first partitions' first."""

    def __init__(self, most: int = 1_000) -> None:
        self.most = most
        self.calls: list[tuple[str, dict[int, list[int]]]] = []

    async def __call__(self, topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        self.calls.append((topic, {at: [record.offset for record in some] for at, some in batches.items()}))
        left, results = self.most, dict[int, BatchResult]()
        for partition, records in batches.items():
            if taken := min(left, len(records)):
                results[partition] = BatchResult({}, [Output("out", partition, b"key", b"value")], records=taken)
                left -= taken
        return results


class Rig:
    """An agent that owns all partitions, and what it works with."""

    def __init__(self, agent: TableAgent, consumer: Consumer, writer: Writer) -> None:
        self.agent = agent
        self.consumer = consumer
        self.writer = writer
        self.fetches: asyncio.Queue[FetchMessage] = asyncio.Queue()

    def noack(self) -> "Rig":
        return self

    async def __aiter__(self) -> AsyncIterator[object]:
        while True:
            message = await self.fetches.get()
            self.current_event = SimpleNamespace(message=message)
            yield message

    async def give(self, fetched: Mapping[tuple[str, int], Sequence[int]]) -> FetchMessage:
        batches = [
            SourceBatch.of(TP(topic, partition), [record(topic, partition, at) for at in offsets], AckLedger())
            for (topic, partition), offsets in fetched.items()
        ]
        message = FetchMessage.of(batches, 0)
        self.fetches.put_nowait(message)
        await until(lambda: message in self.consumer.finished)
        return message


def record(topic: str, partition: int, offset: int) -> ConsumerRecord:
    return ConsumerRecord(topic, partition, offset, 1_000, 0, b"key", b"value", None, 3, 5, [])


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(0)


@asynccontextmanager
async def rigged(step: BatchStep, *, fails: bool = False) -> AsyncIterator[Rig]:
    app = create_app(SETTINGS)
    consumer, writer = Consumer(), Writer()
    agent = TableAgent(app.delivery, app.table, cast(Any, writer), step, lambda: cast(Any, consumer))
    agent.resume(frozenset(range(SETTINGS.partitions)))
    rig = Rig(agent, consumer, writer)
    consuming = asyncio.create_task(agent.consume(rig))
    try:
        yield rig
        assert (app.failure is not None) == fails
    finally:
        consuming.cancel()
        agent.abandon()
        await asyncio.gather(consuming, return_exceptions=True)
        cast(Any, app.consumer).thread_loop.close()


@given(st.dictionaries(st.integers(0, 5), st.integers(1, 60), min_size=1), st.integers(1, 40))
def test_a_large_fetch_is_cut_into_even_shares_of_all_partitions(sizes: dict[int, int], most: int) -> None:
    fetched = {TP("events", at): [record("events", at, offset) for offset in range(size)] for at, size in sizes.items()}

    parts = list(even_parts(fetched, most))

    assert {tp: [each for part in parts for each in part.get(tp, ())] for tp in fetched} == fetched
    assert len(parts) <= -(-max(sizes.values()) // most)
    assert all(0 < len(share) <= most for part in parts for share in part.values())


async def test_all_partitions_of_a_fetch_are_one_batch_and_topics_come_one_after_the_other() -> None:
    step = Step()
    async with rigged(step) as rig:
        await rig.give({("events", 0): [4, 5], ("results", 0): [9], ("events", 2): [7]})

    assert step.calls == [("events", {0: [4, 5], 2: [7]}), ("results", {0: [9]})]


async def test_a_partition_is_acknowledged_when_its_own_sends_are_confirmed() -> None:
    async with rigged(Step()) as rig:
        await rig.give({("events", 0): [1], ("events", 1): [1]})
        assert rig.consumer.acknowledged == []
        rig.writer.confirm(1)
        await until(lambda: rig.consumer.acknowledged)

        assert rig.consumer.acknowledged == [TP("events", 1)]
        assert not await rig.agent.drain(0.01)
        rig.writer.confirm(0)
        assert await rig.agent.drain(10)
        assert rig.consumer.acknowledged == [TP("events", 1), TP("events", 0)]


async def test_a_drain_does_not_fail_for_want_of_what_begins_in_it_which_does_nothing() -> None:
    done, may_end = [], asyncio.Event()

    async def work(name: str) -> None:
        await may_end.wait()
        done.append(name)

    async with rigged(Step()) as rig:
        before = asyncio.create_task(rig.agent.exclusive(0, partial(work, "before")))
        await until(lambda: rig.agent.in_flight)
        draining = asyncio.create_task(rig.agent.drain(10))
        meanwhile = [asyncio.create_task(rig.agent.exclusive(0, partial(work, "meanwhile"))) for _ in range(9)]
        await until(lambda: rig.agent.in_flight > 1)
        may_end.set()

        assert await draining
        await asyncio.gather(before, *meanwhile)
        assert done == ["before"]


async def test_a_result_hears_when_all_that_its_partition_sent_is_confirmed_and_not_before() -> None:
    heard: list[tuple[int, int]] = []

    async def step(_topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        return {
            partition: BatchResult(
                {},
                [Output("out", partition, b"key", b"value")],
                records=1,
                confirmed=partial(heard.append, (partition, records[0].offset)),
            )
            for partition, records in batches.items()
        }

    async with rigged(step) as rig:
        await rig.give({("events", 0): [1, 2], ("events", 1): [5]})
        rig.writer.confirm(1)
        await until(lambda: rig.consumer.acknowledged)
        assert heard == [(1, 5)]
        rig.writer.confirm(0)
        await until(lambda: not rig.agent.in_flight)

    assert heard == [(1, 5), (0, 1), (0, 2)]


async def test_the_next_fetch_is_worked_on_while_the_former_waits_to_be_confirmed() -> None:
    step = Step()
    async with rigged(step) as rig:
        await rig.give({("events", 0): [1]})
        await rig.give({("events", 0): [2], ("events", 1): [1]})

        assert len(step.calls) == 2
        assert rig.agent.in_flight == 2


async def test_what_a_step_leaves_is_given_again_until_nothing_is_left() -> None:
    step = Step(most=3)
    async with rigged(step) as rig:
        await rig.give({("events", 0): [1, 2], ("events", 1): [1, 2, 3, 4], ("events", 2): [8]})

    taken: dict[int, list[int]] = defaultdict(list)
    for _topic, batches in step.calls:
        left = step.most
        for partition, offsets in batches.items():
            taken[partition] += offsets[:left]
            left = max(0, left - len(offsets))
    assert taken == {0: [1, 2], 1: [1, 2, 3, 4], 2: [8]}
    assert len(step.calls) == 3


@pytest.mark.parametrize("owned", [frozenset[int](), frozenset({1})])
async def test_of_a_fetch_only_what_is_owned_is_worked_on_and_the_rest_is_left_unacknowledged(
    owned: frozenset[int],
) -> None:
    step = Step()
    async with rigged(step) as rig:
        rig.agent.resume(owned)
        await rig.give({("events", 0): [1], ("events", 1): [1]})
        rig.writer.confirm(1)
        await until(lambda: not rig.agent.in_flight)

        assert rig.consumer.acknowledged == [TP("events", partition) for partition in owned]
        assert step.calls == [("events", {partition: [1]}) for partition in owned]


async def test_the_places_of_a_fetch_that_fails_are_told(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_topic: str, _batches: Batches) -> Mapping[int, BatchResult]:
        raise RuntimeError("no memory")

    async with rigged(broken, fails=True) as rig:
        await rig.give({("events", 0): [4, 5], ("events", 2): [7]})
        await until(lambda: not rig.agent.in_flight)

    assert "Stopping un-acked: the fetch from events/0@4, events/2@7 failed" in caplog.text


def test_of_a_fetch_of_many_partitions_the_first_are_told() -> None:
    batches = [SourceBatch.of(TP("events", at), [record("events", at, 5)], AckLedger()) for at in range(30)]

    text = str(FetchMessage.of(batches, 0))

    assert text.startswith("the fetch from events/0@5, ")
    assert text.endswith("events/7@5 and 22 more")
