"""Delivery with rows on disk: never ahead of the changelog, and a restart reads what it lacks."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.delivery.faust.run import EXIT_FATAL, EXIT_OK
from agents.kafka.embedded import PARTITIONS
from agents.stores.rocksdb import RocksRows
from tests.agents.delivery_cluster import CHANGELOG, Cluster, cluster, until

pytestmark = pytest.mark.long


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path) as running:
        yield running


def assert_never_ahead(kafka: Cluster, folder: Path) -> int:
    """The disk holds the rows of the changelog's beginning, up to the offset that it says; how many records that is."""
    logs: dict[int, list[tuple[bytes, bytes | None]]] = {partition: [] for partition in range(PARTITIONS)}
    for message in kafka.records(CHANGELOG):
        logs[message.partition() or 0].append((message.key() or b"", message.value()))
    store = RocksRows(folder, memory_mb=16)
    kept = dict(store.checkpoints())
    for partition, log in logs.items():
        assert kept.get(partition, -1) < len(log)
        assert dict(store.items(partition)) == dict(log[: kept.get(partition, -1) + 1])
    store.close()
    return sum(last + 1 for last in kept.values())


def test_rows_whose_sends_failed_are_not_on_the_disk_and_a_restart_counts_on_exactly(
    kafka: Cluster, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    kafka.produce(2_000)
    failing = kafka.start(store=str(store), fail_sends_to=CHANGELOG)
    assert failing.exit_code() == EXIT_FATAL
    assert "a send that fails on purpose" in kafka.log()
    assert assert_never_ahead(kafka, store) > 0

    healthy = kafka.start(store=str(store))
    kafka.wait_until_all_is_committed()
    healthy.process.terminate()
    assert healthy.exit_code() == EXIT_OK
    assert kafka.counts() == kafka.expected
    assert assert_never_ahead(kafka, store) == len(kafka.records(CHANGELOG))


def test_kill_nine_and_a_restart_leave_every_count_exact(kafka: Cluster, tmp_path: Path) -> None:
    store = tmp_path / "store"
    kafka.produce(6_000)
    first = kafka.start(step_delay_s=0.5, store=str(store))
    until(lambda: sum(kafka.committed()) > 500, "some commits")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    assert 0 < sum(kafka.counts().values()) < 6_000, "killed too late to prove anything"
    assert_never_ahead(kafka, store)

    second = kafka.start(store=str(store))
    kafka.wait_until_all_is_committed()
    assert kafka.counts() == kafka.expected
    second.process.terminate()
    assert second.exit_code() == EXIT_OK

    third = kafka.start(store=str(store))
    until(lambda: third.owns(PARTITIONS), "recovered")
    assert third.status["restored"] == 0
    assert third.status["rows"] == 84
    kafka.produce(400, start=6_000)
    kafka.wait_until_all_is_committed()
    assert kafka.counts() == kafka.expected


def test_a_partition_that_moves_away_is_dropped_from_the_disk_and_comes_back_whole(
    kafka: Cluster, tmp_path: Path
) -> None:
    kafka.produce(1_000)
    first = kafka.start(store=str(tmp_path / "one"))
    kafka.wait_until_all_is_committed()
    second = kafka.start(store=str(tmp_path / "two"))
    until(lambda: first.owns(2) and second.owns(2), "two partitions each", 90.0)
    assert first.status["row_partitions"] == first.status["active"]
    kafka.produce(1_000, start=1_000)
    kafka.wait_until_all_is_committed()

    second.process.terminate()
    assert second.exit_code() == EXIT_OK
    until(lambda: first.owns(PARTITIONS), "all partitions back")
    kafka.produce(400, start=2_000)
    kafka.wait_until_all_is_committed()
    first.process.terminate()
    assert first.exit_code() == EXIT_OK
    assert kafka.counts() == kafka.expected
    assert assert_never_ahead(kafka, tmp_path / "one") == len(kafka.records(CHANGELOG))
