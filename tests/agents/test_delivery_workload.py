"""When the next fetch is wanted, and how long the broker may collect it."""

import asyncio

import pytest
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from agents.delivery.acks import AckLedger
from agents.delivery.faust import workload
from agents.delivery.faust.message import FetchMessage, SourceBatch
from agents.delivery.faust.workload import Workload


def fetch(offset: int = 0) -> FetchMessage:
    record = ConsumerRecord("events", 0, offset, 1_000, 0, b"key", b"value", None, 3, 5, [])
    return FetchMessage.of([SourceBatch.of(TP("events", 0), [record], AckLedger())], 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its only number is the time, in seconds."""
    times = [50.0]
    monkeypatch.setattr(workload, "monotonic", lambda: times[0])
    return times


def test_as_much_is_collected_as_is_set_or_as_most_of_a_step_takes(clock: list[float]) -> None:
    work, collected = Workload(10), list[int]()
    for took_s in (0.002, 0.04, 3.0, 0.004):
        message = fetch()
        work.give(message)
        clock[0] += took_s
        work.finish(message)
        collected.append(work.collect_ms())

    assert Workload(10).collect_ms() == 10
    assert collected == [10, 30, 100, 10]


def test_a_fetch_in_several_parts_is_done_with_the_last_and_its_time_is_that_of_all(clock: list[float]) -> None:
    work, first, second = Workload(10), fetch(0), fetch(1)
    work.give(first)
    work.give(second)
    clock[0] += 0.02
    work.finish(first)
    assert work
    clock[0] += 0.04
    work.finish(second)
    clock[0] += 5.0
    work.finish(second)

    assert not work
    assert work.collect_ms() == 45


async def test_whoever_waits_hears_of_what_is_done_and_nothing_waits_for_what_is_void() -> None:
    work, message = Workload(10), fetch()
    work.give(message)
    waiting = asyncio.create_task(work.some_done())
    await asyncio.sleep(0)
    work.finish(message)
    async with asyncio.timeout(60):
        await waiting

    work.give(fetch())
    work.forget()
    assert not work
