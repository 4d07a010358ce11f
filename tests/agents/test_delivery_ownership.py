"""What may be folded when: nothing of a partition that is not recovered, or is being given up."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from agents.delivery.acks import AckLedger
from agents.delivery.faust.agent import TableAgent
from agents.delivery.faust.app import DeliveryApp, create_app
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.message import FetchMessage, SourceBatch
from agents.delivery.ownership import DeliveryHooks
from agents.delivery.settings import DeliverySettings
from agents.delivery.step import Batches, BatchResult

SETTINGS = DeliverySettings(app_id="app", broker="127.0.0.1:1", sources=("events",), partitions=2)


class Stream:
    """Messages, as Faust hands them to an agent; ends by waiting."""

    def __init__(self, messages: Sequence[FetchMessage]) -> None:
        self._messages = messages
        self.current_event = SimpleNamespace(message=messages[0])

    def noack(self) -> "Stream":
        return self

    async def __aiter__(self) -> AsyncIterator[object]:
        for message in self._messages:
            self.current_event = SimpleNamespace(message=message)
            yield message
        await asyncio.Event().wait()


class Folded:
    """A step that notes which partitions it was given."""

    def __init__(self) -> None:
        self.partitions: list[int] = []

    async def __call__(self, _topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        self.partitions += batches
        return dict.fromkeys(batches, BatchResult({}, []))


@pytest.fixture
async def app() -> AsyncIterator[DeliveryApp]:
    app = create_app(SETTINGS)
    thread_loop = cast(BatchConsumer, app.consumer)._thread.thread_loop
    yield app
    thread_loop.close()


def fetch(consumer: BatchConsumer) -> FetchMessage:
    """A record of each partition."""
    batches: list[SourceBatch] = []
    for partition in range(SETTINGS.partitions):
        tp, ledger = TP("events", partition), AckLedger()
        consumer._ledgers[tp] = ledger
        record = ConsumerRecord("events", partition, 0, 1_000, 0, b"key", b"value", None, 3, 5, [])
        batches.append(SourceBatch.of(tp, [record], ledger))
    return FetchMessage.of(batches, 0)


async def given(app: DeliveryApp, step: Folded) -> list[int]:
    """The partitions that are folded of a fetch of all."""
    before = len(step.partitions)
    agent = cast(TableAgent, app.delivery_agent)
    consuming = asyncio.create_task(agent.consume(Stream([fetch(cast(BatchConsumer, app.consumer))])))
    await asyncio.sleep(0)
    await asyncio.gather(*agent._tasks)
    consuming.cancel()
    await asyncio.gather(consuming, return_exceptions=True)
    return step.partitions[before:]


@pytest.mark.parametrize("stop", [asyncio.CancelledError(), OSError("broken")])
async def test_the_consumers_thread_ends_however_aiokafkas_consumer_stops(
    app: DeliveryApp, stop: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def stopped() -> None:
        raise stop

    thread = cast(BatchConsumer, app.consumer)._thread
    thread._consumer = cast(Any, SimpleNamespace(_coordinator=None, stop=stopped))

    await thread.on_thread_stop()

    assert "did not stop in good order" in caplog.text


async def test_what_runs_beside_delivery_fails_the_worker_but_not_once_it_stops(app: DeliveryApp) -> None:
    async def job() -> None:
        raise ConnectionError("the producer has stopped")

    await app.switch.run_beside(job(), lambda: True)
    assert app.failure is None

    await app.switch.run_beside(job(), lambda: False)
    assert isinstance(app.failure, ConnectionError)


async def test_only_partitions_whose_recovery_has_ended_are_folded(app: DeliveryApp) -> None:
    step = Folded()
    app.attach(step)
    assert await given(app, step) == []

    await app.ownership.recovered(frozenset({1}), frozenset())
    assert await given(app, step) == [1]


async def test_a_recovery_that_ends_while_its_partitions_are_given_up_starts_nothing(
    app: DeliveryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, checked = Folded(), asyncio.Event()

    async def check(_active: frozenset[int]) -> None:
        await checked.wait()

    async def drain(_app: faust.App, _revoked: set[TP]) -> None:
        checked.set()
        await recovering

    monkeypatch.setattr(faust.App, "_on_partitions_revoked", drain)
    app.attach(step, DeliveryHooks(on_recovered=check))
    recovering: asyncio.Task[Any] = asyncio.create_task(app.ownership.recovered(frozenset({0, 1}), frozenset()))
    await asyncio.sleep(0)
    await app._on_partitions_revoked({TP("events", 0), TP("events", 1)})

    assert not app.table_recovered
    assert await given(app, step) == []
