"""What the client may answer: a send that fails, a commit that is refused. Nothing of the batch is acknowledged."""

from tests.chaos.experiment import experiment
from tests.chaos.fault import Fault, at_random_calls
from tests.chaos.scene import Scene


@experiment("produce-fails")
def a_send_fails(scene: Scene) -> None:
    """A send of rows or updates fails, at the broker or in the client: it stops with 4, and recovers."""
    _refused(scene, Fault("changelog", "fail"), Fault("changelog", "raise"), Fault("output", "fail"))


@experiment("commit-rejected")
def a_commit_is_rejected(scene: Scene) -> None:
    """A commit is rejected: the worker stops with 4 and recovers."""
    _refused(scene, Fault("commit", "fail"))


def _refused(scene: Scene, *faults: Fault) -> None:
    due = at_random_calls(scene.rng, faults * min(scene.rounds, 4))
    one, _two = scene.two_workers(due)
    with scene.load():
        for number, fault in enumerate(due, start=1):
            scene.await_deaths(one, number, f"the worker stops: {fault}")
            scene.await_recovery()
    said = [run for run in scene.deployment.workers if "Stopping un-acked" in run.log]
    assert len(said) == len(due), f"{len(due)} runs stopped, {len(said)} say why"
