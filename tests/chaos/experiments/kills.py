"""Workers killed: at random moments, and at those between two sends that a random moment hardly ever hits."""

from tests.chaos.experiment import experiment
from tests.chaos.fault import Fault, at_random_calls
from tests.chaos.scene import Scene


@experiment("kill")
def killed_at_a_random_moment(scene: Scene) -> None:
    """kill -9 of one of two workers under load, again and again."""
    workers = scene.two_workers()
    with scene.load():
        for _ in range(scene.rounds):
            scene.run_a_moment()
            scene.rng.choice(workers).kill()
            scene.await_recovery()


@experiment("kill-takeover")
def killed_and_not_restarted(scene: Scene) -> None:
    """kill -9 of a worker that does not come back: the other takes over its partitions."""
    one, two = scene.two_workers(named=False)
    with scene.load():
        scene.run_a_moment()
        one.kill_for_good()
        scene.await_recovery()
        assert two.owns == 4


@experiment("kill-points")
def killed_between_two_calls(scene: Scene) -> None:
    """kill -9 between changelog and commit, changelog and output, output and changelog, before and after a commit."""
    points = [
        Fault("changelog", "kill after"),
        Fault("output", "kill before"),
        Fault("changelog", "withhold"),
        Fault("commit", "kill before"),
        Fault("commit", "kill after"),
    ]
    due = at_random_calls(scene.rng, points * (1 if scene.rounds == 1 else 4))
    one, _two = scene.two_workers(due)
    with scene.load():
        for number, fault in enumerate(due, start=1):
            scene.await_deaths(one, number, f"the worker kills itself: {fault}")
            scene.await_recovery()
