"""For how long a broker may hold a fetch back: until something comes, or for as long as a batch is collected."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import aiokafka
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState

from agents.delivery.aiokafka.fetching import plan_fetches
from agents.delivery.faust.consumer_thread import BatchConsumerThread

EVENTS, ERASURES, LOG = (aiokafka.TopicPartition(topic, 0) for topic in ("events", "erasures", "log"))
COLLECT_MS = 17
BUFFERED = SimpleNamespace(calculate_backoff=lambda: 0)


@dataclass(slots=True)
class Planner:
    """A fetcher of one broker; `brought` is whether its next fetch brings records."""

    fetcher: Fetcher
    subscriptions: SubscriptionState
    brought: bool = False

    def plan(self) -> tuple[Sequence[str], int, int]:
        """Topics, how long the broker may wait, and for how many bytes."""
        [(_node, request)], *_ = self.fetcher._get_actions_per_node(self.subscriptions.subscription.assignment)
        return sorted(topic for topic, _ in request._topics), request._max_wait_ms, request._min_bytes

    async def fetch(self, *, brings: bool) -> None:
        self.brought = brings
        await self.fetcher._proc_fetch_request(None, 1, None)


@pytest.fixture
async def planner() -> Planner:
    subscriptions = SubscriptionState()
    subscriptions.assign_from_user({EVENTS, ERASURES, LOG})
    fetcher = Fetcher(AIOKafkaClient(), subscriptions)
    await fetcher.close()  # it is asked for plans alone
    fetcher._select_read_replica = lambda _tp: 1
    for tp in (EVENTS, ERASURES, LOG):
        subscriptions.subscription.assignment.state_value(tp).reset_to(0)
    planner = Planner(fetcher, subscriptions)

    async def answered(*_request: Any) -> bool:
        return planner.brought

    fetcher._proc_fetch_request = answered
    plan_fetches(fetcher, lambda: COLLECT_MS)
    return planner


async def test_a_fetch_returns_with_the_first_record_where_the_former_brought_none(planner: Planner) -> None:
    assert planner.plan() == (["erasures", "events", "log"], 500, 1)

    await planner.fetch(brings=True)
    await planner.fetch(brings=False)
    assert planner.plan()[1:] == (500, 1)


async def test_the_broker_collects_for_a_while_where_records_come(planner: Planner) -> None:
    await planner.fetch(brings=True)

    _topics, wait_ms, enough_bytes = planner.plan()

    assert wait_ms == COLLECT_MS
    assert enough_bytes > 100_000


async def test_a_fetch_that_leaves_out_a_partition_which_is_read_is_not_held_back(planner: Planner) -> None:
    await planner.fetch(brings=True)
    planner.fetcher._records[EVENTS] = BUFFERED

    assert planner.plan() == (["erasures", "log"], 5, 1)


async def test_records_of_a_paused_partition_are_dropped_and_it_is_not_fetched(planner: Planner) -> None:
    planner.fetcher._records[LOG] = BUFFERED
    planner.subscriptions.pause(LOG)

    assert planner.plan() == (["erasures", "events"], 500, 1)
    assert not planner.fetcher._records


async def test_only_what_is_assigned_is_paused_in_aiokafka() -> None:
    calls: list[tuple[str, set[aiokafka.TopicPartition]]] = []
    consumer = SimpleNamespace(
        assignment=lambda: {EVENTS, LOG},
        pause=lambda *tps: calls.append(("pause", set(tps))),
        resume=lambda *tps: calls.append(("resume", set(tps))),
    )
    thread = cast(BatchConsumerThread, SimpleNamespace(_consumer=consumer))

    BatchConsumerThread.pause(thread, frozenset({LOG, ERASURES}), paused=True)
    BatchConsumerThread.pause(thread, frozenset({LOG}), paused=False)
    BatchConsumerThread.pause(cast(BatchConsumerThread, SimpleNamespace(_consumer=None)), frozenset({LOG}), paused=True)

    assert calls == [("pause", {LOG}), ("resume", {LOG})]
