"""Workers that come, go and die while others restore a large table, slowed as if it were larger still."""

from typing import Final

from tests.chaos.experiment import experiment
from tests.chaos.experiments.topics import newest_records
from tests.chaos.fault import Fault
from tests.chaos.scene import Scene
from tests.chaos.supervised import Supervised

RECORDS: Final = 120_000
RECOVERY_S: Final = 40.0
SLOW: Final = Fault("recovery", "slow", int(RECOVERY_S * 1e6 / RECORDS))
JOINS_AFTER_S: Final = 6.0
_RESTORES: Final = "recovery begins"
_EVENTS: Final = 3_000


@experiment("join-in-recovery")
def two_join_one_that_restores(scene: Scene) -> None:
    """A second worker joins 6 s into the recovery of the first, a third 6 s later: all settle, and none ends."""
    grow_the_log(scene)
    with scene.load():
        workers = [_joins(scene) for _ in range(3)]
        _settle(scene, workers)
    assert not any(worker.ended for worker in workers)


@experiment("leave-in-recovery")
def one_leaves_while_both_restore(scene: Scene) -> None:
    """A second worker joins while the first restores, and leaves again in mid-recovery, with 0."""
    grow_the_log(scene)
    with scene.load():
        stays = _joins(scene)
        _joins(scene).terminate()
        _settle(scene, [stays])
    assert not stays.ended


@experiment("kill-in-recovery")
def killed_while_all_restore(scene: Scene) -> None:
    """kill -9 of one of two workers while both restore, then of the other."""
    grow_the_log(scene)
    with scene.load():
        workers = [_joins(scene) for _ in range(2)]
        for worker in workers:
            worker.kill()
            scene.run_for(JOINS_AFTER_S)
        _settle(scene, workers)


@experiment("standby-in-recovery")
def a_standby_takes_over_in_a_recovery(scene: Scene) -> None:
    """With standbys: a worker joins while the first restores, which is then killed for good: all is taken over."""
    grow_the_log(scene)
    with scene.load():
        first, second = (_joins(scene, standby_replicas=1) for _ in range(2))
        first.kill_for_good()
        _settle(scene, [second])
    assert not second.ended


def _joins(scene: Scene, **settings: object) -> Supervised:
    worker = scene.worker([SLOW] * 8, **settings)
    scene.until(lambda: _RESTORES in worker.process.log, "the worker restores its partitions")
    scene.run_for(JOINS_AFTER_S)
    return worker


def _settle(scene: Scene, workers: list[Supervised]) -> None:
    scene.await_shares(workers, 3 * RECOVERY_S + 60)
    scene.await_recovery()


def grow_the_log(scene: Scene) -> None:
    """A changelog of RECORDS: rows of a class that was scored, appended again and again; no worker runs."""
    worker = scene.worker()
    scene.send(scene.events(_EVENTS))
    scene.await_caught_up()
    worker.terminate()
    log = scene.deployment.changelog
    newest = newest_records(scene)
    for _ in range(RECORDS // len(newest)):
        scene.deployment.send(newest, log)
