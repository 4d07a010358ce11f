"""More workers, and fewer, with a large table behind them."""

from tests.chaos.experiment import experiment
from tests.chaos.experiments.recoveries import grow_the_log
from tests.chaos.scene import Scene


@experiment("scale-out-and-in")
def from_one_to_three_and_back(scene: Scene) -> None:
    """One worker, then three, then one, under load, each joining with a log of 120,000 records to restore."""
    grow_the_log(scene)
    workers = [scene.worker()]
    scene.await_shares(workers)
    with scene.load():
        workers += [scene.worker(), scene.worker()]
        scene.await_shares(workers)
        scene.await_recovery()
        for worker in workers[1:]:
            worker.terminate()
            scene.await_recovery()
        scene.await_shares(workers[:1])
    assert not any(worker.ended for worker in workers)
