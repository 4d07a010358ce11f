"""Norms on a real Kafka: whoever owns a partition, its sums are those of its input, and snapshots of them go on."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agents.norms.snapshot_log import SnapshotLog, WrittenSnapshot
from streams.norms.snapshot import NormSnapshot
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.agents.journal_logs import assert_sums_are_those_of_the_input
from tests.agents.worker_process import WorkerProcess

PARTS: Final = 4
EVENTS: Final = 800
"""Of a part: a period of the records' time."""
EVERY_S: Final = 100
START_MS: Final = time.time_ns() // 1_000_000 - PARTS * EVERY_S * 1_000
"""Late enough that no retention has passed."""
CLASS: Final = [*simulate(100, PARTS * EVENTS, seed=9, courses=2)]


def part(number: int) -> Sequence[Sent]:
    at_ms = START_MS + number * EVERY_S * 1_000
    records = CLASS[number * EVENTS : (number + 1) * EVENTS]
    return [Sent(each.key, each.value, timestamp_ms=at_ms) for each in records]


def owned(*workers: WorkerProcess) -> list[int]:
    return [int(worker.metrics().get("partitions_owned", 0)) for worker in workers]


def share_all(*workers: WorkerProcess) -> bool:
    """Each owns some partitions, and has restored them."""
    return sum(owned(*workers)) == PARTITIONS and min(owned(*workers)) > 0


def snapshots(deployment: Deployment) -> list[NormSnapshot]:
    noted = SnapshotLog().note_all(deployment.records(deployment.channels.norms))
    return [each.read(deployment.name) for each in noted if isinstance(each, WrittenSnapshot)]


def test_a_standby_a_newcomer_and_a_restart_count_every_answer_once_and_make_the_next_norms(
    kafka: str, tmp_path: Path
) -> None:
    with deployed(
        kafka, tmp_path, norms_every_s=EVERY_S, norms_poll_s=0.2, standby_replicas=1, session_timeout_s=10
    ) as deployment:
        one, two = deployment.start(), deployment.start()
        until(lambda: share_all(one, two), "two share all partitions")
        deployment.send(part(0))
        deployment.await_caught_up()

        one.kill()
        deployment.send(part(1))
        deployment.await_caught_up()
        until(lambda: len(snapshots(deployment)) > 0, "the first norms are made by who followed as a standby")

        three = deployment.start()
        until(lambda: share_all(two, three), "a newcomer has its share")
        deployment.send(part(2))
        deployment.await_caught_up()

        assert (two.terminate(), three.terminate()) == (0, 0)
        last = deployment.start()
        before = max(each.number for each in snapshots(deployment))
        deployment.send(part(3))
        until(lambda: snapshots(deployment)[-1].number > before, "norms are made after a restart")
        deployment.await_caught_up()
        assert last.terminate() == 0

        assert_sums_are_those_of_the_input(deployment)
        assert deployment.differences(deployment.replay()) == []
        cohorts = set(snapshots(deployment)[-1].cohorts["name"].tolist())
        assert cohorts == {b"course:course-0", b"course:course-1"}
