"""The lag that is told while the leaders of partitions move to another broker."""

import asyncio
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from agents.health.lag import BrokerOffsets, Lag, LagMonitor
from agents.kafka.group import ConsumerGroup
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent
from tests.servers.consumer_groups import consumer_group
from tests.servers.kafka import RealKafka
from tests.servers.second_broker import SecondBroker

SENT = 40
LOOKS = 30


def leaders(admin: AdminClient, topic: str) -> set[int]:
    """The nodes that lead a partition of it."""
    return {each.leader for each in admin.list_topics(topic, timeout=30).topics[topic].partitions.values()}


def made(admin: AdminClient, topic: NewTopic) -> bool:
    """Whether it could be made: not while one of its name is being deleted."""
    try:
        admin.create_topics([topic])[topic.topic].result(60)
    except KafkaException:
        return False
    return True


async def lag_now(monitor: LagMonitor) -> Lag:
    """Measured now."""
    await monitor.measure()
    return monitor.current()


@pytest.mark.kafka
async def test_lag_is_told_as_before_when_the_leaders_have_moved(own_kafka: RealKafka, tmp_path: Path) -> None:
    broker = own_kafka.bootstrap
    deployment = Deployment(broker, tmp_path)
    activity, admin = deployment.channels.activity, AdminClient({"bootstrap.servers": broker, "log_level": 0})
    deployment.make_topics()
    ConsumerGroup(broker, deployment.name).set_offsets(activity, {0: 0})  # makes the topic of offsets, on the first one
    admin.delete_topics([activity])[activity].result(60)
    with SecondBroker(own_kafka) as second:
        placed = [[second.node, 1]] * PARTITIONS
        until(lambda: made(admin, NewTopic(activity, PARTITIONS, replica_assignment=placed)), "the topic is there")
        until(lambda: leaders(admin, activity) == {second.node}, "the second broker leads", 60.0)
        deployment.send(Sent(b"student", b"{}", partition=place) for place in range(PARTITIONS) for _ in range(SENT))
        ConsumerGroup(broker, deployment.name).set_offsets(activity, dict.fromkeys(range(PARTITIONS), SENT // 4))
        monitor = LagMonitor(BrokerOffsets(broker, deployment.name, [activity], PARTITIONS, 30.0), timeout_s=90.0)
        before = await lag_now(monitor)

        second.stop()
        until(lambda: leaders(admin, activity) == {1}, "the first broker leads", 60.0)
        told = [await lag_now(monitor)]
        while told[-1].records != before.records and len(told) < LOOKS:
            await asyncio.sleep(1.0)  # a look that finds the leaders gone knows nothing, and has the client renewed
            told.append(await lag_now(monitor))

        assert before.records == {(activity, place): SENT - SENT // 4 for place in range(PARTITIONS)}
        assert told[-1].records == before.records
        assert all(each.records in ({}, before.records) for each in told), "unknown, never wrong"
        tool = consumer_group(broker, deployment.name)
        assert {part: tool[part].committed for part in before.records} == dict.fromkeys(before.records, SENT // 4)
