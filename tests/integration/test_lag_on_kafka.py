"""The lag that is told, beside what `kafka-consumer-groups` says of the same group on the same broker."""

import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from agents.health.lag import BrokerOffsets, LagMonitor
from agents.kafka.group import ConsumerGroup
from streams.simulation import simulate
from tests.agents.command import run_here
from tests.agents.delivery_cluster import await_no_fetch, until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.agents.environment import environment
from tests.agents.situation import Clock
from tests.servers.child import ServerMissing
from tests.servers.consumer_groups import GroupRow, consumer_group
from tests.servers.jars import tool_jars
from tests.servers.missing import miss

Part = tuple[str, int]
LOOKS = ("--for", "6", "--every", "0.5")


@pytest.fixture(autouse=True)
def _tools() -> None:
    try:
        tool_jars()
    except ServerMissing as missing:
        miss(str(missing))


def events(count: int, seed: int) -> Iterator[Sent]:
    return (Sent(record.key, record.value) for record in simulate(40, count, seed))


def look(deployment: Deployment, *options: str) -> tuple[int, dict[str, Any], dict[Part, dict[str, Any]]]:
    """Exit code, the whole and the partitions of `skillstream lag --json`."""
    ran = run_here(environment(deployment.given()), "lag", "--json", *options)
    [said] = ran.lines
    return ran.code, said, {(part["topic"], part["partition"]): part for part in said["partitions"]}


def as_the_tool_says(parts: Mapping[Part, Mapping[str, Any]]) -> dict[Part, GroupRow]:
    """Ours in the tool's terms: to the high watermark."""
    return {
        part: GroupRow(
            said["committed"],
            said["high_watermark"],
            None if said["committed"] is None else said["high_watermark"] - said["committed"],
            said["owner"]["client_id"] if said["owner"] else None,
        )
        for part, said in parts.items()
    }


def assert_same(deployment: Deployment, parts: Mapping[Part, Mapping[str, Any]], *, owners: bool = True) -> None:
    activity, told = deployment.channels.activity, consumer_group(deployment.broker, deployment.name)
    ours = as_the_tool_says(parts)
    if not owners:
        ours, told = ({part: replace(row, client_id=None) for part, row in each.items()} for each in (ours, told))
    assert {part for part in told if part[0] == activity}, "the tool knows the group"
    compared = ours.keys() & told.keys()  # it also lists the changelog, which is assigned and never committed
    assert {part: ours[part] for part in compared} == {part: told[part] for part in compared}


def statuses(deployment: Deployment, parts: Mapping[Part, Mapping[str, Any]]) -> set[str]:
    """Of the input topic's partitions with a lag."""
    activity = deployment.channels.activity
    return {said["status"] for (topic, _), said in parts.items() if topic == activity and said["lag_records"]}


def test_a_worker_that_keeps_up_then_ends_then_hangs_is_told_as_the_tool_has_it(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=30) as deployment:
        deployment.send(events(400, seed=5))
        worker = deployment.start()
        worker.await_ready()
        deployment.await_caught_up()
        code, whole, parts = look(deployment, *LOOKS)
        assert (code, whole["status"], whole["lag_records"], whole["lag_seconds"]) == (0, "OK", 0, 0.0)
        assert (whole["group_state"], whole["members"]) == ("Stable", 1)
        assert all(part["owner"] for part in parts.values()), "one worker has them all"
        assert_same(deployment, parts)

        told = {
            f'kafka_consumergroup_lag{{consumergroup="{deployment.name}",partition="{partition}",topic="{topic}"}} 0.0'
            for topic, partition in parts
            if topic == deployment.channels.activity
        }
        until(lambda: told <= set(worker.get("/metrics").body.decode().splitlines()), "its own metrics say so")

        assert worker.terminate() == 0
        deployment.send(events(100, seed=7))
        code, whole, parts = look(deployment, *LOOKS)
        assert (code, whole["status"], whole["lag_records"]) == (1, "ERR", 100)
        assert (whole["group_state"], whole["members"]) == ("Empty", 0)
        assert statuses(deployment, parts) == {"STOP"}
        assert_same(deployment, parts)

        worker = deployment.start()
        deployment.await_caught_up()
        worker.process.send_signal(signal.SIGSTOP)
        await_no_fetch()
        deployment.send(events(400, seed=6))
        code, whole, parts = look(deployment, *LOOKS)
        assert (code, whole["status"], whole["lag_records"]) == (1, "ERR", 400)
        is_member = whole["members"] == 1  # for 30 s: a slow machine may take longer
        assert statuses(deployment, parts) == {"STALL" if is_member else "STOP"}
        assert 0 < whole["lag_seconds"] < 3_600
        assert_same(deployment, parts, owners=False)  # its session may run out meanwhile


async def test_falling_behind_a_rewind_and_an_open_transaction_are_told_as_the_tool_has_it(
    kafka: str, tmp_path: Path
) -> None:
    with deployed(kafka, tmp_path) as deployment:
        activity, clock = deployment.channels.activity, Clock()
        group = ConsumerGroup(kafka, deployment.name)
        reader = BrokerOffsets(kafka, deployment.name, [activity], PARTITIONS, 30.0)
        monitor = LagMonitor(reader, timeout_s=90.0, window_s=20.0, clock_s=clock)

        async def after(committed: int) -> dict[Part, dict[str, Any]]:
            clock.now_s += 10
            deployment.send(Sent(b"student", b"{}", partition=0) for _ in range(30))
            group.set_offsets(activity, {0: committed})
            await monitor.measure()
            assert monitor.current().problem is None
            return {(part["topic"], part["partition"]): part for part in monitor.current().listed()}

        for committed in (10, 20, 30):
            parts = await after(committed)
        assert parts[activity, 0]["status"] == "WARN"
        assert parts[activity, 0]["lag_seconds"] == 20.0, "record 30 came between the first look and the second"
        assert_same(deployment, parts)

        parts = await after(5)
        assert parts[activity, 0]["status"] == "REWIND"
        assert_same(deployment, parts)

        patient = {"transaction.timeout.ms": 300_000}
        producer = Producer({"bootstrap.servers": kafka, "transactional.id": deployment.name, **patient})
        producer.init_transactions(60)
        producer.begin_transaction()
        for _ in range(7):
            producer.produce(activity, b"{}", b"student", 0)
        assert producer.flush(60) == 0
        parts = await after(80)
        waiting = parts[activity, 0]
        assert (waiting["end"], waiting["lag_records"]) == (120, 40), "what follows the open transaction can't be read"
        assert (waiting["high_watermark"], waiting["open_transaction_records"]) == (157, 37)
        assert_same(deployment, parts)
        producer.abort_transaction(60)
        deployment.foreign.add(b"{}")
