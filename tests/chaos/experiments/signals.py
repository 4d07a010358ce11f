"""Workers told to end, and workers frozen for longer than the group waits for them."""

from tests.agents.deployment import PARTITIONS
from tests.chaos.experiment import experiment
from tests.chaos.fault import Fault, at_random_calls
from tests.chaos.scene import Scene

DRAIN_S = 25.0


@experiment("sigterm")
def ended_under_load(scene: Scene) -> None:
    """SIGTERM under load: the worker drains, ends with 0 in bounded time, and nothing is read again."""
    one, _two = scene.two_workers()
    with scene.load(rate=2_000):
        for _ in range(min(scene.rounds, 5)):
            scene.run_a_moment()
            took_s = one.terminate()
            assert took_s < DRAIN_S, f"the drain took {took_s:.1f} s"
            one.start()
            scene.await_recovery()
            scene.until(lambda: one.owns > 0, "it works again")
    assert scene.replayed == 0, f"{scene.replayed} records were read again after a drain"


@experiment("sigterm-at-start")
def ended_while_it_starts(scene: Scene) -> None:
    """SIGTERM while a worker joins its group and restores its table: it ends with 0 at every moment."""
    one, _two = scene.two_workers()
    with scene.load():
        for _ in range(min(scene.rounds + 2, 10)):
            one.terminate()
            one.start()
            scene.until(lambda: one.has_started, "the worker has come as far as its pages")
            scene.run_for(scene.rng.uniform(0.0, 2.0))
        one.terminate()
        one.start()
        scene.await_recovery()


@experiment("paused")
def frozen_for_longer_than_its_session(scene: Scene) -> None:
    """SIGSTOP for longer than the session, then SIGCONT: the partitions have moved, and the zombie must not win."""
    one, two = scene.two_workers(named=False)
    one.may_end(4)
    with scene.load():
        for _ in range(min(scene.rounds, 3)):
            scene.run_a_moment()
            one.pause()
            scene.until(lambda: two.owns == PARTITIONS, "the other takes over all partitions")
            scene.await_recovery()
            scene.run_for(2)
            one.go_on()
            scene.until(lambda: one.owns + two.owns == PARTITIONS and one.owns > 0, "both work again")
            scene.run_a_moment()


@experiment("zombie")
def frozen_with_rows_in_its_hands(scene: Scene) -> None:
    """As `paused`, but frozen just before its rows go to the changelog: awake again, it must not append them."""
    due = at_random_calls(scene.rng, [Fault("changelog", "stop")] * min(scene.rounds, 3))
    one, two = scene.two_workers(due, named=False)
    with scene.load():
        for _ in due:
            scene.until(lambda: one.is_paused, "the worker freezes before a changelog send")
            scene.until(lambda: two.owns == PARTITIONS, "the other takes over all partitions")
            scene.await_recovery()
            frozen = one.process
            one.go_on()
            scene.until(lambda: one.owns + two.owns == PARTITIONS and one.owns > 0, "both work again")
            if one.process is frozen and one.faults:
                one.kill()
