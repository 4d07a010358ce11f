"""A recovery between its questions: what is appended meanwhile, what was lost before, a rebalance that never comes."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, cast

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP

from agents.delivery.errors import GroupLost, LogCut
from agents.delivery.faust import recovery
from agents.delivery.faust.app import DeliveryApp, create_app
from agents.delivery.faust.consumer import BatchConsumer
from agents.delivery.faust.recovery import PositionRecovery
from agents.delivery.settings import DeliverySettings
from agents.delivery.step import Batches, BatchResult

SETTINGS = DeliverySettings(app_id="app", broker="127.0.0.1:1", sources=("events",), partitions=2)
LOG = [TP(SETTINGS.changelog_topic, partition) for partition in range(2)]


class Consumer:
    """Tells the ends that a test sets, and has the log's records applied as soon as they are asked for."""

    def __init__(self, app: DeliveryApp, ends: Mapping[TP, int], then: Sequence[Mapping[int, int]] = ()) -> None:
        self._app = app
        self._ends = ends
        self._then = list(then)
        self.sought: list[Mapping[TP, int]] = []

    async def highwaters(self, *_partitions: TP) -> Mapping[TP, int]:
        return self._ends

    async def earliest_offsets(self, *_partitions: TP) -> Mapping[TP, int]:
        return {}

    async def seek_wait(self, places: Mapping[TP, int]) -> None:
        self.sought.append(places)

    async def read_of_log(self, _tp: TP) -> tuple[int | None, int]:
        """Time passes: the next records are applied."""
        for partition, last in (self._then.pop(0) if self._then else {}).items():
            self._app.table.positions.reach(partition, last)
        return None, 0

    def resume_partitions(self, _partitions: Collection[TP]) -> None: ...
    def pause_partitions(self, _partitions: Collection[TP]) -> None: ...
    def resume_flow(self) -> None: ...


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DeliveryApp]:
    async def step(_topic: str, batches: Batches) -> Mapping[int, BatchResult]:
        return dict.fromkeys(batches, BatchResult({}, []))

    async def start() -> None: ...

    app = create_app(SETTINGS)
    app.attach(step)
    thread_loop = cast(BatchConsumer, app.consumer).thread_loop
    monkeypatch.setattr(recovery, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(recovery, "RETRY_S", 0.0)
    monkeypatch.setattr(cast(Any, app)._fetcher, "maybe_start", start)
    yield app
    thread_loop.close()


def recovery_of(app: DeliveryApp, consumer: Consumer) -> PositionRecovery:
    app._consumer = cast(Any, consumer)
    return cast(PositionRecovery, cast(Any, app.tables)._recovery)


async def test_what_is_appended_to_a_restored_partition_while_another_is_read_is_no_log_that_was_cut(
    app: DeliveryApp,
) -> None:
    """A former owner's last send, on its way when the partition moved."""
    consumer = Consumer(app, {LOG[0]: 5, LOG[1]: 8}, [{0: 4, 1: 2}, {0: 6}, {0: 6, 1: 7}])

    await asyncio.wait_for(recovery_of(app, consumer).restore(LOG), 30)

    assert app.table.positions.all() == {0: 6, 1: 7}


async def test_a_log_that_ends_before_what_memory_holds_is_refused_before_anything_is_read(app: DeliveryApp) -> None:
    consumer = Consumer(app, {LOG[0]: 5, LOG[1]: 8})
    app.table.positions.reach(0, 6)

    with pytest.raises(LogCut, match=r"ends at offset 5.*up to 6"):
        await asyncio.wait_for(recovery_of(app, consumer).restore(LOG), 30)
    assert consumer.sought == []


async def test_a_rebalance_that_never_comes_is_waited_for_with_a_bound(
    app: DeliveryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(recovery, "monotonic", lambda: now_s[0])

    async def ask() -> None:
        now_s[0] += 5.0
        raise IllegalStateError("no assignment")

    with pytest.raises(GroupLost, match="no rebalance came"):
        await asyncio.wait_for(recovery_of(app, Consumer(app, {})).answered(ask), 30)
    allowed_s = SETTINGS.session_timeout_s + SETTINGS.rebalance_timeout_s
    assert allowed_s < now_s[0] <= allowed_s + 10.0


async def test_a_rebalance_is_waited_for_anew_while_the_broker_is_unavailable(
    app: DeliveryApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, asked = [0.0], [0]
    monkeypatch.setattr(recovery, "monotonic", lambda: now_s[0])
    app.outage.begin("group", TimeoutError())

    async def ask() -> str:
        now_s[0] += 60.0
        asked[0] += 1
        if asked[0] < 20:
            raise IllegalStateError("no assignment")
        return "told"

    assert await asyncio.wait_for(recovery_of(app, Consumer(app, {})).answered(ask), 30) == "told"
