"""A worker with an instance id is restarted, as a StatefulSet does it: it and the others keep their partitions."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.agents.worker_process import WorkerProcess

SESSION_S: Final = 30.0
QUICK_S: Final = 0.6 * SESSION_S
"""A session lasts from the last heartbeat, a quarter of it before the end at most."""
ATTEMPTS: Final = 3
"""Where a restart takes longer than the session, on a busy machine, partitions move, and rightly: it is tried again."""


def events(count: int, seed: int) -> Iterator[Sent]:
    return (Sent(record.key, record.value) for record in simulate(60, count, seed))


def owned(worker: WorkerProcess) -> int:
    return int(worker.metrics().get("partitions_owned", 0))


def assignments(worker: WorkerProcess) -> int:
    return worker.log.count("Partitions assigned")


def share_all(one: WorkerProcess, other: WorkerProcess) -> bool:
    has, other_has = owned(one), owned(other)
    return has > 0 and other_has > 0 and has + other_has == PARTITIONS


def restarted(deployment: Deployment, worker: WorkerProcess, *, kill: bool) -> bool:
    """Whether its successor, the last of the deployment's workers then, was back well within the session's time-out."""
    from_s = time.monotonic()
    if kill:
        worker.kill()
    else:
        assert worker.terminate() == 0
    successor = deployment.start(instance_id="skillstream-1")
    until(lambda: assignments(successor) > 0, "it has its partitions")
    return time.monotonic() - from_s < QUICK_S


def test_a_restart_within_the_session_moves_no_partition(kafka: str, tmp_path: Path) -> None:
    with deployed(kafka, tmp_path, session_timeout_s=SESSION_S) as deployment:
        stays = deployment.start(instance_id="skillstream-0")
        deployment.start(instance_id="skillstream-1")
        for kill in (False, True):
            for _ in range(ATTEMPTS):
                goes = deployment.workers[-1]
                until(partial(share_all, stays, goes), "the two share all partitions")
                before, had = assignments(stays), owned(goes)
                deployment.send(events(2_000, seed=len(deployment.workers)))
                if restarted(deployment, goes, kill=kill):
                    break
            else:
                pytest.skip(f"no restart was quicker than {QUICK_S:.0f} s in {ATTEMPTS} attempts: a busy machine")

            deployment.workers[-1].await_ready()
            assert owned(deployment.workers[-1]) == had
            assert assignments(stays) == before, f"the other worker was assigned anew, kill={kill}"
        deployment.await_caught_up()
        assert deployment.differences(deployment.replay()) == []
