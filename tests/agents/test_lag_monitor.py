"""What the monitor makes of offsets that it is told: records, seconds and statuses, and nothing rather than a guess."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat

from prometheus_client.parser import text_string_to_metric_families

from agents.health.lag import LagMonitor, OpenTransaction, publish_group_lag
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.group_members import GroupDescription, GroupMember
from agents.kafka.offsets import Offsets, SourcePartition
from agents.metrics import Metrics
from agents.operations.lag import watch
from tests.agents.situation import Clock
from tests.agents.test_lag import GROUP, TOPIC, lags

MEMBER = GroupMember("skillstream-host-1", "10.0.0.7", "skillstream-host-1-abc")


@dataclass
class ScriptedOffsets:
    """Offsets as told; what is in `empty` holds nothing to read."""

    offsets: dict[SourcePartition, Offsets] = field(default_factory=dict)
    failure: Exception | None = None
    empty: set[SourcePartition] = field(default_factory=set)
    looked_into: list[SourcePartition] = field(default_factory=list)
    age_s: float = 0.0
    described: GroupDescription | None = None
    clock: Clock = field(default_factory=Clock)
    takes_s: Iterator[float] = field(default_factory=lambda: repeat(0.0))
    was_read: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> Mapping[SourcePartition, Offsets]:
        self.was_read.set()
        if self.failure is not None:
            raise self.failure
        return dict(self.offsets)

    async def ages_s(self, positions: Mapping[SourcePartition, int]) -> Mapping[SourcePartition, float | None]:
        self.looked_into += positions
        return {part: None if part in self.empty else self.age_s for part in positions}

    async def group(self) -> GroupDescription | None:
        self.clock.now_s += next(self.takes_s)
        return self.described


async def test_figures_that_nobody_renews_become_unknown() -> None:
    clock = Clock()
    reader = ScriptedOffsets({(TOPIC, 0): Offsets(0, 9, 4)})
    monitor = LagMonitor(reader, interval_s=5, timeout_s=15, clock_s=clock)
    await monitor.measure()
    clock.now_s += 29
    assert lags(monitor) == {0: 5}
    assert monitor.current().age_s == 29
    clock.now_s += 2

    assert lags(monitor) == {}
    assert monitor.current().problem == "not measured for 31 s"


async def test_a_broker_that_comes_back_is_known_again() -> None:
    reader = ScriptedOffsets({(TOPIC, 0): Offsets(0, 9, 4)}, failure=BrokerUnavailable("no answer"))
    monitor = LagMonitor(reader)
    await monitor.measure()
    assert monitor.current().problem == "no answer"
    reader.failure = None
    await monitor.measure()

    assert monitor.current().problem is None
    assert lags(monitor) == {0: 5}


async def test_what_retention_took_away_does_not_count_as_waiting() -> None:
    monitor = LagMonitor(ScriptedOffsets({(TOPIC, 0): Offsets(6, 9, 4), (TOPIC, 1): Offsets(6, 9, None)}))
    await monitor.measure()

    assert lags(monitor) == {0: 3, 1: 3}


async def test_more_committed_than_there_is_is_unknown_not_caught_up() -> None:
    monitor = LagMonitor(ScriptedOffsets({(TOPIC, 0): Offsets(0, 3, 400)}))
    await monitor.measure()

    assert lags(monitor) == {}
    assert monitor.current().offsets[TOPIC, 0].committed == 400


async def test_offsets_that_nobody_can_read_are_no_lag_until_something_moves() -> None:
    reader = ScriptedOffsets({(TOPIC, 0): Offsets(0, 9, 8), (TOPIC, 1): Offsets(0, 9, 4)}, empty={(TOPIC, 0)})
    monitor = LagMonitor(reader)
    for _ in range(3):
        await monitor.measure()
        assert lags(monitor) == {0: 0, 1: 5}
    assert reader.looked_into.count((TOPIC, 0)) == 1

    reader.offsets[TOPIC, 0] = Offsets(0, 11, 8)
    reader.empty.clear()
    await monitor.measure()
    assert lags(monitor) == {0: 3, 1: 5}


async def test_however_many_partitions_are_behind_each_is_looked_into() -> None:
    parts = [(TOPIC, partition) for partition in range(100)]
    reader = ScriptedOffsets({part: Offsets(0, 2, 1) for part in parts})
    monitor = LagMonitor(reader)
    for _ in range(5):
        await monitor.measure()

    assert set(reader.looked_into) == set(parts)


async def test_the_task_measures_again_and_again_through_failures() -> None:
    reader = ScriptedOffsets({(TOPIC, 0): Offsets(0, 1, 0)}, failure=BrokerUnavailable("no answer"))
    monitor = LagMonitor(reader, interval_s=0.001)
    running = asyncio.create_task(monitor.run())
    try:
        async with asyncio.timeout(60):
            await reader.was_read.wait()
            assert monitor.current().records == {}
            reader.failure = None
            reader.was_read.clear()
            await reader.was_read.wait()
            while lags(monitor) != {0: 1}:
                reader.was_read.clear()
                await reader.was_read.wait()
    finally:
        running.cancel()


async def test_what_waits_for_an_open_transaction_is_told_beside_the_lag_and_for_how_long() -> None:
    clock, metrics = Clock(), Metrics()
    reader = ScriptedOffsets({(TOPIC, 0): Offsets(0, 9, 9, 12), (TOPIC, 1): Offsets(0, 9, 4, 9)})
    monitor = LagMonitor(reader, clock_s=clock)
    metrics.before_render(lambda: monitor.publish(metrics))
    await monitor.measure()
    clock.now_s += 10
    reader.offsets[TOPIC, 0] = Offsets(0, 9, 9, 20)  # the same transaction goes on
    await monitor.measure()

    assert lags(monitor) == {0: 0, 1: 5}
    assert monitor.current().held == {(TOPIC, 0): OpenTransaction(11, 10)}
    shown = metrics.render()[0]
    assert b'open_transaction_records{partition="0",topic="student-activity"} 11.0' in shown
    assert b'open_transaction_seconds{partition="0",topic="student-activity"} 10.0' in shown
    assert b'open_transaction_records{partition="1"' not in shown

    reader.offsets[TOPIC, 0] = Offsets(0, 15, 9, 20)  # it has ended, the next one is open
    await monitor.measure()
    assert monitor.current().held == {(TOPIC, 0): OpenTransaction(5, 0)}
    reader.failure = BrokerUnavailable("no answer")
    await monitor.measure()
    assert monitor.current().held == {}


async def test_seconds_come_from_the_oldest_record_first_and_from_our_own_samples_later() -> None:
    clock, reader = Clock(), ScriptedOffsets({(TOPIC, 0): Offsets(0, 100, 40)}, age_s=600.0)
    monitor = LagMonitor(reader, clock_s=clock)
    await monitor.measure()
    assert monitor.current().seconds == {(TOPIC, 0): 600.0}
    clock.now_s += 5
    reader.age_s = 300.0
    reader.offsets[TOPIC, 0] = Offsets(0, 110, 70)
    await monitor.measure()
    assert monitor.current().seconds == {(TOPIC, 0): 300.0}, "asked again: it is of before our first sample"

    reader.looked_into.clear()
    clock.now_s += 5
    reader.offsets[TOPIC, 0] = Offsets(0, 120, 105)
    await monitor.measure()
    assert monitor.current().seconds == {(TOPIC, 0): 7.5}
    assert monitor.current().longest_s == 7.5
    assert reader.looked_into == []
    reader.offsets[TOPIC, 0] = Offsets(0, 120, 120)
    await monitor.measure()
    assert monitor.current().seconds == {(TOPIC, 0): 0.0}


async def test_each_partition_has_burrow_s_status_and_the_group_the_worst() -> None:
    clock, reader = Clock(), ScriptedOffsets()
    monitor = LagMonitor(reader, clock_s=clock, window_s=60)
    for look in range(14):
        reader.offsets = {
            (TOPIC, 0): Offsets(0, 10 * look, 10 * look),
            (TOPIC, 1): Offsets(0, 50 + 10 * look, 5 * look),
            (TOPIC, 2): Offsets(0, 90 + 10 * look, 1),
            (TOPIC, 3): Offsets(0, 90, 1),
            (TOPIC, 4): Offsets(0, 90, 10 if look < 10 else 5),
            (TOPIC, 5): Offsets(0, 3, 400),
        }
        reader.described = GroupDescription("Stable", (MEMBER,), {(TOPIC, part): MEMBER for part in (0, 1, 3, 4)})
        await monitor.measure()
        clock.now_s += 5

    lag = monitor.current()
    assert [lag.statuses[TOPIC, part] for part in range(6)] == ["OK", "WARN", "STOP", "STALL", "REWIND", "ERR"]
    assert lag.status == "ERR"
    assert lag.summary()["group_state"] == "Stable"
    assert next(lag.listed())["owner"] == {"client_id": "skillstream-host-1", "host": "10.0.0.7"}


async def test_dashboards_of_other_exporters_find_their_names_and_labels_in_one_worker() -> None:
    reader = ScriptedOffsets(
        {(TOPIC, 0): Offsets(2, 9, 4, 12), (TOPIC, 1): Offsets(0, 3, None, 3), ("erasures", 0): Offsets(0, 5, 5)},
        age_s=7.5,
        described=GroupDescription("Stable", (MEMBER,), {(TOPIC, 0): MEMBER}),
    )
    monitor, metrics = LagMonitor(reader, clock_s=Clock()), Metrics()
    await monitor.measure()
    publish_group_lag(monitor.current(), metrics, GROUP, "school")
    body = metrics.render()[0].decode()
    families = {family.name: family for family in text_string_to_metric_families(body)}

    def samples(name: str) -> dict[tuple[str, ...], float]:
        return {tuple(sample.labels.values()): sample.value for sample in families[name].samples}

    def labels(name: str) -> set[str]:
        return set(families[name].samples[0].labels)

    of_group, of_member = {"consumergroup", "topic", "partition"}, {"member_host", "consumer_id", "client_id"}
    assert labels("kafka_consumergroup_lag") == labels("kafka_consumergroup_current_offset") == of_group
    assert labels("kafka_consumergroup_group_lag_seconds") == {"cluster_name", "group", *of_member} | of_group - {
        "consumergroup"
    }
    assert 'kafka_consumergroup_lag{consumergroup="skillstream",partition="0",topic="student-activity"} 8.0' in body
    assert 'kafka_consumergroup_lag{consumergroup="skillstream",partition="1",topic="student-activity"} -1.0' in body
    assert 'kafka_consumergroup_group_sum_lag{cluster_name="school",group="skillstream"} 8.0' in body
    assert 'kafka_topic_partition_current_offset{partition="0",topic="student-activity"} 12.0' in body
    assert 'kafka_topic_partition_oldest_offset{partition="0",topic="student-activity"} 2.0' in body
    assert samples("kafka_consumergroup_members") == {("skillstream",): 1.0}
    assert 'kafka_consumergroup_group_max_lag_seconds{cluster_name="school",group="skillstream"} 7.5' in body
    assert 'kafka_consumergroup_group_max_lag{cluster_name="school",group="skillstream"} 8.0' in body
    assert sum(samples("kafka_consumergroup_group_lag_seconds").values()) == 15.0
    assert 'client_id="skillstream-host-1",cluster_name="school"' in body
    assert 'skillstream_consumer_lag_status{partition="0",status="OK",topic="erasures"} 1.0' in body

    publish_group_lag(None, metrics, GROUP, "school")
    assert "kafka_consumergroup_lag{" not in metrics.render()[0].decode()
    assert "consumer_lag_status{" not in metrics.render()[0].decode()


async def test_whoever_watches_for_a_while_is_told_a_status_of_all_of_it_however_slow_looks_are() -> None:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now_s += seconds

    reader = ScriptedOffsets({(TOPIC, 0): Offsets(0, 9, 4)}, clock=clock, takes_s=chain([0.0, 0.0, 0.4], repeat(0.0)))
    monitor = LagMonitor(reader, interval_s=0.4, window_s=1, clock_s=clock)
    looks = [lag.status async for lag in watch(monitor, 0.4, 1, clock, sleep)]

    assert looks[:3] == [None, None, None], "the third began before a second was over, and ended after it"
    assert looks[3:] == ["ERR"]


async def test_whoever_watches_for_no_time_looks_once() -> None:
    monitor = LagMonitor(ScriptedOffsets({(TOPIC, 0): Offsets(0, 9, 4)}))

    assert [lag.total_records async for lag in watch(monitor, 5, 0)] == [5]
