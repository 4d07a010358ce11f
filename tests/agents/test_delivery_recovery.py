"""A table is restored when its positions say so, whatever was interrupted: joins, leaves and kills in mid-recovery."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.delivery.faust.run import EXIT_OK
from tests.agents.delivery_cluster import Cluster, Worker, cluster, until

pytestmark = pytest.mark.long

SLOW_S = 0.15
EVENTS = 4_000


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Cluster]:
    """A broker whose changelog takes a slow worker some twenty seconds to restore, unless it is told to hurry."""
    with cluster(tmp_path) as running:
        running.produce(EVENTS)
        writer = running.start(max_batch_records=25)
        running.wait_until_all_is_committed()
        writer.process.terminate()
        assert writer.exit_code() == EXIT_OK
        yield running


def slow(kafka: Cluster, **options: object) -> Worker:
    return kafka.start(restore_delay_s=SLOW_S, **options)


def is_restoring(worker: Worker) -> bool:
    """Whether it holds a part of the log, and knows that it is a part."""
    return worker.status.get("held", 0) > 0 and not worker.status["recovered"]


def alive(*workers: Worker) -> bool:
    return all(worker.process.poll() is None for worker in workers)


def assert_all_is_exact(kafka: Cluster, *workers: Worker) -> None:
    """What is folded after it all rests on whole rows; and the workers end in good order."""
    counts = kafka.counts()
    whole = {(partition, sum(counts[place] for place in counts if place[0] == partition)) for partition in range(4)}
    assert {found for worker in workers for found in worker.recoveries()} == whole
    kafka.produce(400, start=EVENTS)
    kafka.wait_until_all_is_committed()
    assert kafka.counts() == kafka.expected
    assert alive(*workers)
    for worker in workers:
        worker.process.terminate()
    assert {worker.exit_code() for worker in workers} == {EXIT_OK}


@pytest.mark.parametrize("standbys", [0, 1])
def test_a_worker_that_joins_while_another_restores_leaves_both_with_whole_tables(
    kafka: Cluster, standbys: int
) -> None:
    first = slow(kafka, standby_replicas=standbys)
    until(lambda: is_restoring(first), "the first restores")
    second = slow(kafka, standby_replicas=standbys)
    until(lambda: is_restoring(second), "the second restores")
    first.hurry()
    second.hurry()

    until(lambda: first.owns(2) and second.owns(2), "each owns two partitions")
    assert_all_is_exact(kafka, first, second)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_ends_while_both_restore_leaves_the_other_with_a_whole_table(
    kafka: Cluster, end: signal.Signals
) -> None:
    first = slow(kafka, standby_replicas=1)
    until(lambda: is_restoring(first), "the first restores")
    second = slow(kafka, standby_replicas=1)
    until(lambda: is_restoring(second), "the second restores")
    calls = len(first.status["calls"])
    second.process.send_signal(end)
    until(lambda: len(first.status["calls"]) > calls, "the first is interrupted")
    first.hurry()

    until(lambda: first.owns(4), "the first owns all partitions")
    assert_all_is_exact(kafka, first)
    assert second.exit_code() == (EXIT_OK if end == signal.SIGTERM else -signal.SIGKILL)


def test_a_standby_that_follows_while_the_owner_restores_takes_over_a_whole_table(kafka: Cluster) -> None:
    owner = slow(kafka, standby_replicas=1)
    until(lambda: is_restoring(owner), "the owner restores")
    other = slow(kafka, standby_replicas=1)
    until(lambda: is_restoring(other), "the other restores")
    other.hurry()
    until(lambda: other.owns(2), "the other owns two partitions")
    owner.process.kill()

    until(lambda: other.owns(4), "the other owns all partitions")
    assert_all_is_exact(kafka, other)
