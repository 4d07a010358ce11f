"""Retention that is faster than the workers: what they never read must be said, and all else be exact."""

from tests.agents.delivery_cluster import await_no_fetch
from tests.agents.deployment import PARTITIONS
from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene
from tests.servers.topics import delete_before

_SAID = "offsets were removed before they were read"


@experiment("retention-overtakes", partly_judged=True)
def retention_overtakes_paused_workers(scene: Scene) -> None:
    """Two workers stopped by SIGSTOP for a moment; what comes meanwhile is deleted but for a rest."""
    workers = scene.two_workers()
    scene.send(scene.events(3_000))
    scene.await_caught_up()
    for worker in workers:
        worker.pause()
    await_no_fetch()
    scene.send(scene.events(2_000))
    deployment, activity = scene.deployment, scene.deployment.channels.activity
    ends = {partition: deployment.end(activity, partition) for partition in range(PARTITIONS)}
    delete_before(scene.kafka.bootstrap, activity, {partition: end - 20 for partition, end in ends.items()})
    for worker in workers:
        worker.go_on()
    with scene.load():
        scene.await_recovery()
    said = sum(worker.process.log.count(_SAID) for worker in workers)
    assert said == PARTITIONS or any(worker.expelled for worker in workers), f"{said} jumps were said"
