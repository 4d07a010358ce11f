"""The broker and Redis: killed, away for a while, killed with a write half done."""

from collections.abc import Callable

from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene
from tests.chaos.segments import tear

LOUD_STOP, UNREACHABLE = 4, 3


@experiment("broker-killed", broker="own")
def broker_killed_and_restarted(scene: Scene) -> None:
    """kill -9 of the broker, restarted at once."""
    _without_broker(scene, lambda: scene.kafka.kill())


@experiment("broker-stopped", broker="own")
def broker_away_for_a_while(scene: Scene) -> None:
    """The broker is stopped in good order and stays away for 30 s (12 s in the short form)."""
    _without_broker(scene, lambda: scene.kafka.stop(), away_s=12 if scene.rounds == 1 else 30)


@experiment("broker-unclean", broker="own")
def broker_killed_in_mid_write(scene: Scene) -> None:
    """kill -9 of the broker, the last write of each log torn: half a batch, or one with a flipped byte."""

    def blow() -> None:
        scene.kafka.kill()
        assert tear(scene.kafka.folder / "kafka", scene.rng) > 0, "nothing to tear"

    _without_broker(scene, blow)


@experiment("broker-restarted", broker="own")
def broker_restarted_in_good_order(scene: Scene) -> None:
    """The broker restarted, twice: every worker that went on knows its lag again, by which its watchdog goes."""
    workers = scene.two_workers()
    for worker in workers:
        worker.may_end(LOUD_STOP, UNREACHABLE)
    with scene.load():
        for blow in (scene.kafka.stop, scene.kafka.kill):
            scene.run_a_moment()
            before = scene.offsets.committed()
            blow()
            scene.kafka.restart()
            scene.await_recovery(before)
            scene.until(lambda: all(worker.knows_its_lag for worker in workers), "every worker knows its lag again", 60)


@experiment("redis-killed")
def redis_gone_and_back_empty(scene: Scene) -> None:
    """kill -9 of Redis, back empty after a while: no worker ends, no event waits."""
    workers = scene.two_workers()
    with scene.load():
        scene.run_a_moment()
        scene.redis.kill()
        scene.await_recovery()
        scene.run_for(3)
        scene.redis.restart()
        scene.await_recovery()
    assert not any(worker.ended for worker in workers)


def _without_broker(scene: Scene, blow: Callable[[], None], away_s: float = 0.0) -> None:
    """The blow, the time away, the broker's return. Workers may stop loudly, and fail to start meanwhile."""
    for worker in scene.two_workers():
        worker.may_end(LOUD_STOP, UNREACHABLE)
    with scene.load():
        for _ in range(min(scene.rounds, 3)):
            scene.run_a_moment()
            before = scene.offsets.committed()
            blow()
            scene.run_for(away_s)
            scene.kafka.restart()
            scene.await_recovery(before)
