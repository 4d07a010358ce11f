"""Another version of the program, under load."""

from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene


@experiment("rolling-upgrade", norms=False)  # a former worker may know neither the settings nor the rows of norms
def upgraded_in_turn(scene: Scene) -> None:
    """Workers of a former commit (--before), upgraded one after the other under load: nothing is read again."""
    workers = scene.two_workers(tree=scene.former)
    with scene.load():
        for worker in workers:
            scene.run_for(5.0)
            worker.terminate()
            worker.start(tree=None)
            scene.await_recovery()
            scene.until(lambda: all(each.owns for each in workers), "each of the two owns partitions again")
        scene.run_for(5.0)
    assert scene.replayed == 0, f"{scene.replayed} records were read again after drains"
