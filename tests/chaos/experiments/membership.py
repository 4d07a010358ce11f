"""Workers that come and go in good order, and one that comes under another's name."""

from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene


@experiment("join-and-leave")
def one_comes_and_goes(scene: Scene) -> None:
    """A worker joins and leaves every few seconds: partitions move back and forth under load."""
    stays, comes = scene.two_workers(named=False)
    with scene.load():
        for _ in range(min(scene.rounds + 1, 8)):
            scene.run_for(scene.rng.uniform(0.5, 2.5))
            comes.terminate()
            scene.await_recovery()
            assert stays.process.alive
            comes.start()
            scene.until(lambda: comes.owns > 0, "the newcomer has its share")


@experiment("rolling-restart")
def restarted_in_turn(scene: Scene) -> None:
    """A rolling restart under load, as a deploy does it: each ends with 0, nothing is read again."""
    workers = scene.two_workers()
    with scene.load():
        for _ in range(min(scene.rounds, 4)):
            for worker in workers:
                worker.terminate()
                worker.start()
                scene.await_recovery()
                scene.until(lambda: all(each.owns for each in workers), "each of the two owns partitions again")
    assert scene.replayed == 0, f"{scene.replayed} records were read again after drains"


@experiment("same-instance-id")
def two_under_one_name(scene: Scene) -> None:
    """A second worker with the instance id of a running one: one of the two ends with 4, and says why."""
    one, _two = scene.two_workers()
    with scene.load():
        scene.run_a_moment()
        twins = one, scene.worker(instance_id="one")
        for twin in twins:
            twin.is_row = False
        scene.until(lambda: not all(twin.process.alive for twin in twins), "one of the twins ends")
        scene.await_recovery()
    alive = [twin.process.alive for twin in twins]
    assert sorted(alive) == [False, True], f"one of the twins ends, the other stays: {alive}"
    scene.await_refusal(twins[alive.index(False)])
