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
def broker_unavailable_for_a_moment(scene: Scene) -> None:
    """The broker is stopped in good order and stays away for 8 s: no worker ends."""
    _outlived(scene, unavailable_s=8)


@experiment("broker-away", broker="own")
def broker_unavailable_for_a_while(scene: Scene) -> None:
    """The same for 40 s, several sessions: no worker ends."""
    _outlived(scene, unavailable_s=40)


@experiment("broker-away-too-long", broker="own")
def broker_unavailable_for_longer_than_the_wait(scene: Scene) -> None:
    """Away for longer than SKILLSTREAM_BROKER_WAIT_S: every worker ends with 3, and says why."""
    workers = scene.two_workers(broker_wait_s=6.0)
    with scene.load():
        scene.run_a_moment()
        before = scene.offsets.committed()
        scene.kafka.stop()
        for worker in workers:
            worker.is_row = False
        scene.until(lambda: not any(worker.process.alive for worker in workers), "the workers end")
        codes = [worker.process.exit_code() for worker in workers]
        assert codes == [UNREACHABLE] * 2, f"they ended with {codes}, 3 was due"
        said = [worker.process.log.strip().splitlines()[-1] for worker in workers]
        assert all("SKILLSTREAM_BROKER_WAIT_S" in line for line in said), said
        scene.kafka.restart()
        for worker in workers:
            worker.start()
        scene.await_recovery(before)


@experiment("broker-paused", broker="own")
def broker_frozen(scene: Scene) -> None:
    """SIGSTOP of the broker: for less than a session no worker ends; for longer the group may have put them out."""
    workers = scene.two_workers()
    with scene.load():
        for unavailable_s in (4, 20):
            for worker in workers if unavailable_s > scene.session_s else ():
                worker.may_end(LOUD_STOP)
            scene.run_a_moment()
            before = scene.offsets.committed()
            scene.kafka.pause()
            scene.run_for(unavailable_s)
            scene.kafka.go_on()
            scene.await_recovery(before)


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


def _outlived(scene: Scene, unavailable_s: float) -> None:
    """The broker goes and comes back, under load. Nobody ends, and each says both in its log."""
    workers = scene.two_workers()
    with scene.load():
        for _ in range(min(scene.rounds, 3)):
            scene.run_a_moment()
            before = scene.offsets.committed()
            scene.kafka.stop()
            scene.run_for(unavailable_s)
            scene.kafka.restart()
            scene.await_recovery(before)
    assert not any(worker.ended for worker in workers), [worker.ended for worker in workers]
    # A commit that was on its way at the stop counts as a recovery: the end of the outage may be still to come.
    scene.until(lambda: all(_says_both(worker.process.log) for worker in workers), "each worker says both in its log")


def _says_both(log: str) -> bool:
    return log.count("The broker is away") >= log.count("The broker is back") > 0


def _without_broker(scene: Scene, blow: Callable[[], None], unavailable_s: float = 0.0) -> None:
    """The blow, the time away, the broker's return. Workers may stop loudly, and fail to start meanwhile."""
    for worker in scene.two_workers():
        worker.may_end(LOUD_STOP, UNREACHABLE)
    with scene.load():
        for _ in range(min(scene.rounds, 3)):
            scene.run_a_moment()
            before = scene.offsets.committed()
            blow()
            scene.run_for(unavailable_s)
            scene.kafka.restart()
            scene.await_recovery(before)
