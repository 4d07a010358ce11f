"""The table's log: emptied, cut, recreated, compacted, and with its end lost. Never a fresh start in silence."""

import shutil
from collections.abc import Callable
from typing import Final

from tests.agents.deployment import PARTITIONS
from tests.chaos.experiment import experiment
from tests.chaos.log import compact_at_once, ends, missing
from tests.chaos.scene import Scene
from tests.chaos.segments import cut
from tests.servers.topics import delete_before, empty, recreate

BATCHES_LOST: Final = 6


@experiment("changelog-emptied")
def changelog_emptied(scene: Scene) -> None:
    """All records of the changelog deleted while workers are down: refused with 4; rebuilt, it is exact."""
    _damaged(scene, lambda: empty(*_changelog(scene), PARTITIONS))


@experiment("changelog-cut")
def changelog_cut(scene: Scene) -> None:
    """The older nine tenths of the changelog deleted: refused with 4; rebuilt, it is exact."""

    def blow() -> None:
        broker, topic = _changelog(scene)
        delete_before(broker, topic, {partition: int(end * 0.9) for partition, end in ends(broker, topic).items()})

    _damaged(scene, blow)


@experiment("changelog-recreated")
def changelog_recreated(scene: Scene) -> None:
    """The changelog deleted and created again: refused with 4; rebuilt, it is exact."""
    _damaged(scene, lambda: recreate(scene.kafka.bootstrap, scene.deployment.topic(scene.deployment.changelog)))


@experiment("changelog-tail-lost", broker="own")
def changelog_tail_lost(scene: Scene) -> None:
    """The changelog's newest confirmed batches lost with the broker's disk: refused with 4; rewound, it is exact."""

    def blow() -> None:
        scene.kafka.kill()
        logs = scene.kafka.folder / "kafka"
        gone = [cut(logs / f"{scene.deployment.changelog}-{p}", BATCHES_LOST) for p in range(PARTITIONS)]
        assert min(gone) > 0
        scene.kafka.restart()

    _damaged(scene, blow)


@experiment("changelog-compacted")
def changelog_compacted(scene: Scene) -> None:
    """The changelog compacted under load, and both workers killed: they restore from what is left of it."""
    workers = scene.two_workers()
    log = _changelog(scene)
    with scene.load():
        scene.run_a_moment()
        compact_at_once(*log)
        scene.until(lambda: missing(*log) > 0, "the cleaner has run")
        for worker in workers:
            worker.kill()
        scene.await_recovery()


@experiment("local-store-deleted")
def local_store_deleted(scene: Scene) -> None:
    """Workers that keep their rows on disk; one is killed and its folder deleted: restored from the changelog."""
    folders = [scene.folder / name for name in ("one", "two")]
    one, two = (
        scene.worker(instance_id=folder.name, store="rocksdb", store_dir=folder, store_memory_mb=32)
        for folder in folders
    )
    scene.until(lambda: (one.owns, two.owns) == (2, 2), "two workers own two partitions each")
    with scene.load():
        scene.run_a_moment()
        one.kill()
        assert any(folders[0].rglob("*")), "there is no local store to delete"
        shutil.rmtree(folders[0])
        scene.await_recovery()
        two.kill()  # its folder stays: found again, and trusted or not
        scene.await_recovery()


def _damaged(scene: Scene, blow: Callable[[], None]) -> None:
    """Workers stop in good order, the blow falls, and the next start refuses; what it says is done."""
    one, two = scene.two_workers()
    with scene.load():
        scene.run_a_moment()
    scene.await_caught_up()
    scene.stop_all()
    blow()
    one.start()
    scene.refused(one)
    one.start()
    two.start()
    with scene.load():
        scene.await_recovery()


def _changelog(scene: Scene) -> tuple[str, str]:
    return scene.kafka.bootstrap, scene.deployment.changelog
